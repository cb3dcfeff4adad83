"""Edges of a structure, sorted by their centre: the input of a strictly local network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import Atoms

from harness.materials.neighbours import NO_PAIRS, NeighbourList

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
        self.cutoff = cutoff
        self._list = NeighbourList(cutoff, skin)
        self._pairs = NO_PAIRS

    @property
    def builds(self) -> int:
        """Number of searches."""
        return self._list.builds

    def __call__(self, atoms: Atoms) -> Edges:
        """The edges within the cutoff."""
        self._pairs = pairs = self._list.update(atoms) or self._pairs
        vectors = pairs.vectors(atoms.positions)
        near = np.einsum("ek,ek->e", vectors, vectors) < self.cutoff**2
        return Edges(pairs.i.compress(near), pairs.j.compress(near), vectors.compress(near, axis=0))
