"""Smooth part of the interaction, ``erf(r/a)/r`` between all atoms and images, by explicit Fourier sums."""

from __future__ import annotations

import numpy as np

from harness.units import COULOMB
from harness_charge_dipole.geometry import Box, Frame

__all__ = ["FourierSum"]


class FourierSum:
    """Explicit sum over reciprocal vectors: exact and dense, for structures of up to some hundred atoms.

    Parameters
    ----------
    frame
        The structure.
    smooth
        Width a of the interaction, Å.
    digits
        Where to stop: terms smaller than ``10**-digits`` are left out.
    """

    def __init__(self, frame: Frame, smooth: float, digits: float) -> None:
        s = np.sqrt(digits * np.log(10.0))
        box = Box(frame, s * smooth)
        kmax = 2 * s / smooth
        bound = np.floor(kmax * np.linalg.norm(box.cell, axis=1) / (2 * np.pi)).astype(int)
        m = np.stack(np.meshgrid(*[np.arange(-b, b + 1) for b in bound], indexing="ij"), axis=-1).reshape(-1, 3)
        m = m[len(m) // 2 :]  # k and -k are alike: keep one, at twice the weight
        k = 2 * np.pi * m @ box.inverse.T
        k2 = np.einsum("ij,ij->i", k, k)
        keep = k2 <= kmax**2
        self.k = k[keep]
        weight = np.where(np.arange(len(m)) == 0, 1.0, 2.0)[keep]
        self.weight = weight * COULOMB / box.volume * box.kernel(self.k) * np.exp(-k2[keep] * smooth**2 / 4)
        phase = frame.positions @ self.k.T  # N x K
        self.cos, self.sin = np.cos(phase), np.sin(phase)

    def _rows(self) -> tuple[np.ndarray, np.ndarray]:
        """Real and imaginary part of the potential's shape at each (q, p): exp(ikr) and its gradient ik exp(ikr)."""
        re = np.concatenate([self.cos[:, None], -self.sin[:, None] * self.k.T], axis=1)
        im = np.concatenate([self.sin[:, None], self.cos[:, None] * self.k.T], axis=1)
        return re.reshape(-1, len(self.k)), im.reshape(-1, len(self.k))

    def matrix(self) -> np.ndarray:
        """Dense matrix over (q, p) with self terms, shape (4N, 4N)."""
        re, im = self._rows()
        root = np.sqrt(np.maximum(self.weight, 0.0))
        re *= root
        im *= root
        return np.asarray(re @ re.T + im @ im.T)

    def forces(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Bilinear forces between states x and y of shape (N, 4); shape (N, 3), eV/Å."""
        out = np.zeros((len(x), 3))
        for u, v in ((x, y), (y, x)):
            pk_u, pk_v = u[:, 1:] @ self.k.T, v[:, 1:] @ self.k.T
            # sum over atoms of (q + p.grad) exp(ikr) in state v
            re = v[:, 0] @ self.cos - np.einsum("ik,ik->k", pk_v, self.sin)
            im = v[:, 0] @ self.sin + np.einsum("ik,ik->k", pk_v, self.cos)
            u_re, u_im = u[:, :1] * self.cos - pk_u * self.sin, u[:, :1] * self.sin + pk_u * self.cos
            out += 0.5 * ((u_im * re - u_re * im) * self.weight) @ self.k
        return out
