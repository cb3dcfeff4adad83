"""D2 against its formula, finite differences, lattice sums and Quantum ESPRESSO."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.units import GPa, J, Ry, mol
from scipy.interpolate import CubicSpline

from harness.data.dataset import Dataset
from harness.data.dispersion import TABLE, d2
from harness.errors import HarnessError

FOLDER = Path(__file__).resolve().parents[2] / "datasets" / "hbn"
BOHR = 0.529177210903  # Å
CELL = [[2.446587, -0.024496, 0.0], [-1.244507, 2.235836, 0.0], [0.0, 0.0, 18.0]]
SITES = [
    [-0.010781, 0.010235, 7.050989],
    [-0.090620, 1.529185, 7.279900],
    [0.981919, 1.688508, 10.854824],
    [1.149642, 3.264203, 10.814286],
]


@pytest.fixture
def bilayer() -> Atoms:
    """Strained and rattled."""
    return Atoms("BNBN", positions=SITES, cell=CELL, pbc=(True, True, False))


def test_a_dimer_follows_the_formula():
    for pair, r in (("BN", 3.3), ("BB", 2.5), ("MoS", 6.0)):
        atoms = Atoms(pair, positions=[[0, 0, 0], [0, 0, r]])
        one, two = (TABLE[s] for s in atoms.symbols)
        c6 = math.sqrt(one[0] * two[0]) * J / mol * 1e6
        damping = 1 / (1 + math.exp(-20 * (r / (one[1] + two[1]) - 1)))
        result = d2(atoms)
        assert result.energy == pytest.approx(-0.75 * c6 / r**6 * damping, rel=1e-12)
        np.testing.assert_allclose(result.forces.sum(axis=0), 0.0, atol=1e-12)
        assert result.forces[0, :2] == pytest.approx([0.0, 0.0]) and not result.stress.any()


def test_forces_and_stress_are_derivatives_of_the_energy(bilayer):
    result, h = d2(bilayer), 1e-3
    for atom, axis in ((0, 0), (1, 2), (3, 1)):
        ends = []
        for sign in (1, -1):
            moved = bilayer.copy()
            moved.positions[atom, axis] += sign * h
            ends.append(d2(moved).energy)
        assert result.forces[atom, axis] == pytest.approx((ends[1] - ends[0]) / (2 * h), abs=1e-6)
    for k, (i, j) in enumerate(((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))):
        ends = []
        for sign in (1, -1):
            strain = np.eye(3)
            strain[i, j] += sign * h / 2
            strain[j, i] += sign * h / 2
            moved = bilayer.copy()
            moved.set_cell(bilayer.cell.array @ strain)
            moved.positions = bilayer.positions @ strain
            ends.append(d2(moved).energy)
        numerical = (ends[0] - ends[1]) / (2 * h) / bilayer.get_volume()
        assert result.stress[k] == pytest.approx(numerical, abs=1e-6)


def test_neither_cell_height_nor_choice_of_cell_matter_to_a_sheet(bilayer):
    low, wide = bilayer.copy(), bilayer.repeat((3, 2, 1))
    low.cell[2, 2] = 9.0
    wide.positions[::3] += wide.cell[0] - 2 * wide.cell[1]  # other periodic images
    for other, copies in ((low, 1), (wide, 6)):
        assert d2(other).energy / copies == pytest.approx(d2(bilayer).energy, abs=1e-7)
        np.testing.assert_allclose(d2(other).forces[: len(bilayer)], d2(bilayer).forces, atol=1e-7)
    assert d2(low).stress[0] * 9.0 == pytest.approx(d2(bilayer).stress[0] * 18.0, abs=1e-7)
    assert d2(bilayer, cutoff=100.0).energy == pytest.approx(d2(bilayer).energy, abs=5e-5)


def test_quantum_espresso_has_the_same_energy_forces_and_stress(bilayer):
    """pw.x 6.7, vdw_corr = 'grimme-d2', london_rcut = 200: its own implementation, periodic in three directions.

    Its table holds C6 and radii to five and four digits, which moves the energy by 2e-4 of itself.
    """
    bilayer.pbc = True
    result = d2(bilayer, cutoff=200 * BOHR)
    assert result.energy == pytest.approx(-0.02660103 * Ry, rel=3e-4)
    forces = [
        [-0.00055678, -0.00036691, 0.00225363],
        [0.00055775, 0.00036062, 0.00195934],
        [0.00055155, -0.00004026, -0.00252945],
        [-0.00055253, 0.00004656, -0.00168352],
    ]
    np.testing.assert_allclose(result.forces, np.array(forces) * Ry / BOHR, atol=2e-5)
    kbar = [-2.91, -0.56, -6.59, 0.04, 0.06, -0.76]  # xx yy zz yz xz xy; positive there is a pressure
    np.testing.assert_allclose(-result.stress / (0.1 * GPa), kbar, atol=0.006)


def test_quantum_espresso_has_the_same_parameters():
    """C6 (Ry bohr^6) and radius (bohr) as pw.x 6.7 prints them at its start."""
    for symbol, radius, c6 in (("B", 2.806, 108.584), ("N", 2.640, 42.670)):
        ours = TABLE[symbol][0] * J / mol * 1e6 / (Ry * BOHR**6)
        assert (TABLE[symbol][1] / BOHR, ours) == pytest.approx((radius, c6), rel=1e-4)


def test_ab_stacking_is_bound_at_the_distance_published_for_d2():
    """PBE + D2 binds AB at 3.07 Å (Deng et al., arXiv 2407.15081, 3.074 Å), much nearer than with D3(BJ), 3.345 Å."""
    minimum = {}
    for dispersion in ("d2", "d3bj"):
        frames = Dataset.load(FOLDER, dispersion).frames("all", families=["curve-bilayer4"])[:12]  # AB
        h = np.array([np.ptp(frame.positions[:, 2]) for frame in frames])
        energy = CubicSpline(h, [frame.get_potential_energy() for frame in frames])
        minimum[dispersion] = float(energy.derivative().roots(extrapolate=False)[0])
    assert minimum["d2"] == pytest.approx(3.09, abs=0.02)
    assert minimum["d3bj"] == pytest.approx(3.345, abs=0.02)


def test_an_element_without_parameters_is_named():
    with pytest.raises(HarnessError, match="unknown element for D2 'W'"):
        d2(Atoms("WS2", positions=np.eye(3) * 2))
