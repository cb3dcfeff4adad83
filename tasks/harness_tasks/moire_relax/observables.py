"""What the task `moire_relax` returns; docs/tasks/moire_relax.md has the definitions in full.

Each number of a moiré is declared once. It is returned for the cell with the longest period under the plain key, and
for every cell under the key with the name of the cell: ``d_max``, ``d_max_21.79deg``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from harness.contracts.observable import Observable, find_observable
from harness.contracts.quantity import Quantity

D_MAX = Observable(
    "d_max", "A", "d_max", "Largest local distance of an atom to its three nearest in the other layer.", headline=True
)
D_MIN = Observable(
    "d_min", "A", "d_min", "Smallest local distance of an atom to its three nearest in the other layer.", headline=True
)
D_MEAN = Observable(
    "d_mean", "A", "d_mean", "Mean local distance of an atom to its three nearest in the other layer.", headline=True
)
CORRUGATION = Observable(
    "corrugation_share",
    "1",
    "c",
    "d_max less d_min over the same of perfect bilayers at all registries; 1 where the layers follow the registry.",
    headline=True,
)
AREA = Observable(
    "area_{stacking}", "1", "A_{stacking}", "Share of the area whose registry is nearest to {stacking}.", headline=True
)
SOLITON_WIDTH = Observable(
    "soliton_width",
    "A",
    "w",
    "Burgers vector of a domain wall over the slope of the slip in its middle, mean of the three walls.",
    headline=True,
)
IN_PLANE = Observable(
    "displacement_in_plane", "A", "u_∥", "Largest in-plane displacement from rigid flat layers.", headline=True
)
ENERGY = Observable(
    "energy_above_best",
    "meV/atom",
    "ΔE",
    "Energy of the relaxed twist over that of the perfect bilayer of the best registry.",
    headline=True,
)
OUT_OF_PLANE = Observable(
    "displacement_out_of_plane", "A", "u_z", "Largest displacement along z from the mean height of a layer."
)
ENERGY_SHEETS = Observable(
    "energy_above_best_sheets",
    "meV/atom",
    "ΔE_sheets",
    "Energy of relaxed elastic sheets over the registry landscape, over that of the best registry.",
)
ENERGY_UNRELAXED = Observable(
    "energy_unrelaxed_sheets",
    "meV/atom",
    "ΔE_rigid",
    "Mean of the registry landscape over its best registry: sheets relaxed along z alone.",
)
WIDTH_SHEETS = Observable("soliton_width_sheets", "A", "w_sheets", "Width of the domain walls of elastic sheets.")
WIDTH_LONELY = Observable(
    "soliton_width_lonely", "A", "w_0", "Width of a single domain wall, far from all others: b √(k/2ΔV)."
)
PERIOD = Observable(
    "moire_period", "A", "L", "Distance of the places where the layers are farthest apart; none where they are unclear."
)
PERIOD_THEORY = Observable(
    "moire_period_theory", "A", "L_0", "Period of the moiré of the two lattices, a/(2 sin θ/2) for a twist."
)
BULGE = Observable("bulge", "A", "Δz", "Range of the height half-way between the layers.")
NATOMS = Observable("natoms", "1", "N", "Atoms of the cell.")
FORCE_CALLS = Observable("force_calls", "1", "n_F", "Force calls of the relaxation.")
#: Of the relaxed structure and, with the ending of the geometry, of rigid layers.
P_MAX, LAYER_CHARGE, CHARGE_RATIO = (
    {
        ending: replace(
            observable,
            key=observable.key + ending,
            symbol=observable.symbol + (",rigid" if ending else ""),
            definition=observable.definition.removesuffix(".") + ("; rigid layers." if ending else "."),
        )
        for ending in ("", "_rigid")
    }
    for observable in (
        Observable("P_max", "pC/m", "P_max", "ε₀ (V_max - V_min) of the electrostatic potential on the highest atom."),
        Observable(
            "layer_charge_max",
            "1e12 e/cm^2",
            "σ_max",
            "Largest charge of a primitive cell of the upper layer over its area.",
        ),
        Observable(
            "charge_ratio",
            "1",
            "r_q",
            "Rms change over the moiré of the charges of the first element over that of the second.",
        ),
    )
)
DISTANCE = Observable(
    "distance_{stacking}", "A", "d_{stacking}", "Layer distance of the perfect bilayer at {stacking}, relaxed along z."
)
LAME_LAMBDA = Observable("lame_lambda", "N/m", "λ", "First Lamé constant of one layer, ions relaxed.")
LAME_MU = Observable("lame_mu", "N/m", "μ", "Shear modulus of one layer, ions relaxed.")

_LONGEST = (
    D_MAX,
    D_MIN,
    D_MEAN,
    CORRUGATION,
    AREA,
    SOLITON_WIDTH,
    IN_PLANE,
    ENERGY,
    OUT_OF_PLANE,
    ENERGY_SHEETS,
    ENERGY_UNRELAXED,
    WIDTH_SHEETS,
    WIDTH_LONELY,
    PERIOD,
    PERIOD_THEORY,
    BULGE,
    NATOMS,
    FORCE_CALLS,
    *P_MAX.values(),
    *LAYER_CHARGE.values(),
    *CHARGE_RATIO.values(),
)


def of_each(observable: Observable) -> Observable:
    """The same of every cell; the label is the name of the cell."""
    return replace(
        observable,
        key=observable.key + "_{cell}",
        symbol=observable.symbol + (",{cell}" if "_" in observable.symbol else "_{cell}"),
        definition=observable.definition.removesuffix(".") + "; cell {cell}.",
        headline=False,
    )


OBSERVABLES = (
    *(
        replace(each, definition=each.definition.removesuffix(".") + "; cell with the longest period.")
        for each in _LONGEST
    ),
    DISTANCE,
    LAME_LAMBDA,
    LAME_MU,
    *map(of_each, _LONGEST),
)


def of_cell(found: Mapping[str, Quantity], cell: str) -> dict[str, Quantity]:
    """The numbers `found` of one moiré under the keys with the name of its cell."""
    named: dict[str, Quantity] = {}
    for key, quantity in found.items():
        observable = find_observable(_LONGEST, key, quantity)
        assert observable is not None, key
        named |= of_each(observable).of(quantity, cell=cell, **quantity.labels)
    return named
