"""Electrostatic potential above a sheet, from charges and dipoles of its atoms: what a Kelvin probe sees of a moiré.

A wave g of the charges on a plane makes a potential that decays like exp(−g h) above it. With charges q_i and dipoles
p_i at r_i, all below the height z, over the area A,

    V(g, z) = 1/(2 ε₀ g A) Σ_i [q_i − i g·p_i + g p_zi] exp(−i g·r_i − g (z − z_i)),
    V(0) = 1/(2 ε₀ A) Σ_i (q_i z_i + p_zi)

for a neutral sheet. Nieto Luna et al., arXiv 2503.11797, take P_max = ε₀ (V_max − V_min): above wide domains V is
±P/2ε₀, so the difference is P/ε₀. Where the period is not long against the height there is less, by exp(−g h).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from ase import Atoms

from harness.materials.sheets import area
from harness.units import COULOMB, EPSILON_0, PC_PER_M


@dataclass(frozen=True, slots=True)
class SurfacePotential:
    """The potential on a plane above a sheet.

    Attributes
    ----------
    values
        V, at the points (i T₁ + j T₂)/n, (n, n).
    height
        Of the plane, Å.
    """

    values: np.ndarray
    height: float

    @property
    def largest_polarization(self) -> float:
        """P_max = ε₀ (V_max − V_min), pC/m."""
        return EPSILON_0 * float(np.ptp(self.values)) * PC_PER_M


def surface_potential(
    atoms: Atoms,
    charges: np.ndarray | None = None,
    dipoles: np.ndarray | None = None,
    *,
    clearance: float = 0.0,
    grid: int = 48,
) -> SurfacePotential:
    """The potential on the plane `clearance` (Å) above the highest atom.

    Only waves longer than two cells of the layers are kept: those of the moiré, not those of the atoms.

    Parameters
    ----------
    atoms
        Sheet in the x-y plane, pbc (T, T, F).
    charges, dipoles
        e (N,) and e Å (N, 3), what the sheet has more than a reference without a potential; None for zero.
    grid
        Points along each period.
    """
    q = np.zeros(len(atoms)) if charges is None else np.asarray(charges, dtype=float)
    p = np.zeros((len(atoms), 3)) if dipoles is None else np.asarray(dipoles, dtype=float)
    heights = atoms.positions[:, 2]
    z = float(heights.max()) + clearance
    plane = atoms.cell.array[:2, :2]
    k = np.fft.fftfreq(grid, 1 / grid).astype(int)
    k = np.stack(np.meshgrid(k, k, indexing="ij"), axis=-1).reshape(-1, 2)
    g = 2 * np.pi * k @ np.linalg.inv(plane).T
    size = np.linalg.norm(g, axis=1)
    kept = np.flatnonzero((size > 0) & (size < _shortest(atoms)) & (np.abs(k) < grid // 2).all(axis=1))
    waves = np.zeros(len(k), dtype=complex)
    for part in np.array_split(kept, max(1, len(kept) * len(atoms) // 2_000_000)):
        decay = np.exp(-1j * g[part] @ atoms.positions[:, :2].T - np.outer(size[part], z - heights))
        source = q - 1j * g[part] @ p[:, :2].T + np.outer(size[part], p[:, 2])
        waves[part] = (source * decay).sum(axis=1) / size[part]
    waves[0] = (q @ heights + p[:, 2].sum()) - q.sum() * z
    values = np.fft.ifft2(waves.reshape(grid, grid)).real * grid**2 * 2 * np.pi * COULOMB / area(atoms)
    return SurfacePotential(values, z)


def _shortest(atoms: Atoms) -> float:
    """Half the shortest reciprocal vector of a layer of two atoms a cell, 1/Å; two layers assumed alike."""
    constant = math.sqrt(2 / math.sqrt(3) * 4 * area(atoms) / len(atoms))
    return 0.5 * 4 * math.pi / (math.sqrt(3) * constant)
