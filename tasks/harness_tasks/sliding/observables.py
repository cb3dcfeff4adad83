"""What the task `sliding` returns; docs/tasks/sliding.md has the definitions in full."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from harness.contracts.observable import Observable


def _of_kinds(observable: Observable, headline: Collection[str] = ()) -> dict[str, Observable]:
    """The same of relaxed and of rigid layers, by kind; `headline` names the kinds that reports show first."""
    rigid = replace(
        observable,
        key=f"{observable.key}_rigid",
        symbol=observable.symbol + (",rigid" if "_" in observable.symbol else "_rigid"),
        definition=observable.definition.removesuffix(".") + "; rigid layers at the distance of the material.",
        headline="rigid" in headline,
    )
    return {"relaxed": replace(observable, headline="relaxed" in headline), "rigid": rigid}


BARRIER_PER_CELL = _of_kinds(
    Observable("barrier_per_cell", "meV", "ΔE", "E(SP) less E(AB) for each cell of four atoms."), ("relaxed", "rigid")
)
BARRIER_PER_UNIT = _of_kinds(
    Observable("barrier_per_formula_unit", "meV", "ΔE_f.u.", "E(SP) less E(AB) for each formula unit."), ("relaxed",)
)
CORRUGATION_PER_CELL = _of_kinds(
    Observable(
        "corrugation_per_cell",
        "meV",
        "ΔE_c",
        "Highest less lowest energy over all registries for each cell of four atoms.",
    ),
    ("relaxed",),
)
CORRUGATION_PER_UNIT = _of_kinds(
    Observable(
        "corrugation_per_formula_unit",
        "meV",
        "ΔE_c,f.u.",
        "Highest less lowest energy over all registries for each formula unit.",
    )
)
DISTANCE_AB = Observable(
    "distance_AB", "A", "d_AB", "Difference of the mean heights of the layers in AB.", headline=True
)
DISTANCE_SP = Observable("distance_SP", "A", "d_SP", "Difference of the mean heights of the layers at SP.")
DISTANCE_INCREASE = Observable(
    "distance_increase", "A", "Δd", "Largest less smallest distance of the layers over all registries."
)
SPONTANEOUS = _of_kinds(
    Observable(
        "spontaneous_polarization",
        "pC/m",
        "P_s",
        "Half of P⊥(BA) less P⊥(AB), dipole over area; positive where BA points up.",
    ),
    ("relaxed", "rigid"),
)
PARALLEL_SP = _of_kinds(
    Observable(
        "polarization_parallel_SP",
        "pC/m",
        "P_∥,SP",
        "Size of the polarization along the path at SP, less that of AB and BA.",
    ),
    ("relaxed",),
)
POLARIZATION_RATIO = _of_kinds(
    Observable("polarization_ratio", "1", "r_P", "Polarization along the path at SP over the spontaneous polarization.")
)
SPONTANEOUS_BORN = _of_kinds(
    Observable(
        "spontaneous_polarization_born",
        "pC/m",
        "P_s,Z",
        "Spontaneous polarization from the integral of the Born charges along the path, without any dipole.",
    ),
    ("relaxed",),
)
PARALLEL_SP_BORN = _of_kinds(
    Observable(
        "polarization_parallel_SP_born",
        "pC/m",
        "P_∥,SP,Z",
        "Polarization along the path at SP from the integral of the Born charges, without any dipole.",
    )
)
BORN_PERP_SP = _of_kinds(
    Observable(
        "layer_born_charge_perp_SP",
        "e",
        "Z_⊥,SP",
        "Born charges summed over the upper layer at SP: change of the dipole across by slip along the path.",
    ),
    ("relaxed",),
)
BORN_PARALLEL_AB = _of_kinds(
    Observable(
        "layer_born_charge_parallel_AB",
        "e",
        "Z_∥,AB",
        "Born charges summed over the upper layer in AB: change of the dipole along the path by slip along it.",
    )
)
LATTICE_CONSTANT = Observable(
    "lattice_constant", "A", "a", "Lattice constant of the potential, with which everything else was calculated."
)
OBSERVABLES = (
    *BARRIER_PER_CELL.values(),
    *BARRIER_PER_UNIT.values(),
    *CORRUGATION_PER_CELL.values(),
    *CORRUGATION_PER_UNIT.values(),
    DISTANCE_AB,
    DISTANCE_SP,
    DISTANCE_INCREASE,
    *SPONTANEOUS.values(),
    *SPONTANEOUS_BORN.values(),
    *PARALLEL_SP.values(),
    *PARALLEL_SP_BORN.values(),
    *POLARIZATION_RATIO.values(),
    *BORN_PERP_SP.values(),
    *BORN_PARALLEL_AB.values(),
    LATTICE_CONSTANT,
)
