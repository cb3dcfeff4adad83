"""Near part of the interaction: ``erf(r/a_ij)/r - erf(r/a)/r`` within a cut-off, as a sparse matrix."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from scipy.sparse import bsr_array

from harness.materials.neighbours import find_pairs
from harness.units import COULOMB
from harness_charge_dipole.geometry import Frame
from harness_charge_dipole.kernels import blocks, pair_forces, radial

__all__ = ["ShortRange"]

_CHUNK = 200_000


class ShortRange:
    """Pairs of atoms and what is left of their interaction once the smooth part is taken out.

    Parameters
    ----------
    frame
        The structure.
    widths
        Gaussian width of each atom, Å.
    smooth
        Width a of the smooth interaction ``erf(r/a)/r`` that is summed elsewhere, Å; None takes nothing out and
        lists every pair (molecules only).
    cutoff
        Distance beyond which the difference is negligible, Å.
    """

    def __init__(self, frame: Frame, widths: np.ndarray, smooth: float | None, cutoff: float) -> None:
        self.smooth, self.widths, self.n = smooth, widths, len(widths)
        self.i, self.j, self.vectors = _pairs(frame, smooth, cutoff)

    def _radial(self, part: slice, order: int) -> list[np.ndarray]:
        r = np.linalg.norm(self.vectors[part], axis=1)
        a = np.hypot(self.widths[self.i[part]], self.widths[self.j[part]])
        b = radial(r, a, order)
        if self.smooth is not None:
            for value, far in zip(b, radial(r, self.smooth, order), strict=True):
                value -= far
        return b

    def _parts(self) -> list[slice]:
        return [slice(s, s + _CHUNK) for s in range(0, len(self.i), _CHUNK)]

    def matrix(self) -> bsr_array:
        """Sparse matrix over (q, p) of the pairs, without self terms: shape (4N, 4N), eV/e² and so on."""
        data = np.empty((len(self.i), 4, 4))
        for part in self._parts():
            data[part] = blocks(self.vectors[part], self._radial(part, 2))
        data *= COULOMB
        start = np.searchsorted(self.i, np.arange(self.n + 1)).astype(np.int32)
        return bsr_array((data, self.j, start), shape=(4 * self.n, 4 * self.n))

    def forces(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Bilinear forces of the pairs between states x and y of shape (N, 4); shape (N, 3), eV/Å."""
        out = np.zeros((self.n, 3))
        for part in self._parts():
            i, j = self.i[part], self.j[part]
            f = pair_forces(self.vectors[part], self._radial(part, 3), x[i], x[j], y[i], y[j])
            for axis in range(3):
                out[:, axis] += np.bincount(i, f[:, axis], self.n)
        return COULOMB * out


def _pairs(frame: Frame, smooth: float | None, cutoff: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ordered pairs i, j with ``r_i - r_j``, sorted by i; images of an atom pair with it too."""
    if smooth is None:
        n = len(frame.positions)
        i, j = np.nonzero(~np.eye(n, dtype=bool))
        return i.astype(np.int32), j.astype(np.int32), frame.positions[i] - frame.positions[j]
    cell = np.zeros((3, 3))
    cell[: len(frame.lattice)] = frame.lattice
    pairs = find_pairs(Atoms(positions=frame.positions, cell=cell, pbc=np.arange(3) < len(frame.lattice)), cutoff)
    return pairs.i.astype(np.int32), pairs.j.astype(np.int32), -pairs.vectors(frame.positions)
