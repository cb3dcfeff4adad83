"""Neighbours of atoms: a list with a skin for the kernel, and padded rows for motep's C engine."""

from __future__ import annotations

import numpy as np
from ase import Atoms

__all__ = ["Neighbours", "padded_neighbours", "pairs"]

#: Extra range of the list, Å. The kernel skips the pairs in the skin, so this only has to keep rebuilds from every
#: step of a molecular dynamics run.
SKIN = 0.5


def pairs(atoms: Atoms, cutoff: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All ordered pairs within `cutoff`, sorted by the first atom.

    Returns
    -------
    i, j : ndarray of int, shape (P,)
    shift : ndarray, shape (P, 3)
        Lattice vector to add to ``r_j - r_i``, Å.
    """
    from vesin import NeighborList

    i, j, s = NeighborList(cutoff=cutoff, full_list=True, sorted=True).compute(
        points=atoms.positions, box=atoms.cell.array, periodic=atoms.pbc, quantities="ijS"
    )
    return i.astype(np.intp), j.astype(np.intp), s @ atoms.cell.array


def pad(i: np.ndarray, j: np.ndarray, vectors: np.ndarray, n: int, cutoff: float) -> tuple[np.ndarray, np.ndarray]:
    """Pairs sorted by `i` as padded rows: neighbours (N, M), -1 where empty, and vectors (N, M, 3), Å.

    Empty places hold a vector longer than the cutoff, where the radial functions vanish.
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
    i, j, shift = pairs(atoms, cutoff)
    if layers is not None:
        same = layers[i] == layers[j]
        i, j, shift = i[same], j[same], shift[same]
    return pad(i, j, atoms.positions[j] + shift - atoms.positions[i], len(atoms), cutoff)


class Neighbours:
    """Pairs of a moving structure, from a list with a skin, sorted by the first atom and the species of the second.

    Parameters
    ----------
    cutoff
        Å.
    """

    def __init__(self, cutoff: float) -> None:
        self.cutoff = cutoff
        self.builds = 0
        self._origin: Atoms | None = None
        self._types = np.zeros(0, dtype=np.int32)
        self._pairs: tuple[np.ndarray, np.ndarray, np.ndarray] = (np.zeros(0),) * 3
        self._start = np.zeros(1, dtype=np.intp)

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
        self._renew(atoms, types)
        return self._start, self._pairs[1], self._pairs[2]

    def padded(self, atoms: Atoms, types: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Neighbours (N, M) and vectors (N, M, 3) within the cutoff, as `pad` gives them."""
        self._renew(atoms, types)
        i, j, shift = self._pairs
        vectors = atoms.positions.take(j, axis=0) + shift - atoms.positions.take(i, axis=0)
        near = np.einsum("pk,pk->p", vectors, vectors) < self.cutoff**2
        return pad(i.compress(near), j.compress(near), vectors.compress(near, axis=0), len(atoms), self.cutoff)

    def _renew(self, atoms: Atoms, types: np.ndarray) -> None:
        if self._serves(atoms, types):
            return
        i, j, shift = pairs(atoms, self.cutoff + SKIN)
        order = np.lexsort((types[j], i))
        self._pairs = (i[order], j[order], np.ascontiguousarray(shift[order]))
        self._start = np.concatenate([[0], np.cumsum(np.bincount(i, minlength=len(atoms)))])
        self._origin = Atoms(positions=atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
        self._types = np.array(types)
        self.builds += 1

    def _serves(self, atoms: Atoms, types: np.ndarray) -> bool:
        """Whether no pair can have come within the cutoff since the list was built."""
        old = self._origin
        return (
            old is not None
            and np.array_equal(types, self._types)
            and np.array_equal(old.cell.array, atoms.cell.array)
            and np.array_equal(old.pbc, atoms.pbc)
            and ((atoms.positions - old.positions) ** 2).sum(axis=1).max(initial=0.0) < (0.5 * SKIN) ** 2
        )
