"""Layer assignment by bonds: flat, bent, wrapped, stacked, detached."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import graphene

from harness.materials.layers import assign_layers


def bilayer(nx: int = 6, ny: int = 6, gap: float = 3.35) -> tuple[Atoms, np.ndarray]:
    """hBN bilayer and the layer each of its atoms was built in."""
    lower = graphene("BN", a=2.511, size=(nx, ny, 1), vacuum=10.0)
    upper = lower.copy()
    upper.positions += [0.0, 1.45, gap]
    truth = np.repeat([0, 1], len(lower))
    both = lower + upper
    both.center(axis=2, vacuum=10.0)
    both.pbc = (True, True, False)
    return both, truth


def test_flat_bilayer_is_two_layers_numbered_upwards() -> None:
    atoms, truth = bilayer()
    assert np.array_equal(assign_layers(atoms), truth)
    shuffled = np.random.default_rng(0).permutation(len(atoms))
    assert np.array_equal(assign_layers(atoms[shuffled]), truth[shuffled])


def test_bend_deeper_than_the_gap_keeps_the_layers() -> None:
    atoms, truth = bilayer(8, 40)
    y = atoms.positions[:, 1]
    atoms.positions[:, 2] += 6.0 * (1 - np.cos(2 * np.pi * y / atoms.cell[1, 1]))
    lower, upper = atoms.positions[truth == 0, 2], atoms.positions[truth == 1, 2]
    assert lower.max() > upper.min() + 5.0  # height alone could not tell them apart
    assert np.array_equal(assign_layers(atoms), truth)


@pytest.mark.parametrize("shift", [(0.5, 0.5, 0.0), (3.3, -7.7, 0.0)])
def test_wrapping_in_the_plane_changes_nothing(shift: tuple[float, float, float]) -> None:
    atoms, truth = bilayer()
    atoms.positions += np.asarray(shift) @ atoms.cell.array
    assert np.array_equal(assign_layers(atoms), truth)
    atoms.wrap()
    assert np.array_equal(assign_layers(atoms), truth)


def test_stack_straddling_a_periodic_third_direction_keeps_its_order() -> None:
    atoms, truth = bilayer()
    atoms.pbc = True
    atoms.positions[:, 2] += atoms.cell[2, 2] / 2  # upper layer leaves through the top
    atoms.wrap()
    assert np.ptp(atoms.positions[:, 2]) > 15.0
    assert np.array_equal(assign_layers(atoms), truth)


def test_close_approach_does_not_join_layers_but_a_bond_does() -> None:
    atoms, truth = bilayer(gap=2.3)  # far inside the equilibrium gap of 3.35 Å
    assert np.array_equal(assign_layers(atoms), truth)
    joined, _ = bilayer(gap=1.5)
    assert assign_layers(joined).max() == 0


def test_detached_atom_and_empty_structure() -> None:
    atoms, truth = bilayer()
    atoms += Atoms("B", positions=[[0.0, 0.0, atoms.positions[:, 2].max() + 5.0]])
    assert np.array_equal(assign_layers(atoms), np.append(truth, 2))
    assert assign_layers(Atoms()).shape == (0,)
