"""Forces and stress are derivatives of the energy; deepmd's own calculator agrees where it can be used."""

from __future__ import annotations

import numpy as np
import pytest
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress
from harness_deep_wannier.boxes import box


def difference(a, b) -> float:
    return float(np.abs(np.asarray(a) - np.asarray(b)).max())


def test_forces_and_stress_are_derivatives(potential, atoms):
    atoms.calc = potential.calculator()
    assert difference(atoms.get_forces(), calculate_numerical_forces(atoms, eps=1e-4)) < 1e-5
    assert difference(atoms.get_stress(), calculate_numerical_stress(atoms, eps=1e-5)) < 1e-7
    assert np.abs(atoms.get_forces().sum(axis=0)).max() < 1e-9


def test_the_numbers_are_those_of_deepmd(potential, atoms):
    from deepmd.calculator import DP

    atoms.pbc = True  # deepmd's calculator makes every cell fully periodic
    atoms.center(vacuum=8.0, axis=2)
    theirs = atoms.copy()
    theirs.calc = DP(str(potential.path))
    atoms.calc = potential.calculator()
    assert atoms.get_potential_energy() == pytest.approx(theirs.get_potential_energy(), abs=1e-9)
    assert difference(atoms.get_forces(), theirs.get_forces()) < 1e-10
    assert difference(atoms.get_stress(), theirs.get_stress()) < 1e-12


def test_vacuum_does_not_matter(potential, atoms):
    """Not even when it is thinner than the cutoff: an open direction stays open."""
    atoms.calc = potential.calculator()
    energy, forces = atoms.get_potential_energy(), atoms.get_forces()
    volume = atoms.get_volume()
    stress = atoms.get_stress()
    atoms.cell[2] = [0.3, 0.2, 8.0]
    atoms.wrap()
    assert atoms.get_potential_energy() == pytest.approx(energy, abs=1e-9)
    assert difference(atoms.get_forces(), forces) < 1e-9
    assert difference(atoms.get_stress() * atoms.get_volume(), stress * volume) < 1e-8
    atoms.cell[2] = 0.0
    assert difference(atoms.get_forces(), forces) < 1e-9


def test_flake_without_a_cell(potential, atoms):
    atoms.pbc = False
    boxed = atoms.copy()
    atoms.cell = None
    boxed.center(vacuum=8.0)
    boxed.pbc = True
    atoms.calc = boxed.calc = potential.calculator()
    assert atoms.get_potential_energy() == pytest.approx(boxed.get_potential_energy(), abs=1e-9)
    assert box(atoms, 6.0) is None


def test_extensive_and_blind_to_order(potential, atoms):
    atoms.calc = potential.calculator()
    energy, forces = atoms.get_potential_energy(), atoms.get_forces()
    energies = atoms.calc.get_property("energies", atoms)
    assert energies.sum() == pytest.approx(energy, abs=1e-8)
    order = np.random.default_rng(0).permutation(len(atoms))
    shuffled = atoms[order]
    shuffled.calc = potential.calculator()
    assert difference(shuffled.get_forces(), forces[order]) < 1e-9
    assert difference(shuffled.calc.get_property("energies", shuffled), energies[order]) < 1e-9
    big = atoms.repeat((2, 1, 1))
    big.calc = potential.calculator()
    assert big.get_potential_energy() == pytest.approx(2 * energy, abs=1e-7)


def test_open_directions_of_a_skew_cell(atoms):
    """The cell to compute in keeps the periodic vectors, and is as high as atoms and cutoff need."""
    made = box(atoms, 6.5)
    assert difference(made[:2], atoms.cell[:2]) == 0
    assert difference(made[:2] @ made[2], 0) < 1e-9
    assert np.linalg.norm(made[2]) >= np.ptp(atoms.positions[:, 2]) + 6.5
    atoms.pbc = (False, True, False)
    made = box(atoms, 6.5)
    assert difference(made[1], atoms.cell[1]) == 0
    assert difference(made[[0, 2]] @ made[1], 0) < 1e-9
    spans = [np.ptp(atoms.positions @ v / np.linalg.norm(v)) for v in made[[0, 2]]]
    assert all(np.linalg.norm(v) > span + 6.5 for v, span in zip(made[[0, 2]], spans, strict=True))
