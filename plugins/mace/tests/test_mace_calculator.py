"""Energies, forces and stresses of any MACE model, against finite differences and against bare mace."""

from __future__ import annotations

import os
import subprocess
import sys

import harness_mace
import numpy as np
import pytest
from ase import Atoms
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress
from harness_mace.modelfile import load

from harness.errors import HarnessError


def bare_calculator(path):
    """mace's own, on the same parameters."""
    from mace.calculators import MACECalculator

    return MACECalculator(models=[load(path)[0]], device="cpu", default_dtype="float64")


@pytest.mark.parametrize("kind", ["slab", "tilted", "periodic"])
def test_derivatives(bilayer, energy_file, kind):
    atoms = bilayer()
    if kind == "tilted":
        atoms.cell[2] = [5.0, 3.0, 30.0]
    elif kind == "periodic":
        atoms.pbc, atoms.cell[2, 2] = True, 6.7
    atoms.calc = harness_mace.mace(model=str(energy_file)).calculator()
    assert np.abs(atoms.get_forces()).max() > 0.01
    np.testing.assert_allclose(atoms.get_forces(), calculate_numerical_forces(atoms, eps=1e-4), atol=1e-7)
    np.testing.assert_allclose(atoms.get_stress(), calculate_numerical_stress(atoms, eps=1e-5), atol=1e-9)


def test_stress_of_bare_mace_belongs_to_another_cell(bilayer, energy_file):
    """mace-torch 0.3.16 divides the virial of a slab by the volume of a cell that it made up.

    When this fails, mace has changed: look whether the neighbour list and the stress here are still needed.
    """
    atoms, bare = bilayer(), bilayer()
    atoms.calc = harness_mace.mace(model=str(energy_file)).calculator()
    bare.calc = bare_calculator(energy_file)
    assert bare.get_potential_energy() == pytest.approx(atoms.get_potential_energy(), abs=1e-9)
    np.testing.assert_allclose(bare.get_forces(), atoms.get_forces(), atol=1e-10)
    made_up = (np.abs(atoms.positions).max() + 1.0) * 5.0 * bare.calc.r_max
    np.testing.assert_allclose(bare.get_stress() * made_up, atoms.get_stress() * atoms.cell[2, 2], rtol=1e-9)
    numerical = calculate_numerical_stress(bare, eps=1e-5)
    assert np.abs(bare.get_stress() - numerical).max() > 0.5 * np.abs(numerical).max()
    np.testing.assert_allclose(atoms.get_stress(), numerical, atol=1e-9)


def test_periodic_stress_of_bare_mace_agrees(bilayer, energy_file):
    atoms = bilayer(height=7.0)
    atoms.pbc = True
    bare = atoms.copy()
    atoms.calc = harness_mace.mace(model=str(energy_file)).calculator()
    bare.calc = bare_calculator(energy_file)
    np.testing.assert_allclose(bare.get_stress(), atoms.get_stress(), atol=1e-12)


def test_vacuum_and_origin(bilayer, energy_file):
    near, far = bilayer(height=12.0), bilayer(height=400.0)
    far.positions += [0.3, -70.0, 150.0]
    near.calc = far.calc = harness_mace.mace(model=str(energy_file)).calculator()
    forces, sheet = near.get_forces(), near.get_stress() * 12.0
    energy = near.get_potential_energy()
    assert far.get_potential_energy() == pytest.approx(energy, abs=1e-9)
    np.testing.assert_allclose(far.get_forces(), forces, atol=1e-9)
    np.testing.assert_allclose(far.get_stress() * 400.0, sheet, atol=1e-8)


def test_invariance(bilayer, energy_file):
    atoms = bilayer()
    atoms.calc = harness_mace.mace(model=str(energy_file)).calculator()
    energy, forces = atoms.get_potential_energy(), atoms.get_forces().copy()
    turned = atoms.copy()
    turned.rotate(33.0, (1.0, 2.0, 0.5), rotate_cell=True)
    turned.calc = atoms.calc
    assert turned.get_potential_energy() == pytest.approx(energy, abs=1e-9)
    np.testing.assert_allclose(np.linalg.norm(turned.get_forces(), axis=1), np.linalg.norm(forces, axis=1), atol=1e-9)
    order = [2, 0, 3, 1]
    np.testing.assert_allclose(_forces(atoms[order], atoms.calc), forces[order], atol=1e-9)
    large = atoms.repeat((2, 3, 1))
    large.calc = atoms.calc
    assert large.get_potential_energy() == pytest.approx(6 * energy, abs=1e-8)
    np.testing.assert_allclose(forces.sum(axis=0), 0.0, atol=1e-10)


def _forces(atoms, calculator):
    atoms.calc = calculator
    return atoms.get_forces()


def test_without_volume_or_neighbours(energy_file):
    calculator = harness_mace.mace(model=str(energy_file)).calculator()
    atom = Atoms("N", calculator=calculator)
    assert np.isfinite(atom.get_potential_energy())
    np.testing.assert_allclose(atom.get_forces(), 0.0)
    assert "stress" not in calculator.results


def test_single_precision_keeps_its_digits(bilayer, energy_file):
    """Free atoms have hundreds of eV, of which float32 has 1e-5; the differences that matter keep 1e-6."""
    potential = harness_mace.mace(model=str(energy_file))
    double, single = bilayer(3), bilayer(3)
    double.calc, single.calc = potential.calculator(), potential.calculator(dtype="float32")
    difference = single.get_potential_energy() - double.get_potential_energy()
    assert 0.0 < abs(difference) < 2e-6 * len(double)
    np.testing.assert_allclose(single.get_forces(), double.get_forces(), atol=1e-5)


def test_state_of_torch_stays(bilayer, energy_file):
    import torch

    potential = harness_mace.mace(model=str(energy_file))
    for default, dtype in ((torch.float32, "float64"), (torch.float64, "float32")):
        kept = torch.get_default_dtype()
        torch.set_default_dtype(default)
        try:
            before = torch.random.get_rng_state()
            atoms = bilayer()
            atoms.calc = potential.calculator(dtype=dtype)
            assert np.isfinite(atoms.get_forces()).all()
            assert torch.get_default_dtype() == default
            assert torch.equal(before, torch.random.get_rng_state())
        finally:
            torch.set_default_dtype(kept)


def test_import_does_not_open_torch_load(energy_file):
    """Importing mace sets a variable with which every later torch.load unpickles anything; it is taken back."""
    code = (
        "import os, harness_mace as m; m.mace(model=os.sys.argv[1]).calculator();"
        "assert 'TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD' not in os.environ"
    )
    environment = {k: v for k, v in os.environ.items() if k != "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(energy_file)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""


def test_foreign_element(bilayer, energy_file):
    atoms = bilayer()
    atoms.numbers[0] = 6
    atoms.calc = harness_mace.mace(model=str(energy_file)).calculator()
    with pytest.raises(HarnessError, match="does not know the element C; it knows B, N"):
        atoms.get_potential_energy()
