"""Forces, stress and invariances through the in-process driver."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase import units as ase_units
from ase.build import bulk, molecule
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress
from lammps_support import ILP, LJ, PLAIN_ILP, TERSOFF

Make = Callable[..., Any]


@pytest.mark.parametrize("pbc", [(1, 1, 0), (1, 1, 1), (0, 1, 0), (0, 0, 0)])
def test_forces_and_stress_are_derivatives(calculator: Make, stack: Make, pbc: Any) -> None:
    atoms = stack(n=2, pbc=pbc)
    atoms.calc = calculator(ILP if any(pbc) else PLAIN_ILP)  # the fast style is wrong at atoms with a single bond
    np.testing.assert_allclose(atoms.get_forces(), calculate_numerical_forces(atoms, 1e-4), atol=1e-5)
    if pbc[:2] == (1, 1):
        np.testing.assert_allclose(atoms.get_stress(), calculate_numerical_stress(atoms, 1e-5), atol=1e-7)
    np.testing.assert_allclose(atoms.get_forces().sum(axis=0), 0, atol=1e-10)


def test_turned_and_mirrored_structures_have_turned_and_mirrored_forces(calculator: Make, stack: Make) -> None:
    atoms = stack(n=2)
    atoms.calc = calculator(ILP)
    q = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
    for turn in (q, -q):  # one of them is improper
        other = Atoms(atoms.numbers, atoms.positions @ turn.T, cell=atoms.cell.array @ turn.T, pbc=atoms.pbc)
        other.calc = calculator(ILP, molecules="sheet")
        other.arrays["sheet"] = np.arange(len(atoms)) // 2 % 2 + 1  # layers are told by height, which was turned
        assert other.get_potential_energy() == pytest.approx(atoms.get_potential_energy(), abs=1e-9)
        np.testing.assert_allclose(other.get_forces(), atoms.get_forces() @ turn.T, atol=1e-9)
        stress = turn @ atoms.get_stress(voigt=False) @ turn.T
        np.testing.assert_allclose(other.get_stress(voigt=False), stress, atol=1e-11)


def test_a_cell_smaller_than_the_cutoff_is_as_its_supercell(calculator: Make, stack: Make) -> None:
    small = stack()
    large = small.repeat((5, 5, 1))
    small.calc, large.calc = calculator(ILP), calculator(ILP)
    assert large.get_potential_energy() == pytest.approx(25 * small.get_potential_energy(), abs=1e-9)
    np.testing.assert_allclose(large.get_forces()[:4], small.get_forces(), atol=1e-10)
    np.testing.assert_allclose(large.get_stress(), small.get_stress(), atol=1e-12)


def test_dense_bulk_in_a_tiny_cell_fits_the_neighbour_list(calculator: Make) -> None:
    atoms = bulk("Ar", "fcc", a=1.5, cubic=False)  # 1,900 neighbours within 8 Å, more than LAMMPS makes room for
    atoms.calc = calculator(LJ, after=[])
    assert np.isfinite(atoms.get_potential_energy())


def test_a_trajectory_gives_what_fresh_calculators_give(calculator: Make, stack: Make) -> None:
    atoms = stack(n=3)
    atoms.calc = calculator(ILP)
    rng = np.random.default_rng(3)
    for k in range(40):
        atoms.positions += rng.normal(scale=0.01, size=(len(atoms), 3))
        if k % 10 == 5:  # whole periods, some of them many
            atoms.positions += (rng.integers(-4, 5, size=(len(atoms), 3)) * [1, 1, 0]) @ atoms.cell.array
        if k % 10 == 7:  # off along the open direction
            atoms.positions += [0.3, 0.0, 40.0]
        if k % 10 == 9:
            atoms.set_cell(atoms.cell @ (np.eye(3) + rng.normal(scale=0.01, size=(3, 3))), scale_atoms=True)
        fresh = atoms.copy()
        fresh.calc = calculator(ILP)
        assert atoms.get_potential_energy() == pytest.approx(fresh.get_potential_energy(), abs=1e-9)
        np.testing.assert_allclose(atoms.get_forces(), fresh.get_forces(), atol=1e-9)
        np.testing.assert_allclose(atoms.get_stress(), fresh.get_stress(), atol=1e-11)


def test_energies_of_atoms_add_up(calculator: Make, stack: Make) -> None:
    atoms = stack(n=2)
    atoms.calc = calculator(ILP)
    energy = atoms.get_potential_energy()
    assert atoms.calc.get_property("energies", atoms).sum() == pytest.approx(energy, abs=1e-9)
    atoms.rattle(0.02, seed=5)
    assert atoms.calc.get_property("energies", atoms).sum() == pytest.approx(atoms.get_potential_energy(), abs=1e-9)
    first = atoms.calc.get_property("energies", atoms)
    order = np.random.default_rng(0).permutation(len(atoms))
    other = atoms[order]
    other.calc = calculator(ILP)
    np.testing.assert_allclose(other.calc.get_property("energies", other), first[order], atol=1e-10)


def test_layers_attract_each_other_only_with_molecule_ids(calculator: Make, stack: Make) -> None:
    atoms = stack(n=2)
    alone = stack(n=2, layers=1)
    alone.calc = calculator(TERSOFF)
    bare = atoms.copy()
    atoms.calc, bare.calc = calculator(ILP), calculator(TERSOFF)
    binding = (atoms.get_potential_energy() - bare.get_potential_energy()) / len(atoms)
    assert -0.05 < binding < -0.01  # eV; tens of meV per atom bind hBN


def test_layers_are_assigned_anew_when_another_structure_comes(calculator: Make, stack: Make) -> None:
    atoms = stack(n=2)
    shuffled = atoms[np.random.default_rng(1).permutation(len(atoms))]
    shuffled.numbers, order = atoms.numbers, np.argsort(shuffled.numbers, kind="stable")
    shuffled.positions[np.argsort(atoms.numbers, kind="stable")] = shuffled.positions[order]
    calc = calculator(ILP)
    for structure in (atoms, stack(n=2), atoms):
        structure.calc = calc
        fresh = structure.copy()
        fresh.calc = calculator(ILP)
        assert structure.get_potential_energy() == pytest.approx(fresh.get_potential_energy(), abs=1e-9)


def test_units_real_are_converted(calculator: Make) -> None:
    atoms = bulk("Ar", cubic=True).repeat((4, 4, 4))
    atoms.rattle(0.1, seed=0)
    kcal = ase_units.kcal / ase_units.mol
    in_real = {**LJ, "pair_coeff": f"* * {0.0104 / kcal:.15g} 3.4", "units": "real"}
    atoms.calc = calculator(LJ)
    other = atoms.copy()
    other.calc = calculator(in_real)
    assert other.get_potential_energy() == pytest.approx(atoms.get_potential_energy(), rel=1e-6)
    np.testing.assert_allclose(other.get_forces(), atoms.get_forces(), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(other.get_stress(), atoms.get_stress(), rtol=1e-5, atol=1e-9)


def test_charges_act_by_coulombs_law(calculator: Make) -> None:
    atoms = Atoms("BN", positions=[[0, 0, 0], [0, 0, 4.0]])
    params = {"pair_style": "coul/cut 20.0", "pair_coeff": "* *", "species": ["B", "N"]}
    atoms.calc = calculator(params, charges={"B": 0.5, "N": -0.5})
    coulomb = ase_units._e * 1e10 / (4 * np.pi * ase_units._eps0)  # eV Å
    assert atoms.get_potential_energy() == pytest.approx(-0.25 * coulomb / 4.0, rel=1e-5)
    assert "stress" not in atoms.calc.results  # there is no cell to refer it to


def test_a_molecule_without_a_cell(calculator: Make) -> None:
    atoms = molecule("N2")
    atoms.calc = calculator(TERSOFF)
    np.testing.assert_allclose(atoms.get_forces(), calculate_numerical_forces(atoms, 1e-4), atol=1e-4)


def test_positions_that_are_no_numbers_give_an_energy_that_is_none(calculator: Make, stack: Make) -> None:
    atoms = stack()
    atoms.calc = calculator(ILP)
    energy = atoms.get_potential_energy()
    kept = atoms.positions.copy()
    atoms.positions[0, 0] = np.nan
    assert np.isnan(atoms.get_potential_energy())
    atoms.positions = kept
    assert atoms.get_potential_energy() == pytest.approx(energy, abs=1e-12)
