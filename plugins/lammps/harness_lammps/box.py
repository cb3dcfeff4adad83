"""ASE's cell in LAMMPS' convention: first edge along x, second in the xy plane, right-handed, and back."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from ase import Atoms

from harness.errors import HarnessError

__all__ = ["Box"]

#: Room beyond the outermost atoms along a direction that is not periodic, Å. LAMMPS drops atoms that leave a fixed
#: box, so the box is moved before they come nearer than `NEAR` to its wall.
ROOM, NEAR = 10.0, 1.0


@dataclass(frozen=True)
class Box:
    """Where LAMMPS has the atoms.

    Attributes
    ----------
    turn
        Orthogonal matrix (3, 3): ``x_lammps = x @ turn.T``. It mirrors when the cell is left-handed, which no
        interatomic potential can tell.
    edges
        Lower-triangular (3, 3); the edge of a direction that is not periodic has length 1 and is perpendicular to
        the others.
    lo, hi
        Bounds along the three axes, (3,).
    periodic
        Flags (3,).
    """

    turn: np.ndarray
    edges: np.ndarray
    lo: np.ndarray
    hi: np.ndarray
    periodic: np.ndarray

    @classmethod
    def around(cls, atoms: Atoms) -> Box:
        """A box for `atoms`, whose own cell may be missing or oblique along directions that are not periodic.

        Raises
        ------
        HarnessError
            When the periodic edges span no cell.
        """
        completed = _completed(atoms.cell.array, atoms.pbc)
        if not np.isfinite(completed).all() or abs(np.linalg.det(completed)) < 1e-9:
            raise HarnessError("the structure is periodic along directions in which its cell has no extent.",
                               "Give it a cell, or set pbc to false there.")  # fmt: skip
        edges, turn = _triangular(completed)
        x = atoms.positions @ turn.T
        return cls(turn, edges, np.zeros(3), np.diag(edges).copy(), atoms.pbc.copy()).moved_to(x)

    @property
    def tilts(self) -> tuple[float, float, float]:
        """LAMMPS' xy, xz, yz."""
        return float(self.edges[1, 0]), float(self.edges[2, 0]), float(self.edges[2, 1])

    @property
    def volume(self) -> float:
        """Of the box as LAMMPS has it, Å³."""
        return float(np.prod(self.hi - self.lo))

    def holds(self, x: np.ndarray, near: float = NEAR) -> bool:
        """Whether atoms at `x` (N, 3), in LAMMPS' axes, are farther than `near` (Å) from all walls that there are."""
        fixed = ~self.periodic
        if not fixed.any() or not len(x):
            return True
        x = x[:, fixed]
        return bool((x.min(axis=0) > self.lo[fixed] + near).all() and (x.max(axis=0) < self.hi[fixed] - near).all())

    def moved_to(self, x: np.ndarray) -> Box:
        """The same box around atoms at `x`, in LAMMPS' axes, where it has walls."""
        below, above = x.min(axis=0) - ROOM, x.max(axis=0) + ROOM
        return replace(self, lo=np.where(self.periodic, self.lo, below), hi=np.where(self.periodic, self.hi, above))

    def shift_inside(self, x: np.ndarray) -> np.ndarray:
        """What to subtract from `x` (N, 3) so that it lies in the box along periodic directions."""
        cells = np.floor(x @ np.linalg.inv(self.edges))
        cells[:, ~self.periodic] = 0.0
        return np.asarray(cells @ self.edges)

    def back(self, tensor: np.ndarray) -> np.ndarray:
        """Vectors (N, 3) in LAMMPS' axes, in those of the structure."""
        return np.asarray(tensor @ self.turn)


def _completed(cell: np.ndarray, pbc: np.ndarray) -> np.ndarray:
    """The periodic edges, and unit vectors perpendicular to all others along the directions without period."""
    edges = np.where(pbc[:, None], cell, 0.0)
    for i in np.flatnonzero(~pbc):
        others = edges[[j for j in range(3) if j != i and edges[j].any()]]
        # the axis of the structure that is farthest from the span of the other edges, made perpendicular to it
        basis = np.linalg.qr(others.T)[0] if len(others) else np.zeros((3, 0))
        rest = np.eye(3) - basis @ basis.T
        guess = rest[i] if np.linalg.norm(rest[i]) > 0.5 else rest[np.argmax(np.linalg.norm(rest, axis=1))]
        edges[i] = guess / np.linalg.norm(guess)
    return edges


def _triangular(edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``(lower, turn)`` with ``edges = lower @ turn``, lower-triangular with a positive diagonal, turn orthogonal."""
    if not np.triu(edges, 1).any() and (np.diag(edges) > 0).all():
        return edges.copy(), np.eye(3)
    q, r = np.linalg.qr(edges.T)
    signs = np.where(np.diag(r) < 0, -1.0, 1.0)
    lower = np.tril((r * signs[:, None]).T)
    lower[np.abs(lower) < 1e-12] = 0.0
    return lower, (q * signs).T
