"""Edges of a structure, sorted by their centre: the input of a strictly local network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.geometry import complete_cell

__all__ = ["EdgeList", "Edges", "edges_of"]

#: Extra range of a list that serves a moving structure, Å.
SKIN = 0.5


@dataclass(frozen=True)
class Edges:
    """All ordered pairs within the cutoff.

    Attributes
    ----------
    centres, neighbours
        Indices, (edges,); centres ascend.
    vectors
        From centre to neighbour, (edges, 3), Å.
    """

    centres: np.ndarray
    neighbours: np.ndarray
    vectors: np.ndarray


def _pairs(atoms: Atoms, cutoff: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    from vesin import NeighborList

    cell = complete_cell(atoms.cell.array)
    i, j, s = NeighborList(cutoff=cutoff, full_list=True, sorted=True).compute(
        points=atoms.positions, box=cell, periodic=atoms.pbc, quantities="ijS"
    )
    return i.astype(np.int64), j.astype(np.int64), s @ cell


def edges_of(atoms: Atoms, cutoff: float) -> Edges:
    """Edges of one structure."""
    return EdgeList(cutoff, skin=0.0)(atoms)


class EdgeList:
    """Edges of a moving structure, from a list with a skin.

    Parameters
    ----------
    cutoff, skin
        Å.
    """

    def __init__(self, cutoff: float, skin: float = SKIN) -> None:
        self.cutoff, self.skin = cutoff, skin
        self.builds = 0
        self._origin: Atoms | None = None
        self._pairs: tuple[np.ndarray, np.ndarray, np.ndarray] = (np.zeros(0, dtype=np.int64),) * 3

    def __call__(self, atoms: Atoms) -> Edges:
        """The edges within the cutoff."""
        if not self._serves(atoms):
            self._pairs = _pairs(atoms, self.cutoff + self.skin)
            self._origin = Atoms(positions=atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
            self.builds += 1
        i, j, shift = self._pairs
        vectors = atoms.positions.take(j, axis=0)
        vectors += shift
        vectors -= atoms.positions.take(i, axis=0)
        near = np.einsum("ek,ek->e", vectors, vectors) < self.cutoff**2
        return Edges(i.compress(near), j.compress(near), vectors.compress(near, axis=0))

    def _serves(self, atoms: Atoms) -> bool:
        """Whether no pair can have come within the cutoff since the list was built."""
        old = self._origin
        return (
            old is not None
            and len(old) == len(atoms)
            and np.array_equal(old.cell.array, atoms.cell.array)
            and np.array_equal(old.pbc, atoms.pbc)
            and ((atoms.positions - old.positions) ** 2).sum(axis=1).max(initial=0.0) <= (0.5 * self.skin) ** 2
        )
