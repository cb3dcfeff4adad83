"""SevenNet on slabs: derivatives, cells, state, names."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import graphene
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress

pytest.importorskip("sevenn")

import harness_sevenn

from harness.errors import HarnessError


@pytest.fixture(scope="module")
def calculator():
    return harness_sevenn.sevenn().calculator()


def sheet(height: float = 20.0, rattle: float = 0.05) -> Atoms:
    atoms = graphene(formula="BN", a=2.511, size=(1, 1, 1))
    atoms.cell[2] = [0.0, 0.0, height]
    atoms.pbc = (True, True, False)
    atoms.rattle(rattle, seed=1)
    return atoms


@pytest.mark.parametrize("kind", ["slab", "crystal"])
def test_derivatives(calculator, kind):
    atoms = sheet()
    if kind == "crystal":
        atoms.pbc, atoms.cell[2] = True, [0.3, 0.2, 3.4]
    atoms.calc = calculator
    np.testing.assert_allclose(atoms.get_forces(), calculate_numerical_forces(atoms, eps=0.01), atol=5e-3)
    np.testing.assert_allclose(atoms.get_stress(), calculate_numerical_stress(atoms, eps=3e-3), atol=2e-4)


def test_vacuum_and_origin(calculator):
    energies, sheet_stresses = [], []
    for height, shift in ((20.0, 0.0), (3.4, 50.0), (300.0, -70.0)):
        atoms = sheet(height)
        atoms.positions[:, 2] += shift
        atoms.calc = calculator
        energies.append(atoms.get_potential_energy())
        sheet_stresses.append(atoms.get_stress()[[0, 1, 5]] * height)
    np.testing.assert_allclose(energies, energies[0], atol=2e-5)
    np.testing.assert_allclose(sheet_stresses, [sheet_stresses[0]] * 3, atol=1e-4)


def test_no_cell_no_stress(calculator):
    atoms = Atoms("N2", [[0, 0, 0], [0, 0, 1.1]], calculator=calculator)
    assert np.isfinite(atoms.get_potential_energy())
    assert "stress" not in calculator.results


def test_numbers_are_those_of_sevenn(capsys):
    """In single precision, energy, forces and stress as its own calculator gives them."""
    import torch
    from sevenn.calculator import SevenNetCalculator

    mine, theirs = sheet(), sheet()
    mine.calc = harness_sevenn.sevenn().calculator(dtype="float32")
    mine.get_forces()
    assert capsys.readouterr().out == ""
    assert torch.get_default_dtype() == torch.float32
    theirs.calc = SevenNetCalculator("7net-0", device="cpu")
    assert mine.get_potential_energy() == pytest.approx(theirs.get_potential_energy(), abs=1e-5)
    np.testing.assert_allclose(mine.get_forces(), theirs.get_forces(), atol=1e-5)
    np.testing.assert_allclose(mine.get_stress(), theirs.get_stress(), atol=1e-6)


def test_another_default_number_type_does_no_harm(calculator):
    """sevenn alone fails, or worse, where another backend has changed it."""
    import torch

    kept = torch.get_default_dtype()
    atoms = sheet()
    atoms.calc = calculator
    energy = atoms.get_potential_energy()
    for default in (torch.float64, torch.float32):
        torch.set_default_dtype(default)
        try:
            again = sheet()
            again.calc = calculator
            calculator.reset()
            assert again.get_potential_energy() == pytest.approx(energy, abs=1e-5)
            assert torch.get_default_dtype() == default
        finally:
            torch.set_default_dtype(kept)


def test_levels_of_one_model():
    energies = {}
    for modal, level in (("PBE", "PBE(+U) (Materials Project)"), ("R2SCAN", "r2SCAN (Materials Project)")):
        potential = harness_sevenn.sevenn(weights="7net-mf-0", modal=modal)
        assert potential.provenance()["level_of_theory"] == level
        atoms = sheet(rattle=0.0)
        atoms.calc = potential.calculator()
        energies[modal] = atoms.get_potential_energy()
    assert abs(energies["PBE"] - energies["R2SCAN"]) > 0.1


def test_mistakes():
    with pytest.raises(HarnessError, match="unknown weights of sevenn '7net-o'. Did you mean '7net-0'"):
        harness_sevenn.sevenn(weights="7net-o")
    with pytest.raises(HarnessError, match="Choices: PBE, R2SCAN"):
        harness_sevenn.sevenn(weights="7net-mf-0")
    with pytest.raises(HarnessError, match="have no modal"):
        harness_sevenn.sevenn(modal="PBE")
    with pytest.raises(HarnessError, match=r"Give device\.dtype=float32"):
        harness_sevenn.sevenn().calculator(dtype="float64")
    facts = harness_sevenn.sevenn(weights="7net-l3i5").provenance()
    assert facts["executes_code"] is True
    assert len(facts["model"]["sha256"]) == 64
