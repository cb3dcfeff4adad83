"""CHGNet on slabs: derivatives, cells, state; and against its own calculator where that applies."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, graphene
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress

pytest.importorskip("chgnet")

import harness_chgnet

from harness.errors import HarnessError


@pytest.fixture(scope="module")
def calculator():
    return harness_chgnet.chgnet().calculator()


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
    np.testing.assert_allclose(atoms.get_forces(), calculate_numerical_forces(atoms, eps=1e-4), atol=1e-5)
    np.testing.assert_allclose(atoms.get_stress(), calculate_numerical_stress(atoms, eps=1e-4), rtol=1e-4, atol=1e-6)


def test_open_directions_have_no_images(calculator):
    """chgnet itself takes every direction as periodic: in a low cell a layer would feel its images."""
    energies, sheet_stresses = [], []
    for height in (20.0, 3.4, 60.0):
        atoms = sheet(height)
        atoms.calc = calculator
        energies.append(atoms.get_potential_energy())
        sheet_stresses.append(atoms.get_stress()[[0, 1, 5]] * height)
    np.testing.assert_allclose(energies, energies[0], atol=1e-9)
    np.testing.assert_allclose(sheet_stresses, [sheet_stresses[0]] * 3, atol=1e-8)
    periodic = sheet(3.4)
    periodic.pbc = True
    periodic.calc = calculator
    assert abs(periodic.get_potential_energy() - energies[0]) > 1e-3


def test_no_cell_no_stress(calculator):
    atoms = Atoms("N2", [[0, 0, 0], [0, 0, 1.1]], calculator=calculator)
    far = Atoms("N2", [[70, 0, 0], [70, 0, 1.1]], calculator=calculator)
    energy = atoms.get_potential_energy()
    assert "stress" not in calculator.results
    assert far.get_potential_energy() == pytest.approx(energy, abs=1e-9)


def test_numbers_are_those_of_chgnet(capsys):
    """In a crystal, in single precision: energy, forces, and the stress in eV/Å³, not GPa."""
    from chgnet.model import CHGNetCalculator

    mine, theirs = bulk("Si"), bulk("Si")
    mine.rattle(0.05, seed=2)
    theirs.positions[:] = mine.positions
    mine.calc = harness_chgnet.chgnet().calculator(dtype="float32")
    assert capsys.readouterr().out == ""
    theirs.calc = CHGNetCalculator(use_device="cpu")
    assert mine.get_potential_energy() == pytest.approx(theirs.get_potential_energy(), abs=1e-5)
    np.testing.assert_allclose(mine.get_forces(), theirs.get_forces(), atol=1e-5)
    np.testing.assert_allclose(mine.get_stress(), theirs.get_stress(), atol=1e-6)


def test_state_of_torch_stays(calculator):
    import torch

    kept = torch.get_default_dtype()
    for default in (torch.float64, torch.float32):
        torch.set_default_dtype(default)
        try:
            atoms = sheet()
            atoms.calc = calculator
            assert np.isfinite(atoms.get_forces()).all()
            assert torch.get_default_dtype() == default
        finally:
            torch.set_default_dtype(kept)
    seeds = torch.get_rng_state()
    harness_chgnet.chgnet().calculator().get_potential_energy(sheet())
    assert torch.equal(torch.get_rng_state(), seeds)


def test_provenance_and_mistakes():
    facts = harness_chgnet.chgnet(weights="r2scan").provenance()
    assert facts["level_of_theory"] == "r2SCAN (MP-r2SCAN)"
    assert facts["model"]["file"].startswith("chgnet_r2scan")
    assert len(facts["model"]["sha256"]) == 64
    assert {"B", "N", "Mo", "S"} <= harness_chgnet.chgnet().elements
    with pytest.raises(HarnessError, match=r"unknown weights of chgnet '0\.3\.1'. Did you mean '0\.3\.0'"):
        harness_chgnet.chgnet(weights="0.3.1")
