"""Neighbours of atoms: a list with a skin for the kernel, and padded rows for motep's C engine."""

from __future__ import annotations

import numpy as np
from ase import Atoms

from harness.materials.neighbours import NO_PAIRS, NeighbourList, Pairs, find_pairs

__all__ = ["Neighbours", "padded_neighbours"]

#: Extra range of the list, Å. The kernel skips the pairs in the skin, so this only has to keep rebuilds from every
#: step of a molecular dynamics run.
SKIN = 0.5


def pad(i: np.ndarray, j: np.ndarray, vectors: np.ndarray, n: int, cutoff: float) -> tuple[np.ndarray, np.ndarray]:
    """Pairs sorted by `i` as padded rows: neighbours (N, M), -1 where empty, and vectors (N, M, 3), Å.

    Empty places hold a vector longer than the cutoff, where the radial functions vanish.

    Parameters
    ----------
    i, j
        Indices of the pairs, each (npairs,).
    vectors
        From i to j, (npairs, 3), Å.
    n
        Number of atoms N.
    cutoff
        Å.
    """
    count = np.bincount(i, minlength=n)
    width = max(int(count.max(initial=0)), 1)
    column = np.arange(width)
    # gather instead of scatter: the last, additional row is the padding
    row = np.where(column < count[:, None], (np.cumsum(count) - count)[:, None] + column, len(i))
    js = np.append(j, -1).astype(np.int32).take(row)
    rs = np.concatenate([vectors, np.full((1, 3), cutoff)]).take(row, axis=0)
    return js, rs


def padded_neighbours(atoms: Atoms, cutoff: float, layers: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Neighbours of one structure, restricted to atoms of the same layer when `layers` (N,) is given."""
    pairs = find_pairs(atoms, cutoff)
    i, j, vectors = pairs.i, pairs.j, pairs.vectors(atoms.positions)
    if layers is not None:
        same = layers[i] == layers[j]
        i, j, vectors = i[same], j[same], vectors[same]
    return pad(i, j, vectors, len(atoms), cutoff)


class Neighbours:
    """Pairs of a moving structure, from a list with a skin, sorted by the first atom and the species of the second.

    Parameters
    ----------
    cutoff
        Å.
    """

    def __init__(self, cutoff: float) -> None:
        self.cutoff = cutoff
        self._list = NeighbourList(cutoff, SKIN)
        self._pairs = NO_PAIRS
        self._start = np.zeros(1, dtype=np.intp)

    @property
    def builds(self) -> int:
        """Number of searches."""
        return self._list.builds

    def rows(self, atoms: Atoms, types: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pairs within the cutoff and some beyond it, for `harness_mtp.kernel.evaluate`.

        Returns
        -------
        start : ndarray of int, shape (N + 1,)
            Pairs ``start[i]:start[i + 1]`` are those of atom i.
        j : ndarray of int, shape (P,)
        shift : ndarray, shape (P, 3)
            Lattice vector to add to ``r_j - r_i``, Å.
        """
        pairs = self._renew(atoms, types)
        return self._start, pairs.j, pairs.shifts

    def padded(self, atoms: Atoms, types: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Neighbours (N, M) and vectors (N, M, 3) within the cutoff, as `pad` gives them."""
        pairs = self._renew(atoms, types)
        vectors = pairs.vectors(atoms.positions)
        near = np.einsum("pk,pk->p", vectors, vectors) < self.cutoff**2
        i, j = pairs.i.compress(near), pairs.j.compress(near)
        return pad(i, j, vectors.compress(near, axis=0), len(atoms), self.cutoff)

    def _renew(self, atoms: Atoms, types: np.ndarray) -> Pairs:
        found = self._list.update(atoms, types)
        if found is not None:
            order = np.lexsort((types[found.j], found.i))
            self._pairs = Pairs(found.i[order], found.j[order], found.images[order], found.shifts[order])
            self._start = np.concatenate([[0], np.cumsum(np.bincount(found.i, minlength=len(atoms)))])
        return self._pairs
