"""Derivatives, symmetries and pieces of the calculator, with random weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress

from harness.errors import HarnessError

BORN = "born_effective_charges"


def test_forces_and_stress_are_derivatives_of_the_energy(
    calculator: Callable[..., Any], bilayer: Callable[..., Atoms]
) -> None:
    atoms = bilayer(1)
    atoms.set_cell(atoms.cell.array + [[0.05, 0.02, 0], [0.01, -0.03, 0], [0, 0, 0]], scale_atoms=True)
    atoms.calc = calculator()
    assert np.abs(atoms.get_forces()).max() > 1e-3
    np.testing.assert_allclose(atoms.get_forces(), calculate_numerical_forces(atoms, eps=1e-4), atol=1e-7)
    np.testing.assert_allclose(atoms.get_stress(), calculate_numerical_stress(atoms, eps=1e-5), atol=1e-9)


def test_born_charges_are_derivatives_of_the_dipole(
    calculator: Callable[..., Any], bilayer: Callable[..., Atoms]
) -> None:
    atoms, c, h = bilayer(1), calculator(), 1e-4
    z = c.get_property(BORN, atoms)
    assert z.shape == (len(atoms), 3, 3) and np.abs(z).max() > 1e-3
    for i, b in ((0, 0), (1, 2), (3, 1)):
        dipoles = []
        for step in (h, -h):
            moved = atoms.copy()
            moved.positions[i, b] += step
            dipoles.append(c.get_property("dipole", moved))
        np.testing.assert_allclose((dipoles[0] - dipoles[1]) / (2 * h), z[i, :, b], atol=1e-7)  # polarization first


def test_acoustic_sum_rule_and_net_force(calculator: Callable[..., Any], bilayer: Callable[..., Atoms]) -> None:
    atoms, c = bilayer(), calculator()
    np.testing.assert_allclose(c.get_property(BORN, atoms).sum(axis=0), 0, atol=1e-13)
    np.testing.assert_allclose(c.get_property("forces", atoms).sum(axis=0), 0, atol=1e-13)


def test_dipole_is_the_sum_of_dipoles_of_nitrogen(
    calculator: Callable[..., Any], bilayer: Callable[..., Atoms]
) -> None:
    atoms, c = bilayer(), calculator()
    local = c.get_property("atomic_dipoles", atoms)
    np.testing.assert_allclose(local.sum(axis=0), c.get_property("dipole", atoms), atol=1e-14)
    assert np.abs(local[atoms.symbols == "N"]).max() > 1e-3
    assert not local[atoms.symbols == "B"].any()


def test_rotation_inversion_translation_and_order(
    calculator: Callable[..., Any], bilayer: Callable[..., Atoms]
) -> None:
    atoms, c = bilayer(), calculator()
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]  # proper or not: parity is included
    order = np.random.default_rng(1).permutation(len(atoms))
    turned = atoms.copy()
    turned.set_cell(atoms.cell.array @ rotation.T)
    turned.positions = atoms.positions @ rotation.T + (0.3, -7.0, 2.0)
    turned = turned[order]
    assert c.get_property("energy", turned) == pytest.approx(c.get_property("energy", atoms), abs=1e-9)
    for name in ("forces", "dipole", BORN):
        here, there = c.get_property(name, atoms), c.get_property(name, turned)
        expected = rotation @ here[order] @ rotation.T if name == BORN else here @ rotation.T
        np.testing.assert_allclose(there, expected[order] if name == "forces" else expected, atol=1e-9)


def test_pieces_make_no_difference(calculator: Callable[..., Any], bilayer: Callable[..., Atoms]) -> None:
    atoms = bilayer(3)
    whole, pieces = calculator(piece=1000), calculator(piece=5)
    for name in ("energy", "energies", "forces", "stress", "dipole", BORN):
        np.testing.assert_allclose(pieces.get_property(name, atoms), whole.get_property(name, atoms), atol=1e-11)


def test_extensive_and_nothing_beyond_the_cutoff(calculator: Callable[..., Any], bilayer: Callable[..., Atoms]) -> None:
    c, atoms = calculator(), bilayer(1)
    assert c.get_property("energy", atoms.repeat((3, 2, 1))) == pytest.approx(6 * c.get_property("energy", atoms))
    far = bilayer(1, rattle=0, gap=6.0)
    layer = far[:2]
    assert c.get_property("energy", far) == pytest.approx(2 * c.get_property("energy", layer), abs=1e-10)
    lone = Atoms("B", positions=[[0, 0, 0]])
    assert c.get_property("energy", lone) == pytest.approx(-80.0)
    assert "stress" not in c.results


def test_smooth_where_a_pair_passes_the_cutoff(calculator: Callable[..., Any]) -> None:
    c = calculator()
    pair = [Atoms("BN", positions=[[0, 0, 0], [0, 0, 5.0 + d]]) for d in np.linspace(-0.02, 0.01, 31)]
    forces = np.array([c.get_property("forces", atoms)[1, 2] for atoms in pair])
    assert np.abs(forces[20:]).max() < 1e-12  # beyond the cutoff, and before it without a step
    assert 1e-9 < np.abs(np.diff(forces)).max() < 1e-7  # quadratic in the distance from it: no step


def test_a_moving_structure_needs_few_lists_and_gets_the_same_numbers(
    calculator: Callable[..., Any], bilayer: Callable[..., Atoms]
) -> None:
    moving, c = bilayer(), calculator()
    for step in range(6):
        moving.rattle(0.03, seed=step)
        energy = c.get_property("energy", moving)
        assert energy == pytest.approx(calculator().get_property("energy", moving), abs=1e-10)
    assert 1 <= c._edges.builds < 6


def test_single_precision_is_near_and_leaves_torch_alone(
    calculator: Callable[..., Any], bilayer: Callable[..., Atoms]
) -> None:
    atoms = bilayer()
    before, state = torch.get_default_dtype(), torch.get_rng_state()
    double, single = calculator(), calculator(dtype="float32")
    np.testing.assert_allclose(single.get_property("forces", atoms), double.get_property("forces", atoms), atol=1e-5)
    torch.set_default_dtype(torch.float64)
    try:
        again = calculator(dtype="float32").get_property("forces", atoms)
        np.testing.assert_allclose(again, single.get_property("forces", atoms), atol=1e-7)
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(before)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_foreign_element_is_refused(calculator: Callable[..., Any]) -> None:
    with pytest.raises(HarnessError, match=r"does not know the element C; it knows B, N\."):
        calculator().get_property("energy", Atoms("C"))
