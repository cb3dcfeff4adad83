"""The dipole of a bonded sheet split over its atoms."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.neighborlist import natural_cutoffs, neighbor_list

from harness.materials.layers import BOND_FACTOR


class LocalDipoles:
    """Splits the dipole Σ p_i + Σ q_i r_i of a bonded sheet over its atoms, without a choice of unit cell.

    Each atom hands half of its charge in equal parts to the atoms it is bonded to; what atom i receives makes a
    dipole d_i = ½ Σ_j (q_j/n_j)(r_j − r_i), and a small net charge Q_i = ½ (q_i + Σ_j q_j/n_j) stays at i. Then
    Σ q_i r_i = Σ (d_i + Q_i r_i) exactly. In a flat sheet with threefold symmetry every d_i vanishes, whereas a bin
    of whole zigzag lines has an in-plane dipole that depends on where it begins, and that a tilt would turn into P_z.
    """

    def __init__(self, reference: Atoms) -> None:
        self._i, self._j, self._images = neighbor_list("ijS", reference, natural_cutoffs(reference, mult=BOND_FACTOR))
        self._n = len(reference)
        bonds = np.bincount(self._i, minlength=self._n)
        self._bonded = np.maximum(bonds, 1)
        self._shares = np.where(bonds > 0, 0.5, 0.0)

    def split(self, positions: np.ndarray, cell: np.ndarray, charges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """d_i (natoms, 3) in e Å and Q_i (natoms,) in e."""
        given = (self._shares * charges / self._bonded)[self._j]
        vectors = positions[self._j] - positions[self._i] + self._images @ cell
        dipoles = [np.bincount(self._i, given * vectors[:, axis], self._n) for axis in range(3)]
        kept = (1 - self._shares) * charges + np.bincount(self._i, given, self._n)
        return np.stack(dipoles, axis=1), kept
