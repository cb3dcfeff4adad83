"""Pairs within a cutoff, against ASE's."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import graphene
from ase.neighborlist import neighbor_list

from harness.materials.neighbours import NeighbourList, find_pairs

CELLS = {
    "large vacuum": ((True, True, False), [0.0, 0.0, 500.0]),
    "no third vector": ((True, True, False), [0.0, 0.0, 0.0]),
    "tilted": ((True, True, False), [9.0, 7.0, 20.0]),
    "atoms outside": ((True, True, False), [0.0, 0.0, 3.0]),
    "wire": ((True, False, False), [0.0, 0.0, 20.0]),
    "molecule": ((False, False, False), [0.0, 0.0, 20.0]),
    "crystal": ((True, True, True), [0.5, 0.2, 6.6]),
}


def bilayer() -> Atoms:
    atoms = graphene("BN", a=2.5, size=(2, 1, 1), vacuum=8)
    upper = atoms.copy()
    upper.positions += [0.3, 0.7, 3.3]
    atoms += upper
    atoms.rattle(0.1, seed=2)
    return atoms


def keys(i: np.ndarray, j: np.ndarray, images: np.ndarray) -> list[tuple[int, ...]]:
    return sorted((int(a), int(b), *map(int, s)) for a, b, s in zip(i, j, images, strict=True))


@pytest.mark.parametrize("name", CELLS)
def test_pairs_are_those_of_ase(name: str) -> None:
    atoms = bilayer()
    atoms.pbc, atoms.cell[2] = CELLS[name]
    pairs = find_pairs(atoms, 6.0)
    i, j, images, vectors = neighbor_list("ijSD", atoms, 6.0)
    assert keys(pairs.i, pairs.j, pairs.images) == keys(i, j, images)
    assert (np.diff(pairs.i) >= 0).all()
    lengths = [np.sort(np.linalg.norm(v, axis=1)) for v in (pairs.vectors(atoms.positions), vectors)]
    np.testing.assert_allclose(lengths[0], lengths[1], atol=1e-12)
    half = find_pairs(atoms, 6.0, half=True)
    both = keys(np.append(half.i, half.j), np.append(half.j, half.i), np.append(half.images, -half.images, axis=0))
    assert both == keys(i, j, images)


def test_no_pairs() -> None:
    pairs = find_pairs(Atoms("BN", positions=[[0, 0, 0], [0, 0, 9]]), 6.0)
    assert len(pairs.i) == 0 and pairs.vectors(np.zeros((2, 3))).shape == (0, 3)


def test_a_list_is_renewed_only_when_a_pair_may_have_come_in() -> None:
    atoms = bilayer()
    labels = np.zeros(len(atoms))
    neighbours = NeighbourList(3.0, skin=0.5)
    pairs = neighbours.update(atoms, labels)
    assert pairs is not None and len(pairs.i) == len(neighbor_list("i", atoms, 3.5))
    atoms.positions[0, 2] += 0.2
    assert neighbours.update(atoms, labels) is None
    atoms.positions[0, 2] += 0.1
    assert neighbours.update(atoms, labels) is not None
    for change in ("pbc", "cell", "labels", "number of atoms"):
        if change == "pbc":
            atoms.pbc = (True, True, True)
        elif change == "cell":
            atoms.cell[0] *= 1.01
        elif change == "labels":
            labels = labels + 1
        else:
            atoms, labels = atoms[1:], labels[1:]
        assert neighbours.update(atoms, labels) is not None, change
        assert neighbours.update(atoms, labels) is None, change
    assert neighbours.builds == 6
