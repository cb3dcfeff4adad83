"""Pairs of atoms within a cutoff, by vesin: once, or as a list with a skin that serves a moving structure.

Cell vectors of open directions are not looked at, so pairs do not depend on the vacuum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import Atoms

__all__ = ["NO_PAIRS", "NeighbourList", "Pairs", "find_pairs"]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of atoms, sorted by the first; images of an atom pair with it too.

    Attributes
    ----------
    i, j
        Indices of the two atoms, (P,).
    images
        Cell of the second atom, seen from the first: whole numbers, (P, 3); zero along open directions.
    shifts
        The same as lattice vectors, to add to ``r_j - r_i``, Å, (P, 3).
    """

    i: np.ndarray
    j: np.ndarray
    images: np.ndarray
    shifts: np.ndarray

    def vectors(self, positions: np.ndarray) -> np.ndarray:
        """From the first atom to the second at `positions` (N, 3), Å, (P, 3)."""
        found: np.ndarray = positions.take(self.j, axis=0)
        found += self.shifts
        found -= positions.take(self.i, axis=0)
        return found


#: Of no atoms: what a caller of `NeighbourList` has before its first search.
NO_PAIRS = Pairs(*np.zeros((2, 0), dtype=np.intp), *np.zeros((2, 0, 3)))


def find_pairs(atoms: Atoms, cutoff: float, *, half: bool = False) -> Pairs:
    """All pairs of a structure within a cutoff.

    Parameters
    ----------
    atoms
        Its positions, its cell and its periodic directions.
    cutoff
        Å.
    half
        Each pair once instead of in both orders.
    """
    from vesin import NeighborList  # imports torch where there is one

    cell = atoms.cell.array * atoms.pbc[:, None]
    i, j, images = NeighborList(cutoff=cutoff, full_list=not half, sorted=True).compute(
        points=atoms.positions, box=cell, periodic=atoms.pbc, quantities="ijS"
    )
    return Pairs(i.astype(np.intp), j.astype(np.intp), images, images @ cell)


class NeighbourList:
    """Pairs of a moving structure, searched anew when one may have come within the cutoff since.

    Parameters
    ----------
    cutoff, skin
        Å. The pairs are those within their sum at the time of the search.
    half
        As for `find_pairs`.

    Attributes
    ----------
    builds
        Number of searches.
    """

    def __init__(self, cutoff: float, skin: float, *, half: bool = False) -> None:
        self.cutoff, self.skin, self.half = cutoff, skin, half
        self.builds = 0
        self._origin: Atoms | None = None
        self._labels: tuple[np.ndarray, ...] = ()

    def update(self, atoms: Atoms, *labels: np.ndarray) -> Pairs | None:
        """New pairs where the last ones serve no longer; None where they do.

        Parameters
        ----------
        atoms
            The structure as it is now.
        labels
            What the caller sorts its pairs by, of each atom (N,): pairs are searched anew when it changes.
        """
        if self._serves(atoms) and all(map(np.array_equal, labels, self._labels)):
            return None
        self._origin = Atoms(positions=atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
        self._labels = tuple(np.array(label) for label in labels)
        self.builds += 1
        return find_pairs(atoms, self.cutoff + self.skin, half=self.half)

    def _serves(self, atoms: Atoms) -> bool:
        old = self._origin
        return (
            old is not None
            and len(old) == len(atoms)
            and np.array_equal(old.cell.array, atoms.cell.array)
            and np.array_equal(old.pbc, atoms.pbc)
            and ((atoms.positions - old.positions) ** 2).sum(axis=1).max(initial=0.0) <= (0.5 * self.skin) ** 2
        )
