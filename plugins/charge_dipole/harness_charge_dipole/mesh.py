"""Smooth part of the interaction on a mesh: particle-mesh Ewald with a Kaiser-Bessel window.

Charges and dipoles are spread by a sparse matrix S (dipoles with the gradient of the window), one real FFT takes the
mesh to reciprocal space, the cut-off Coulomb kernel acts there, and S takes the potential back. The product is
``S^T G S``: symmetric and positive by construction, as conjugate gradients need it. Cost: O(N + M log M).
"""

from __future__ import annotations

import numpy as np
from scipy import fft
from scipy.sparse import csr_array
from scipy.special import i0, i1
from threadpoolctl import threadpool_info

from harness.units import COULOMB
from harness_charge_dipole.geometry import Box, Frame

__all__ = ["Mesh"]

#: The mesh resolves waves beyond the shortest one that matters by this factor; the window needs the room.
OVERSAMPLING = 1.8


class Mesh:
    """Same interaction as `FourierSum`, at a cost that grows like the number of atoms.

    Parameters
    ----------
    frame
        The structure.
    smooth
        Width a of ``erf(r/a)/r``, Å.
    digits
        Accuracy: errors are near ``10**-digits`` of the interaction.
    """

    def __init__(self, frame: Frame, smooth: float, digits: float) -> None:
        s = np.sqrt(digits * np.log(10.0))
        box = Box(frame, s * smooth)
        kmax = 2 * s / smooth
        self.ndim = box.ndim
        self.points = window_points(digits)
        need = OVERSAMPLING * kmax * np.linalg.norm(box.cell, axis=1) / np.pi
        self.shape = [fft.next_fast_len(max(int(np.ceil(v)), self.points + 1), real=True) for v in need]
        counts = np.array(self.shape)
        self.cell, self.volume = box.cell, box.volume
        # along open directions only the filled planes are stored; the rest is zero padding of the transform
        u = frame.positions @ (box.inverse * counts)
        low = np.floor(u.min(axis=0)) - self.points // 2
        u[:, box.ndim :] -= low[box.ndim :]
        self.filled = list(self.shape)
        for axis in range(box.ndim, 3):
            self.filled[axis] = min(int(np.ceil(u[:, axis].max())) + self.points // 2 + 1, self.shape[axis])
        self.beta = np.pi * self.points * (1 - 1 / (2 * OVERSAMPLING)) * 0.985
        self.to_mesh = box.inverse * counts  # steps of the mesh per Å
        self.spread = self._spreading(u)
        self.gather = self.spread.T  # a view: products scatter
        self.k1 = [
            2 * np.pi * (fft.rfftfreq(n, 1 / n) if axis == 0 else fft.fftfreq(n, 1 / n))
            for axis, n in enumerate(self.shape)
        ]
        self.kvec = np.stack(np.meshgrid(*self.k1, indexing="ij"), axis=-1) @ box.inverse.T
        k2 = np.einsum("...i,...i->...", self.kvec, self.kvec)
        green = box.kernel(self.kvec) * np.exp(-k2 * smooth**2 / 4)
        for axis, n in enumerate(self.shape):
            form = self._window_transform(self.k1[axis] / n)
            green /= (form**2).reshape([-1 if a == axis else 1 for a in range(3)])
        green[k2 > kmax**2] = 0.0
        # the inverse transform divides by the number of points; the sum over k wants the volume
        self.green = green * (COULOMB * np.prod(counts.astype(float)) / box.volume)
        # as many as linear algebra may use here: the harness limits these
        self.workers = min((pool["num_threads"] for pool in threadpool_info()), default=1)

    def _window_transform(self, theta: np.ndarray) -> np.ndarray:
        """Fourier transform of the window at phase `theta` per mesh step."""
        z = np.sqrt(np.maximum(self.beta**2 - (theta * self.points / 2) ** 2, 1e-12))
        return np.asarray(self.points * np.sinh(z) / (z * i0(self.beta)))

    def _spreading(self, u: np.ndarray) -> csr_array:
        """Sparse matrix (4N, M): weight of each mesh point in value and gradient, in mesh steps, at each atom."""
        n, p = len(u), self.points
        first = np.floor(u).astype(np.int64) - p // 2 + 1
        t = (u[:, :, None] - (first[:, :, None] + np.arange(p))) * (2 / p)
        root = np.sqrt(np.maximum(1 - t * t, 0.0))
        w = i0(self.beta * root) / i0(self.beta)
        slope = np.where(root > 1e-6, i1(self.beta * root) / np.maximum(root, 1e-6), self.beta / 2)
        dw = -self.beta * t * slope / i0(self.beta) * (2 / p)
        index = first[:, :, None] + np.arange(p)
        for axis in range(self.ndim):
            index[:, axis] %= self.shape[axis]
        flat = (
            (
                (index[:, 0, :, None, None] * self.filled[1] + index[:, 1, None, :, None]) * self.filled[2]
                + index[:, 2, None, None, :]
            )
            .reshape(n, -1)
            .astype(np.int32)
        )
        data = np.empty((n, 4, p, p, p))
        x, y, z = w[:, 0, :, None, None], w[:, 1, None, :, None], w[:, 2, None, None, :]
        dx, dy, dz = dw[:, 0, :, None, None], dw[:, 1, None, :, None], dw[:, 2, None, None, :]
        np.multiply(x, y * z, out=data[:, 0])
        np.multiply(dx, y * z, out=data[:, 1])
        np.multiply(x, dy * z, out=data[:, 2])
        np.multiply(x, y * dz, out=data[:, 3])
        indices = np.repeat(flat[:, None, :], 4, axis=1).ravel()
        start = np.arange(4 * n + 1, dtype=np.int32) * p**3
        return csr_array((data.ravel(), indices, start), shape=(4 * n, int(np.prod(self.filled))))

    def _transform(self, x: np.ndarray) -> np.ndarray:
        """Green's function times the transform of the charge of state x (flat, 4N)."""
        state = x.reshape(-1, 4).copy()
        state[:, 1:] = state[:, 1:] @ self.to_mesh
        grid = (self.gather @ state.ravel()).reshape(self.filled)
        out = fft.rfft(grid, n=self.shape[0], axis=0, workers=self.workers)
        for axis in (1, 2):
            out = fft.fft(out, n=self.shape[axis], axis=axis, workers=self.workers, overwrite_x=True)
        out *= self.green
        return np.asarray(out)

    def _back(self, potential: np.ndarray) -> np.ndarray:
        """Value and gradient at the atoms of a potential given in reciprocal space; flat, 4N."""
        out = potential
        for axis in (2, 1):
            out = fft.ifft(out, axis=axis, workers=self.workers)
            if axis >= self.ndim:
                out = out[tuple(slice(None, self.filled[axis]) if a == axis else slice(None) for a in range(3))]
        grid = fft.irfft(out, n=self.shape[0], axis=0, workers=self.workers)[: self.filled[0]]
        values = (self.spread @ grid.ravel()).reshape(-1, 4)
        values[:, 1:] = values[:, 1:] @ self.to_mesh.T
        return np.asarray(values.ravel())

    def matvec(self, x: np.ndarray) -> np.ndarray:
        """Interaction with every atom and image, self terms included; x flat, 4N."""
        return self._back(self._transform(x))

    def forces(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Bilinear forces between states x and y of shape (N, 4); shape (N, 3), eV/Å."""
        out = np.zeros((len(x), 3))
        states = ((x, y),) if x is y else ((x, y), (y, x))
        for u, v in states:
            potential = self._transform(v.ravel())
            for axis in range(3):
                slope = self._back(1j * self.kvec[..., axis] * potential).reshape(-1, 4)
                out[:, axis] -= np.einsum("ij,ij->i", u, slope) / len(states)
        return out


def window_points(digits: float) -> int:
    """Support of the window, in mesh points per direction; the gradients need one more digit than the values."""
    return 2 * int(np.ceil((digits + 1.0) / 2))
