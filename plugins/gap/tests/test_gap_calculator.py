"""Derivatives, invariances and units; any model will do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress
from harness_gap import gapfile

from harness.errors import HarnessError

Make = Callable[..., Any]


@pytest.mark.parametrize("pbc", [(1, 1, 0), (1, 1, 1), (0, 0, 0)])
def test_forces_and_stress_are_derivatives(calculator: Any, sheet: Make, pbc: Any) -> None:
    atoms = sheet()
    atoms.pbc = pbc
    atoms.calc = calculator
    np.testing.assert_allclose(atoms.get_forces(), calculate_numerical_forces(atoms, 1e-4), atol=2e-5)
    np.testing.assert_allclose(atoms.get_forces().sum(axis=0), 0, atol=1e-9)
    if any(pbc):
        np.testing.assert_allclose(atoms.get_stress(), calculate_numerical_stress(atoms, 1e-5), atol=2e-6)


def test_turned_structures_have_turned_forces(calculator: Any, sheet: Make) -> None:
    atoms = sheet()
    atoms.calc = calculator
    energy, forces, stress = atoms.get_potential_energy(), atoms.get_forces(), atoms.get_stress(voigt=False)
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
    other = Atoms(atoms.numbers, atoms.positions @ turn.T, cell=atoms.cell.array @ turn.T, pbc=atoms.pbc)
    other.calc = calculator
    assert other.get_potential_energy() == pytest.approx(energy, abs=1e-8)
    np.testing.assert_allclose(other.get_forces(), forces @ turn.T, atol=1e-7)
    np.testing.assert_allclose(other.get_stress(voigt=False), turn @ stress @ turn.T, atol=1e-9)


def test_a_cell_smaller_than_the_cutoff_is_as_its_supercell(calculator: Any, sheet: Make) -> None:
    small = sheet(n=1)
    large = small.repeat((3, 3, 1))
    small.calc = calculator
    energy, forces, stress = small.get_potential_energy(), small.get_forces(), small.get_stress()
    large.calc = calculator
    assert large.get_potential_energy() == pytest.approx(9 * energy, abs=1e-8)
    np.testing.assert_allclose(large.get_forces()[:2], forces, atol=1e-8)
    np.testing.assert_allclose(large.get_stress(), stress, atol=1e-10)


def test_energies_add_up_and_numbers_are_those_of_quippy(calculator: Any, sheet: Make, small: Path) -> None:
    from quippy.potential import Potential

    atoms = sheet(n=3)
    atoms.calc = calculator
    energies = calculator.get_property("energies", atoms)
    assert energies.sum() == pytest.approx(atoms.get_potential_energy(), abs=1e-9)
    bare = atoms.copy()
    with gapfile.unpacked(gapfile.read(small)) as xml:
        bare.calc = Potential(param_filename=str(xml))
    assert bare.get_potential_energy() == pytest.approx(atoms.get_potential_energy(), abs=1e-10)
    np.testing.assert_allclose(bare.get_forces(), atoms.get_forces(), atol=1e-12)
    np.testing.assert_allclose(bare.get_stress(), atoms.get_stress(), atol=1e-14)


def test_nothing_leaks_across_an_open_boundary(calculator: Any) -> None:
    near = Atoms("BN", positions=[[0, 0, 1.0], [0, 0, 9.0]], cell=[10, 10, 10], pbc=(1, 1, 0))
    near.calc = calculator
    open_energy = near.get_potential_energy()
    near.pbc = True  # now 2 Å apart
    assert abs(near.get_potential_energy() - open_energy) > 1e-3
    lone = Atoms("B", cell=[10, 10, 10], pbc=(1, 1, 0)), Atoms("N", cell=[10, 10, 10], pbc=(1, 1, 0))
    total = 0.0
    for atom in lone:
        atom.calc = calculator
        total += atom.get_potential_energy()
    assert open_energy == pytest.approx(total, abs=1e-9)


def test_a_structure_without_a_cell_has_no_stress(calculator: Any) -> None:
    atoms = Atoms("BN", positions=[[0, 0, 0], [0, 0, 1.4]])
    atoms.calc = calculator
    atoms.get_forces()
    assert "stress" not in calculator.results


def test_uncertainty_is_small_where_there_are_data_and_large_where_there_are_none(
    calculator: Any, sheet: Make, frames: Any
) -> None:
    seen, elsewhere = frames.frames("train")[0].copy(), sheet(rattle=0.6)
    known = calculator.get_property("energies_uncertainty", seen)
    foreign = calculator.get_property("energies_uncertainty", elsewhere)
    assert known.shape == (len(seen),) and (known >= 0).all()
    assert foreign.mean() > 3 * known.mean()
    total = calculator.get_property("energy_uncertainty", elsewhere)
    assert total == pytest.approx(foreign.sum())


def test_force_calls_do_not_pay_for_the_uncertainty(calculator: Any, sheet: Make) -> None:
    atoms = sheet()
    atoms.calc = calculator
    atoms.get_forces()
    assert "energies_uncertainty" not in calculator.results


def test_foreign_elements_are_refused(calculator: Any, sheet: Make) -> None:
    atoms = sheet()
    atoms.symbols[0] = "C"
    atoms.calc = calculator
    with pytest.raises(HarnessError, match="does not know the element C; it knows B, N"):
        atoms.get_potential_energy()


def test_positions_that_are_no_numbers_give_an_energy_that_is_none(calculator: Any, sheet: Make) -> None:
    atoms = sheet()
    atoms.positions[0, 0] = np.nan
    atoms.calc = calculator
    assert np.isnan(atoms.get_potential_energy())
