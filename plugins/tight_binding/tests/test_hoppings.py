"""The hopping matrix: published values, symmetry, gradients, band edges in closed form, what is refused."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from harness_tight_binding.exact import Exact
from harness_tight_binding.hoppings import ONSITE, Parameters, find_hoppings
from tb_structures import OTHER_SIGN, PARAMETERS, rattled, stacked

from harness.errors import HarnessError


def _pair(symbols: str, vector: tuple[float, float, float], p: Parameters = OTHER_SIGN) -> float:
    atoms = Atoms(symbols, positions=[(0, 0, 0), vector])
    hoppings = find_hoppings(atoms, p)
    assert len(hoppings.values) == 2 and hoppings.values[0] == hoppings.values[1]
    return float(hoppings.values[0])


def test_hops_are_the_published_ones() -> None:
    """γ₀ to the first and a tenth of it to the second neighbours of a layer; γ₁ straight up at the distance c."""
    a = OTHER_SIGN.lattice_constant
    assert _pair("BN", (0, a / math.sqrt(3), 0)) == pytest.approx(-2.7)
    assert _pair("BB", (a, 0, 0)) == pytest.approx(-0.27)
    for symbols, gamma in (("BB", 0.831), ("N2", 0.3989), ("BN", 0.6601)):
        assert _pair(symbols, (0, 0, OTHER_SIGN.distance)) == pytest.approx(gamma)
        assert _pair(symbols, (0, 0, OTHER_SIGN.distance), PARAMETERS) == pytest.approx(-gamma)
    assert OTHER_SIGN.decay == pytest.approx(0.184**-1 / a, rel=3e-3)  # Moon and Koshino's length of 0.184 a


@pytest.mark.parametrize("parameters", [PARAMETERS, OTHER_SIGN])
def test_a_layer_has_the_gap_of_two_sites(parameters: Parameters) -> None:
    """At K the hops to the other sublattice cancel, and those within one are −3 t₂ for both."""
    layer = stacked("AB", layers=1)
    hoppings = find_hoppings(layer, replace(parameters, cutoff=3.7))  # 1.45, 2.50 and 2.89 Å: three shells
    exact = Exact(hoppings, 9 * 2.504)
    filled, empty = [], []
    for s in exact.states():
        filled.append(s.energies[0])
        empty.append(s.energies[1])
    assert min(empty) - max(filled) == pytest.approx(ONSITE["B"] - ONSITE["N"], abs=1e-9)
    second = -0.27 if parameters.sign == "slater_koster" else 0.27
    assert max(filled) == pytest.approx(ONSITE["N"] - 3 * second, abs=1e-9)


def test_gradients_are_those_of_the_hops() -> None:
    atoms = rattled()
    before = find_hoppings(atoms, PARAMETERS)
    step, atom, axis = 1e-5, 2, 1
    moved = []
    for sign in (1, -1):
        other = atoms.copy()
        other.positions[atom, axis] += sign * step
        found = find_hoppings(other, PARAMETERS)
        order = np.lexsort((*found.shifts.T, found.j, found.i))
        moved.append(found.values[order])
    order = np.lexsort((*before.shifts.T, before.j, before.i))
    share = (before.j == atom).astype(float) - (before.i == atom)
    expected = (share * before.slopes[:, axis])[order]
    assert (moved[0] - moved[1]) / (2 * step) == pytest.approx(expected, abs=1e-8)


def test_hops_end_smoothly_at_the_cutoff() -> None:
    near, far = (_pair("BN", (0, 3.0, z), replace(PARAMETERS, cutoff=6.0)) for z in (3.35, 5.196))
    assert abs(near) > 1e-2 and abs(far) < 1e-9


def test_layers_are_what_bonds_hold_together() -> None:
    hoppings = find_hoppings(rattled(repeat=(2, 2)), PARAMETERS)
    inside = hoppings.within_layers()
    heights = inside.positions[:, 2]
    assert 0 < len(inside.i) < len(hoppings.i)
    assert np.abs(heights[inside.i] - heights[inside.j]).max() < 1.0


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"sign": "minus"}, "unknown sign"),
        ({"cutoff": 3.0}, "shorter than distance"),
        ({"distance": float("nan")}, "out of range"),
    ],
)
def test_parameters_are_checked(change: dict[str, object], match: str) -> None:
    with pytest.raises(HarnessError, match=match):
        replace(PARAMETERS, **change)  # type: ignore[arg-type]


def test_structures_are_checked() -> None:
    bulk = stacked("AB")
    bulk.pbc = True
    tilted = stacked("AB")
    tilted.rotate(20, "x", rotate_cell=True)
    for bad, match in (
        (Atoms("C2", positions=[(0, 0, 0), (0, 0, 1.4)]), "no parameters for C"),
        (Atoms(), "no atoms"),
        (Atoms("B", positions=[(0, np.nan, 0)]), "finite"),
        (bulk, "x-y plane"),
        (tilted, "x-y plane"),
    ):
        with pytest.raises(HarnessError, match=match):
            find_hoppings(bad, PARAMETERS)
