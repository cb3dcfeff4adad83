"""Cells in LAMMPS' convention."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from ase import Atoms
from harness_lammps.box import ROOM, Box

from harness.errors import HarnessError


def cells() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    found = []
    while len(found) < 6:
        cell = rng.normal(size=(3, 3)) * 4
        if abs(np.linalg.det(cell)) > 5:
            found.append(cell)
    return [*found, found[0][[1, 0, 2]]]  # one of each handedness at least


@pytest.mark.parametrize("cell", cells())
@pytest.mark.parametrize("pbc", list(itertools.product([True, False], repeat=3)))
def test_a_box_is_triangular_and_keeps_lengths(cell: np.ndarray, pbc: tuple[bool, ...]) -> None:
    atoms = Atoms("Ar7", positions=np.random.default_rng(1).normal(size=(7, 3)) * 9, cell=cell, pbc=pbc)
    box = Box.around(atoms)
    np.testing.assert_allclose(box.turn @ box.turn.T, np.eye(3), atol=1e-12)
    assert not np.triu(box.edges, 1).any() and (np.diag(box.edges) > 0).all()
    periodic = np.array(pbc)
    np.testing.assert_allclose((box.edges @ box.turn)[periodic], cell[periodic], atol=1e-10)
    # LAMMPS allows a tilt only towards a periodic direction
    for (row, column), tilt in zip(((1, 0), (2, 0), (2, 1)), box.tilts, strict=True):
        assert tilt == 0 or (periodic[row] and periodic[column]) or abs(tilt) < 1e-12
    x = atoms.positions @ box.turn.T
    inside = x - box.shift_inside(x)
    assert box.holds(x)
    assert (inside >= np.where(periodic, -1e-9, box.lo))[:, ~periodic].all()
    fractions = inside @ np.linalg.inv(box.edges)
    assert (fractions[:, periodic] > -1e-9).all() and (fractions[:, periodic] < 1 + 1e-9).all()
    whole = (x - inside) @ box.turn @ np.linalg.pinv(cell)
    np.testing.assert_allclose(whole, np.round(whole), atol=1e-8)  # moved by whole periods


def test_a_triangular_cell_is_not_turned() -> None:
    cell = [[2.5, 0, 0], [-1.25, 2.2, 0], [0, 0, 20]]
    assert (Box.around(Atoms("Ar", cell=cell, pbc=True)).turn == np.eye(3)).all()


def test_walls_follow_the_atoms() -> None:
    atoms = Atoms("Ar2", positions=[[0, 0, 0], [0, 0, 3]], cell=[3, 3, 5], pbc=(1, 1, 0))
    box = Box.around(atoms)
    assert box.lo[2] == pytest.approx(-ROOM) and box.hi[2] == pytest.approx(3 + ROOM)
    far = atoms.positions + [0, 0, 50]
    assert not box.holds(far) and box.moved_to(far).holds(far)


@pytest.mark.parametrize("cell", [None, [3, 3, 0], [[1, 0, 0], [2, 0, 0], [0, 0, 1]]])
def test_a_periodic_direction_needs_an_edge(cell: object) -> None:
    with pytest.raises(HarnessError, match="no extent"):
        Box.around(Atoms("Ar", cell=cell, pbc=True))
