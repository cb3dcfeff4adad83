"""What the task `interlayer` returns: each curve's minimum, rigid and relaxed, by stacking; polarizabilities."""

from __future__ import annotations

from harness.contracts.observable import Observable


def _of_minimum(relaxed: bool) -> dict[str, Observable]:
    """Observables of the minimum of one curve, by word."""
    middle, sign, how = ("relaxed_", ",relaxed", "relaxed") if relaxed else ("", "", "rigid")
    return {
        "distance": Observable(
            f"h0_{middle}{{stacking}}",
            "A",
            f"h₀_{{stacking}}{sign}",
            f"Distance of {how} layers at the minimum of the binding energy, stacking {{stacking}}.",
            not relaxed,
        ),
        "binding": Observable(
            f"binding_energy_per_atom_{middle}{{stacking}}",
            "meV",
            f"E_b,{{stacking}}{sign}",
            f"Energy per atom gained by binding two {how} layers, stacking {{stacking}}.",
            not relaxed,
        ),
        "exfoliation": Observable(
            f"exfoliation_energy_{middle}{{stacking}}",
            "mJ/m^2",
            f"W_{{stacking}}{sign}",
            f"Energy per area that parts two {how} layers, stacking {{stacking}}.",
            not relaxed,
        ),
        "stiffness": Observable(
            f"stiffness_{middle}{{stacking}}",
            "GPa/nm",
            f"k_{{stacking}}{sign}",
            f"Second derivative of the binding energy per area by the distance of {how} layers, stacking {{stacking}}.",
        ),
        "c33": Observable(
            f"c33_{middle}{{stacking}}",
            "GPa",
            f"c₃₃_{{stacking}}{sign}",
            f"Elastic constant across {how} layers, their stiffness times their distance, stacking {{stacking}}.",
            not relaxed,
        ),
        "above": Observable(
            f"energy_above_{{reference}}_per_cell_{middle}{{stacking}}",
            "meV",
            f"ΔE_{{stacking}}-{{reference}}{sign}",
            f"Energy per cell of {{stacking}} less that of {{reference}}, each at its own minimum, {how} layers.",
            not relaxed,
        ),
        "increase": Observable(
            f"{middle}distance_increase",
            "A",
            f"Δh{'_relaxed' if relaxed else ''}",
            f"Largest distance of {how} layers over the stackings less that of the reference stacking.",
        ),
    }


RIGID, RELAXED = _of_minimum(False), _of_minimum(True)
ALPHA = Observable(
    "alpha_{direction}", "A^3", "α_{direction}", "Polarizability per primitive cell of the bilayer, {direction}.", True
)
ALPHA_LAYER = Observable(
    "alpha_{direction}_layer",
    "A^3",
    "α_{direction},layer",
    "Polarizability per cell of one layer, {direction}.",
)
ALPHA_RATIO = Observable(
    "alpha_{direction}_ratio",
    "1",
    "α/α₁_{direction}",
    "Polarizability of the bilayer over that of one layer, {direction}.",
)
LATTICE_CONSTANT = Observable(
    "lattice_constant", "A", "a", "Lattice constant of the reference stacking, relaxed with its cell."
)
OBSERVABLES = (*RIGID.values(), ALPHA, *RELAXED.values(), ALPHA_LAYER, ALPHA_RATIO, LATTICE_CONSTANT)
