"""Periodic directions of a structure, and the box in which its long-range sums are done."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import Atoms
from scipy.special import j0, j1, k0, k1

from harness.errors import HarnessError

__all__ = ["Box", "Frame"]


@dataclass(frozen=True)
class Frame:
    """Positions, lattice vectors along which the structure repeats, and the projector on the other directions.

    Attributes
    ----------
    positions
        Shape (N, 3), Å.
    lattice
        Periodic lattice vectors only, shape (d, 3), d = 0, 1 or 2. The vacuum of the cell is not used.
    open
        Projector on the directions without periodicity, shape (3, 3).
    """

    positions: np.ndarray
    lattice: np.ndarray
    open: np.ndarray

    @classmethod
    def of(cls, atoms: Atoms) -> Frame:
        """The frame of a structure; HarnessError if it is periodic in three directions or its cell is degenerate."""
        lattice = atoms.cell.array[atoms.pbc]
        if len(lattice) == 3:
            raise HarnessError(
                "charge_dipole is for molecules, wires and sheets, and this structure is periodic in 3 directions.",
                "Set the periodicity across the sheet to false (atoms.pbc = (True, True, False)).",
            )
        if len(lattice) and np.linalg.matrix_rank(lattice, tol=1e-8) < len(lattice):
            raise HarnessError(
                "charge_dipole: a periodic direction has no cell vector.",
                "Give the structure a cell, or set atoms.pbc to false there.",
            )
        if not np.isfinite(atoms.positions).all():
            raise HarnessError("charge_dipole: a coordinate is not a finite number.", "Check the structure.")
        if len(lattice):
            basis = np.linalg.qr(lattice.T)[0]
            along = basis @ basis.T
        else:
            along = np.zeros((3, 3))
        return cls(atoms.positions.copy(), lattice, np.eye(3) - along)


class Box:
    """A cell in which a periodic sum equals the true one in 0, 1 or 2 periodic directions.

    The Coulomb interaction is cut off, along the open directions only, at a distance that no pair of charges of
    this structure reaches, and the box is so long that images do not see each other. The Fourier transform of the
    cut interaction is known in closed form (Rozzi et al., PRB 73, 205119 (2006); Sohier et al., PRB 96, 075448
    (2017)), so the sums are those of the isolated sheet, wire or molecule, whatever the vacuum of the cell.

    Parameters
    ----------
    frame
        The structure.
    margin
        Reach of the smooth charge clouds, Å.
    """

    def __init__(self, frame: Frame, margin: float) -> None:
        d = len(frame.lattice)
        across = np.linalg.svd(frame.lattice)[2][d:] if d else np.eye(3)
        heights = frame.positions @ across.T
        low, high = heights.min(axis=0), heights.max(axis=0)
        self.reach = float(np.linalg.norm(high - low)) + margin
        lengths = (high - low) + self.reach + margin
        self.ndim = d
        self.lattice = frame.lattice
        self.cell = np.vstack([frame.lattice, lengths[:, None] * across])
        self.volume = abs(np.linalg.det(self.cell))
        self.inverse = np.linalg.inv(self.cell)
        self.origin = (low - margin) @ across

    def kernel(self, k: np.ndarray) -> np.ndarray:
        """Fourier transform of the cut-off Coulomb interaction, times the volume of nothing: ``4 pi / k²`` for large k.

        Parameters
        ----------
        k
            Reciprocal vectors of the box, shape (..., 3), 1/Å.

        Returns
        -------
        ndarray, shape (...)
            In Å². Never negative but for rounding, so the energy keeps its minimum.
        """
        if self.ndim:
            basis = np.linalg.qr(self.lattice.T)[0]
            inside = np.linalg.norm(k @ basis, axis=-1)
            outside = np.sqrt(np.maximum(np.einsum("...i,...i->...", k, k) - inside**2, 0.0))
        else:
            inside, outside = np.zeros(k.shape[:-1]), np.linalg.norm(k, axis=-1)
        return (_cut_sphere, _cut_cylinder, _cut_slab)[self.ndim](inside, outside, self.reach)


def _divide(a: np.ndarray, k2: np.ndarray, limit: float) -> np.ndarray:
    return np.where(k2 > 1e-12, a / np.where(k2 > 1e-12, k2, 1.0), limit)


def _cut_sphere(_: np.ndarray, k: np.ndarray, reach: float) -> np.ndarray:
    """1/r for r < reach."""
    return 4 * np.pi * _divide(1 - np.cos(k * reach), k * k, reach**2 / 2)


def _cut_slab(inside: np.ndarray, outside: np.ndarray, reach: float) -> np.ndarray:
    """1/r for |z| < reach; the mean over the plane is the tent 2 pi (reach - |z|), which is zero where it ends."""
    k2 = inside**2 + outside**2
    decay = np.exp(-inside * reach)
    cut = 1 - decay * np.cos(outside * reach)
    flat = inside < 1e-9
    cut += np.where(flat, 0.0, decay * np.sin(outside * reach) * outside / np.where(flat, 1.0, inside))
    return 4 * np.pi * _divide(cut, k2, reach**2 / 2)


def _cut_cylinder(inside: np.ndarray, outside: np.ndarray, reach: float) -> np.ndarray:
    """1/r for distances from the axis below `reach`; the mean along the axis is -2 ln(rho / reach)."""
    k2 = inside**2 + outside**2
    x, y = inside * reach, outside * reach
    mean = np.abs(inside) < 1e-9
    safe = np.where(mean, 1.0, x)
    wave = 1 + y * j1(y) * k0(safe) - x * j0(y) * k1(safe)
    return 4 * np.pi * _divide(np.where(mean, 1 - j0(y), wave), k2, reach**2 / 4)
