"""Points along the sliding path and over the map of registries, and integrals along the path."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.interpolate import CubicSpline

from harness_tasks.structures.bilayers import LOWER, UPPER
from harness_tasks.structures.registries import Grid


@dataclass(frozen=True, slots=True)
class Track:
    """Points along the straight path AB-SP-BA.

    Attributes
    ----------
    s
        0 at AB, 1 at BA, (n,).
    energy, positions
        eV per cell (n,), Å (n, 4, 3).
    step
        AB → BA, Å (3,).
    dipole, born
        e Å per cell (n, 3); e (n, 4, 3, 3), first index polarization; None where not offered.
    """

    kind: str
    s: np.ndarray
    energy: np.ndarray
    positions: np.ndarray
    step: np.ndarray
    dipole: np.ndarray | None
    born: np.ndarray | None

    @property
    def length(self) -> float:
        """Of the path, Å."""
        return float(np.linalg.norm(self.step))

    @property
    def along(self) -> np.ndarray:
        """Unit vector AB → BA."""
        return self.step / self.length

    @property
    def distance(self) -> np.ndarray:
        """Of the layers' mean heights, Å (n,)."""
        return np.asarray(self.positions[:, UPPER, 2].mean(axis=1) - self.positions[:, LOWER, 2].mean(axis=1))

    @property
    def balanced_born(self) -> np.ndarray:
        """Born charges less their mean over the atoms, so that a shift of everything polarizes nothing."""
        assert self.born is not None
        return np.asarray(self.born - self.born.mean(axis=1, keepdims=True))

    @property
    def layer_born(self) -> np.ndarray:
        """Sum over the upper layer, (n, 3, 3): dp/du of a rigid slip of that layer, e."""
        return np.asarray(self.balanced_born[:, UPPER].sum(axis=1))


@dataclass(frozen=True, slots=True)
class Landscape:
    """The map: a `Grid` with energies (m,), positions (m, 4, 3) and dipoles (m, 3) of its representatives.

    `image` is the energy of one of them less that of a registry that follows from it by symmetry, eV.
    """

    grid: Grid
    kind: str
    energy: np.ndarray
    positions: np.ndarray
    dipole: np.ndarray | None
    image: float


def integrate(born: np.ndarray, positions: np.ndarray, s: np.ndarray) -> np.ndarray:
    """p(s) − p(0) = ∫ Σ_i Z_i · (du_i/ds) ds along a path, (n, 3) e Å; cubic splines through `born` and `positions`.

    nan throughout when a point is missing.
    """
    if not (np.isfinite(born).all() and np.isfinite(positions).all()):
        return np.full((len(s), 3), np.nan)
    nodes, weights = np.polynomial.legendre.leggauss(5)
    charge, path = CubicSpline(s, born), CubicSpline(s, positions)
    velocity = path.derivative()
    total = [np.zeros(3)]
    for low, high in zip(s[:-1], s[1:], strict=True):
        x = 0.5 * (high - low) * nodes + 0.5 * (high + low)
        current = np.einsum("kiab,kib->ka", charge(x), velocity(x))
        total.append(total[-1] + 0.5 * (high - low) * weights @ current)
    return np.array(total)


def noise(values: np.ndarray, parity: int) -> float:
    """Half-width of the 95 % interval of one of the `values` along the path, from its part of the wrong parity.

    Both halves of the path are mirror images, so v(s) = parity v(1 − s); what is left of v(s) − parity v(1 − s) is
    √2 times the noise of one value.
    """
    half = len(values) // 2
    wrong = values[:half] - parity * values[: -half - 1 : -1]
    return float(stats.t.ppf(0.975, half) * math.sqrt(np.mean(wrong**2) / 2))
