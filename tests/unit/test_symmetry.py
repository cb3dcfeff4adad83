"""Symmetry operations by spglib against a search through all small matrices, and against the operations of C3v."""

from __future__ import annotations

import math

import numpy as np
import pytest
from ase import Atoms
from ase.build import mx2
from harness_tasks.structures.registries import registry_operations

from harness.materials.honeycomb import STACKINGS
from harness.materials.symmetry import operations
from harness.registry.lookup import build_material
from tests.support.symmetry_oracle import brute_force

BILAYER = {"symbols": ["B", "N"], "layers": 2, "stacking": "AB", "a": 2.511, "distance": 3.35, "vacuum": 25.0}


def assert_same(atoms: Atoms) -> None:
    """The same operations in the same order, to the same bits."""
    found, expected = operations(atoms), brute_force(atoms)
    assert len(found) == len(expected)
    for operation, (rotation, image) in zip(found, expected, strict=True):
        assert np.array_equal(operation.rotation, rotation)
        assert np.array_equal(operation.image, image)


@pytest.mark.parametrize("stacking", STACKINGS)
@pytest.mark.parametrize("layers", [1, 2, 3, 4])
def test_stacks_have_the_operations_of_the_oracle(layers: int, stacking: str) -> None:
    assert_same(build_material(BILAYER | {"layers": layers, "stacking": stacking}).atoms)


@pytest.mark.parametrize("strain", [(0.02, 0, 0), (0, 0.02, 0), (0.02, 0.02, 0), (0, 0, 0.02), (0.02, -0.01, 0.005)])
@pytest.mark.parametrize("stacking", ["AB", "AA'"])
def test_strained_cells_have_the_operations_of_the_oracle(stacking: str, strain: tuple[float, float, float]) -> None:
    atoms = build_material(BILAYER | {"stacking": stacking}).atoms
    xx, yy, xy = strain
    atoms.set_cell(atoms.cell.array @ np.array([[1 + xx, xy, 0], [xy, 1 + yy, 0], [0, 0, 1]]), scale_atoms=True)
    assert_same(atoms)


def distorted_telluride() -> Atoms:
    """A 1T' sheet of WTe2: rectangular cell, zigzag chains along x; P2_1/m as a layer group, four operations."""
    y = [0.0, 2.8, 1.1, 4.2, 5.1, 1.9]
    x = [0.0, 1.74, 1.74, 0.0, 1.74, 0.0]
    z = [0.1, -0.1, 2.1, -2.1, 1.5, -1.5]
    atoms = Atoms("W2Te4", np.transpose([x, y, z]), cell=[3.48, 6.27, 20.0], pbc=(True, True, False))
    atoms.positions[1::2] = -atoms.positions[::2] + [3.48, 6.27, 0]  # inversion
    atoms.positions[:, 2] += 10.0
    return atoms


def test_a_distorted_sheet_has_the_operations_of_the_oracle() -> None:
    atoms = distorted_telluride()
    assert_same(atoms)
    assert len(operations(atoms)) == 4


def test_a_dichalcogenide_has_the_operations_of_the_oracle() -> None:
    for kind, count in (("2H", 12), ("1T", 12)):
        atoms = mx2("MoS2", kind=kind, vacuum=10.0)
        atoms.pbc = (True, True, False)
        assert_same(atoms)
        assert len(operations(atoms)) == count


@pytest.mark.parametrize("period", [2 * 3.35, 2.511])
def test_no_operation_relies_on_a_repetition_along_the_open_direction(period: float) -> None:
    """AB layers half a cell apart are no more symmetric than others, nor is a sheet in a cell as high as it is wide."""
    distance = 3.35 if period > 3 else 0.3
    atoms = build_material(BILAYER | {"stacking": "AB", "distance": distance}).atoms
    expected = [operation.rotation for operation in operations(atoms)]
    atoms.cell[2, 2] = period
    found = operations(atoms)
    assert len(found) == len(expected) == 6
    assert all(np.allclose(operation.rotation[2], [0, 0, 1]) for operation in found)


def c3v(antiparallel: bool) -> list[tuple[np.ndarray, np.ndarray]]:
    """Turns, the mirror x to -x, and for parallel layers the exchange: on registries and on polarizations."""
    turn, turn_p = (
        np.array([[0, -1], [1, -1]]),
        np.array([[-0.5, -math.sqrt(0.75), 0], [math.sqrt(0.75), -0.5, 0], [0, 0, 1]]),
    )
    found = []
    for turns in range(3):
        for mirrors in range(2):
            for swaps in range(1 if antiparallel else 2):
                on_t, on_p = np.linalg.matrix_power(turn, turns), np.linalg.matrix_power(turn_p, turns)
                if mirrors:
                    on_t, on_p = on_t @ [[-1, 1], [0, 1]], on_p @ np.diag([-1.0, 1, 1])
                if swaps:
                    on_t, on_p = -on_t, on_p @ np.diag([1.0, 1, -1])
                found.append((on_t, on_p))
    return found


@pytest.mark.parametrize("antiparallel", [False, True])
def test_registry_operations_of_a_honeycomb_are_those_of_c3v(antiparallel: bool) -> None:
    found = registry_operations(build_material(BILAYER), antiparallel)
    expected = c3v(antiparallel)
    assert len(found) == len(expected)
    for (on_t, on_p), (also_t, also_p) in zip(found, expected, strict=True):
        assert np.array_equal(on_t, also_t)
        assert on_p == pytest.approx(also_p, abs=1e-12)
