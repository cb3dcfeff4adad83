"""Dipoles and Born charges of any AtomicDipolesMACE."""

from __future__ import annotations

import harness_mace
import numpy as np
import pytest
from ase.units import Debye
from harness_mace.backend import mace_modules, torch_dtype
from harness_mace.graph import graph
from harness_mace.modelfile import load

from harness.errors import HarnessError
from harness.potentials.backend import torch_state

EVERYTHING = ("dipole", "atomic_dipoles", "born_effective_charges", "energy", "forces")


@pytest.fixture(scope="module")
def model(dipole_file):
    return harness_mace.mace_dipole(model=str(dipole_file))


def test_born_charges_are_the_derivative(bilayer, model):
    atoms = bilayer()
    born = model.calculate(atoms, ["born_effective_charges"])["born_effective_charges"]
    numerical = np.zeros_like(born)
    for i in range(len(atoms)):
        for b in range(3):
            sides = []
            for sign in (1, -1):
                moved = atoms.copy()
                moved.positions[i, b] += sign * 1e-4
                sides.append(model.calculate(moved, ["dipole"])["dipole"])
            numerical[i, :, b] = (sides[0] - sides[1]) / 2e-4
    assert np.abs(born - born.transpose(0, 2, 1)).max() > 1e-5  # else a transpose would not be noticed
    np.testing.assert_allclose(born, numerical, atol=1e-9)
    np.testing.assert_allclose(born.sum(axis=0), 0.0, atol=1e-12)


def test_symmetry(bilayer, model):
    atoms = bilayer()
    dipole = model.calculate(atoms, ["dipole"])["dipole"]
    moved = atoms.copy()
    moved.positions += [13.0, -4.0, 170.0]
    np.testing.assert_allclose(model.calculate(moved, ["dipole"])["dipole"], dipole, atol=1e-10)
    inverted = atoms.copy()
    inverted.positions *= -1.0
    np.testing.assert_allclose(model.calculate(inverted, ["dipole"])["dipole"], -dipole, atol=1e-12)
    turned = atoms.copy()
    turned.rotate(40.0, "z", rotate_cell=True)
    c, s = np.cos(np.deg2rad(40.0)), np.sin(np.deg2rad(40.0))
    expected = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ dipole
    np.testing.assert_allclose(model.calculate(turned, ["dipole"])["dipole"], expected, atol=1e-12)
    large = model.calculate(atoms.repeat((2, 2, 1)), EVERYTHING)
    np.testing.assert_allclose(large["dipole"], 4 * dipole, atol=1e-11)
    np.testing.assert_allclose(large["atomic_dipoles"].sum(axis=0), large["dipole"], atol=1e-12)


def test_field_and_unit(bilayer, model, dipole_file):
    atoms, field = bilayer(), np.array([0.1, -0.2, 0.3])
    values = model.calculate(atoms, EVERYTHING, field)
    assert values["energy"] == pytest.approx(-field @ values["dipole"])
    np.testing.assert_allclose(values["forces"], np.einsum("a,iab->ib", field, values["born_effective_charges"]))
    in_debye = harness_mace.mace_dipole(model=str(dipole_file), unit="debye").calculate(atoms, EVERYTHING)
    for name in ("dipole", "atomic_dipoles", "born_effective_charges"):
        np.testing.assert_allclose(in_debye[name], values[name] * Debye, atol=1e-14)
    with pytest.raises(HarnessError, match="Did you mean 'debye'"):
        harness_mace.mace_dipole(model=str(dipole_file), unit="Debyes")
    with pytest.raises(HarnessError, match="unknown property of mace_dipole 'polarizability'"):
        model.calculate(atoms, ["polarizability"])


def test_bare_model_agrees(bilayer, model, dipole_file):
    """mace's own calculator, which takes dipoles to be in debye and leaves them so."""
    from mace.calculators import MACECalculator

    atoms = bilayer()
    atoms.calc = MACECalculator(
        models=[load(dipole_file)[0]], device="cpu", default_dtype="float64", model_type="DipoleMACE"
    )
    np.testing.assert_allclose(atoms.get_dipole_moment(), model.calculate(atoms, ["dipole"])["dipole"], atol=1e-12)


@pytest.mark.parametrize("readout", ["16x0e", "8x1o"])
def test_last_readout_of_mace_is_dead(bilayer, readout):
    """Gates without scalars are zero, so mace's own last layer adds nothing; `architecture.build` replaces it.

    When this fails, mace has changed: use its readout again.
    """
    import torch
    from e3nn import o3

    modules = mace_modules()
    block = modules.interaction_classes["RealAgnosticResidualInteractionBlock"]
    with torch_state(torch_dtype("float64"), 0):
        stock = modules.AtomicDipolesMACE(
            r_max=4.0, num_bessel=4, num_polynomial_cutoff=5, max_ell=2, num_interactions=2, num_elements=2,
            avg_num_neighbors=20.0, atomic_numbers=[5, 7], correlation=2, hidden_irreps=o3.Irreps("8x0e+8x1o"),
            MLP_irreps=o3.Irreps(readout), gate=torch.nn.functional.silu, interaction_cls=block,
            interaction_cls_first=block, atomic_energies=None,
        )  # fmt: skip
        data = graph(bilayer(), ["B", "N"], 4.0)
        before = stock(dict(data))["atomic_dipoles"].detach()
        with torch.no_grad():
            for parameter in (*stock.readouts[1].parameters(), *stock.interactions[1].parameters()):
                parameter.mul_(3.0)
        assert torch.equal(before, stock(dict(data))["atomic_dipoles"].detach())


def test_last_layer_here_speaks(bilayer, dipole_file):
    import torch

    found, elements = load(dipole_file)
    with torch_state(torch_dtype("float64")):
        data = graph(bilayer(), elements, 4.0)
        before = found(dict(data))["atomic_dipoles"].detach()
        with torch.no_grad():
            for parameter in found.readouts[-1].parameters():
                parameter.mul_(3.0)
        assert (found(dict(data))["atomic_dipoles"].detach() - before).abs().max() > 1e-4
