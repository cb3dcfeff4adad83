"""Atomic strain from the deformation of each atom's neighbourhood."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list

#: Smallest eigenvalue over the largest one of Σ r⁰ r⁰ᵀ below which a neighbourhood counts as flat.
FLAT = 1e-3


class AtomicStrain:
    """Green strain of every atom with respect to a reference structure.

    F_i = (Σ_j r_ij r⁰_ijᵀ)(Σ_j r⁰_ij r⁰_ijᵀ)⁻¹ is the least squares deformation gradient of the neighbourhood of
    atom i (Zimmerman et al., Int. J. Solids Struct. 46, 238 (2009)), ε_i = ½ (F_iᵀ F_i − 1), in reference axes.
    Neighbours in other layers are needed: those of one flat layer say nothing about ∂u/∂z.

    Parameters
    ----------
    reference
        The undeformed structure.
    cutoff
        Neighbours in `reference` up to here are taken, Å.

    Attributes
    ----------
    defined
        False when some neighbourhood is flat, as in a single layer one atom thick; `green` then raises ValueError.
    """

    def __init__(self, reference: Atoms, cutoff: float) -> None:
        self._i, self._j, self._images, self._before = neighbor_list("ijSD", reference, cutoff)
        self._n = len(reference)
        shape = self._sum(self._before[:, :, None] * self._before[:, None, :])
        eigenvalues = np.linalg.eigvalsh(shape)
        self.defined = bool((eigenvalues[:, 0] > FLAT * eigenvalues[:, 2]).all())
        self._inverse = np.linalg.inv(shape) if self.defined else None

    def green(self, positions: np.ndarray, cell: np.ndarray) -> np.ndarray:
        """Green strain (natoms, 3, 3) at `positions` (natoms, 3) in a `cell` (3, 3), Å."""
        if self._inverse is None:
            raise ValueError("the neighbourhoods are flat")
        after = positions[self._j] - positions[self._i] + self._images @ cell
        gradient = self._sum(after[:, :, None] * self._before[:, None, :]) @ self._inverse
        return np.asarray(0.5 * (np.swapaxes(gradient, 1, 2) @ gradient - np.eye(3)))

    def _sum(self, tensors: np.ndarray) -> np.ndarray:
        flat = tensors.reshape(-1, 9)
        summed = [np.bincount(self._i, flat[:, k], self._n) for k in range(9)]
        return np.stack(summed, axis=1).reshape(-1, 3, 3)
