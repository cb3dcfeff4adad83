"""Relaxation of a moiré as two elastic sheets over the registry landscape of a potential: seconds, without an atom.

Sheets are displaced by ±u/2, so that t(r) = t₀(r) + u·B, with t₀ of the rigid layers and B the mean of the inverse
lattices. On a periodic grid the energy per area (after Carr et al., Phys. Rev. B 98, 224102 (2018))

    ¼ [λ (∇·u)² + 2μ ε:ε] + E(t(r)) / A_cell

is minimised by L-BFGS, preconditioned with its own elastic part in Fourier space. Heights follow from h(t), smoothed by
the bending stiffness κ of the layers: h_q = h⁰_q k/(k + κ q⁴/2), k = (∂²E/∂h²)/A_cell.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from scipy.ndimage import map_coordinates
from scipy.optimize import minimize

from harness_tasks.moire.cells import BASIS, Moire
from harness_tasks.moire.landscape import Landscape
from harness_tasks.moire.registry_field import grid
from harness_tasks.structures.bilayers import LOWER, UPPER

#: Of a layer, eV: the order of magnitude for sheets one atom thick. It smooths the start and enters no result.
BENDING = 1.0
#: Spacing of the grid, Å, and its least number of points along each period.
SPACING, COARSEST = 2.0, 16


@dataclass(frozen=True, slots=True)
class Relaxed:
    """The relaxed sheets.

    Attributes
    ----------
    size
        Grid points along each period; point (i, j) is at (i T₁ + j T₂) / size.
    slip
        u, Å (size, size, 2).
    registry
        t, (size, size, 2), not wrapped.
    shear
        ε_xx − ε_yy and 2ε_xy of u, (size, size, 2).
    shift
        ξ of the landscape, Å.
    heights
        Of the four kinds of atoms from the middle of the bilayer, Å (size, size, 4).
    energy, energy_rigid
        Of the landscape and of elasticity, meV per atom over the best registry: relaxed; rigid sheets at h(t).
    """

    size: int
    slip: np.ndarray
    registry: np.ndarray
    shear: np.ndarray
    shift: float
    heights: np.ndarray
    energy: float
    energy_rigid: float


def relax_sheets(moire: Moire, landscape: Landscape) -> Relaxed:
    """Relax the sheets of a moiré cell; a start for atoms, and a prediction that does not know them."""
    size = max(COARSEST, 2 * math.ceil(np.linalg.norm(moire.plane[0]) / SPACING / 2))
    low, top = np.linalg.inv(moire.lattices)
    rigid = grid(moire, size) @ (low - top)
    to_fractions = 0.5 * (low + top)
    k = np.fft.fftfreq(size, 1 / size)
    q = 2 * np.pi * np.stack(np.meshgrid(k, k, indexing="ij"), axis=-1) @ np.linalg.inv(moire.plane).T
    q2 = (q**2).sum(axis=-1)
    elastic = _elastic(q, q2, landscape)
    root = _inverse_root(elastic + _softness(landscape, to_fractions) * np.eye(2))

    def convolve(kernel: np.ndarray, field: np.ndarray) -> np.ndarray:
        waves = np.einsum("ijab,ijb->ija", kernel, np.fft.fft2(field, axes=(0, 1)))
        return np.real(np.fft.ifft2(waves, axes=(0, 1)))

    def energy_and_slope(u: np.ndarray) -> tuple[float, np.ndarray]:
        t = rigid + u.reshape(-1, 2) @ to_fractions
        pull = convolve(elastic, u)
        here, downhill = landscape.energy.with_slope(t)
        slope = (downhill @ to_fractions.T).reshape(u.shape) / landscape.area + pull
        return float(here.mean() / landscape.area + 0.5 * (u * pull).sum(axis=-1).mean()), slope

    def objective(x: np.ndarray) -> tuple[float, np.ndarray]:
        energy, slope = energy_and_slope(convolve(root, x.reshape(size, size, 2)))
        return (energy - lowest) / scale, convolve(root, slope).ravel() / (scale * size**2)

    lowest = float(landscape.known[1].min()) / landscape.area
    scale = max(float(np.ptp(landscape.known[1])) / landscape.area, 1e-12)
    start = np.zeros(2 * size**2)
    found = minimize(
        objective, start, jac=True, method="L-BFGS-B", options={"maxiter": 500, "gtol": 1e-9, "ftol": 1e-12}
    )
    slip = convolve(root, found.x.reshape(size, size, 2))
    slip -= slip.mean(axis=(0, 1))
    registry = (rigid + slip.reshape(-1, 2) @ to_fractions).reshape(size, size, 2)
    waves = 1j * np.fft.fft2(slip, axes=(0, 1))
    x, y = (np.real(np.fft.ifft2(q[..., k, None] * waves, axes=(0, 1))) for k in (0, 1))  # ∂u/∂x, ∂u/∂y
    shear = np.stack([x[..., 0] - y[..., 1], x[..., 1] + y[..., 0]], axis=-1)
    heights = _smoothed(landscape.heights(registry.reshape(-1, 2)).reshape(size, size, 4), q2, landscape)
    per_atom = 1e3 * scale * landscape.area / 4
    return Relaxed(
        size,
        slip,
        registry,
        shear,
        landscape.shift,
        heights,
        per_atom * float(found.fun),
        per_atom * objective(start)[0],
    )


def displaced(moire: Moire, relaxed: Relaxed) -> Atoms:
    """The atoms of the moiré cell, moved with the relaxed sheets."""
    atoms = moire.atoms.copy()
    inverse = np.linalg.inv(moire.plane)
    middle = atoms.positions[:, 2].mean()
    for layer, (side, sheet) in enumerate(((-0.5, LOWER), (0.5, UPPER))):
        mine = np.flatnonzero(moire.layer == layer)
        home = atoms.positions[mine, :2]
        here = home
        for _ in range(4):  # the slip is known at places, and atoms have left theirs
            here = home + side * _sample(relaxed.slip, here @ inverse)
        atoms.positions[mine, :2] = here + _inner(moire, relaxed, layer, side, here @ inverse)
        z = _sample(relaxed.heights[:, :, sheet], here @ inverse)
        atoms.positions[mine, 2] = middle + z[np.arange(len(mine)), np.arange(len(mine)) % len(BASIS)]
    return atoms


def _inner(moire: Moire, relaxed: Relaxed, layer: int, side: float, fractions: np.ndarray) -> np.ndarray:
    """What the shear of a layer moves its sublattices by, in opposite ways, Å (n, 2).

    With s = (ε_xx − ε_yy) + 2iε_xy and the lattice turned by φ, symmetry leaves δx + iδy = iξ s* exp(3iφ).
    """
    shear = side * _sample(relaxed.shear, fractions)
    turned = math.atan2(moire.lattices[layer, 0, 1], moire.lattices[layer, 0, 0])
    moved = 1j * relaxed.shift * (shear[:, 0] - 1j * shear[:, 1]) * np.exp(3j * turned)
    sign = np.where(np.arange(len(moved)) % len(BASIS) == 1, 0.5, -0.5)
    return np.asarray(sign[:, None] * np.stack([moved.real, moved.imag], axis=1))


def sheet_registry(moire: Moire, relaxed: Relaxed) -> Callable[[np.ndarray], np.ndarray]:
    """Registry of the relaxed sheets at places (n, 2) in the plane."""
    low, top = np.linalg.inv(moire.lattices)
    inverse = np.linalg.inv(moire.plane)

    def at(places: np.ndarray) -> np.ndarray:
        slip = _sample(relaxed.slip, places @ inverse)
        return np.asarray(places @ (low - top) + 0.5 * slip @ (low + top))

    return at


def _elastic(q: np.ndarray, q2: np.ndarray, landscape: Landscape) -> np.ndarray:
    """½ [(λ + μ) q qᵀ + μ q²], eV/Å⁴ (size, size, 2, 2)."""
    lam, mu = landscape.lame
    return np.asarray(0.5 * ((lam + mu) * q[..., :, None] * q[..., None, :] + mu * q2[..., None, None] * np.eye(2)))


def _softness(landscape: Landscape, to_fractions: np.ndarray) -> float:
    """Order of magnitude of the landscape's curvature, eV/Å⁴."""
    series = landscape.energy
    g = 2 * np.pi * series.waves @ to_fractions.T
    return float(0.25 * (np.abs(series.coefficients) * (g**2).sum(axis=1)).sum() / landscape.area) + 1e-12


def _inverse_root(matrices: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrices)
    return np.asarray(np.einsum("...ab,...b,...cb->...ac", vectors, 1 / np.sqrt(values), vectors))


def _smoothed(heights: np.ndarray, q2: np.ndarray, landscape: Landscape) -> np.ndarray:
    """Layers bend: their mean heights lose what is shorter than bending allows; what atoms differ from it stays."""
    k = max(landscape.stiffness, 0.0) / landscape.area
    keep = (k / (k + 0.5 * BENDING * q2**2))[..., None] if k > 0 else np.zeros((*q2.shape, 1))
    keep[0, 0] = 1.0
    smooth = np.empty_like(heights)
    for sheet in (LOWER, UPPER):
        mean = heights[:, :, sheet].mean(axis=-1, keepdims=True)
        bent = np.real(np.fft.ifft2(keep * np.fft.fft2(mean, axes=(0, 1)), axes=(0, 1)))
        smooth[:, :, sheet] = heights[:, :, sheet] - mean + bent
    return smooth


def _sample(field: np.ndarray, fractions: np.ndarray) -> np.ndarray:
    """A periodic field (size, size, k) at `fractions` (n, 2) of the cell: (n, k)."""
    places = (fractions % 1.0).T * len(field)
    return np.stack(
        [map_coordinates(field[..., c], places, order=3, mode="grid-wrap") for c in range(field.shape[-1])], axis=-1
    )
