"""The order parameter of sliding ferroelectrics, and what a rigid layer would do.

Deng et al., arXiv 2407.15081, Eq. 2: ψ = exp(iG·t), G = a* − b*, with t the shift of the upper layer from AA in the
120° cell, so Im ψ = +√3/2 at BA and −√3/2 at AB; it is 0 at AA and at all three SP.
"""

from __future__ import annotations

import math

import numpy as np
from ase import Atoms, units
from scipy import optimize, special

#: |Im ψ| of AB and BA.
ORDERED = math.sqrt(3) / 2
#: Below half the amplitude there is no order (the paper gives no rule).
HALF = ORDERED / 2
#: Equivalent saddle points around a minimum.
WAYS = 3


def im_psi(registry: np.ndarray) -> np.ndarray:
    """Im ψ of registries in fractions of the 120° cell, (..., 2)."""
    return np.asarray(np.sin(2 * np.pi * (registry[..., 0] - registry[..., 1])))


class Shift:
    """Reads registries off a sheet of primitive bilayer cells that was repeated and moves without being wrapped.

    Parameters
    ----------
    start
        The sheet; four atoms a cell, the lower layer's first.
    registry
        Its registry, fractions of the primitive cell.
    cells
        Repeats along both axes.
    """

    def __init__(self, start: Atoms, registry: np.ndarray, cells: int) -> None:
        self._registry = np.asarray(registry)
        self._x = start.positions[:, :2].copy()
        self._inverse = np.linalg.inv(start.cell.array[:2, :2] / cells)
        mass = start.get_masses()[:4]
        self._weights = np.concatenate([-mass[:2] / mass[:2].sum(), mass[2:] / mass[2:].sum()])

    def local(self, positions: np.ndarray) -> np.ndarray:
        """Registry of each cell, by the mass centres of its two pairs of atoms, (cells², 2)."""
        moved = (positions[:, :2] - self._x).reshape(-1, 4, 2)
        return np.asarray(self._registry + np.einsum("a,nax->nx", self._weights, moved) @ self._inverse)


def hops(order: np.ndarray) -> int:
    """How often a series of Im ψ changes from one side beyond half the amplitude to the other."""
    sides = np.sign(order[np.abs(order) > HALF])
    return int((sides[1:] != sides[:-1]).sum())


def attempt_frequency(barrier: float, bond: float, reduced_mass: float) -> float:
    """Of a rigid layer in its well, 1/ps.

    The published energy along the path, e₄ (t² − t_BA²)² with t_BA half a bond (Deng et al., Eq. 3), has the curvature
    8 ΔE / t_BA² at its minima.

    Parameters
    ----------
    barrier
        ΔE per cell, eV.
    bond, reduced_mass
        Length of the path AB-SP-BA, Å; half the mass of a layer's cell, u.
    """
    omega = math.sqrt(8 * barrier / (bond / 2) ** 2 / reduced_mass)
    return float(omega / (2 * math.pi) * units.fs * 1000)


def telegraph_mean(crossings: float) -> float:
    """E|m| for the mean m of a signal ±1 that changes sign at random, so often on average in the time it is averaged.

    exp(−x) [I₀(x) + I₁(x)], with the modified Bessel functions: 1 at rest, √(2/πx) for many changes.
    """
    return float(special.i0e(crossings) + special.i1e(crossings))


#: Crossings after which the mean order of a rigid layer is half its amplitude: 2.24.
CROSSINGS = float(optimize.brentq(lambda x: telegraph_mean(x) - 0.5, 0.1, 10.0))


def arrhenius_temperature(barrier: float, cells: int, frequency: float, time: float) -> float:
    """Where the order of a rigid layer of so many cells, averaged over `time`, falls to half, K; nan without a barrier.

    Arrhenius: `CROSSINGS` / time = 3 ν exp(−N ΔE / kT). Where that has no answer above N ΔE / k, it is N ΔE / k: the
    barrier no longer matters.

    Parameters
    ----------
    barrier, cells
        ΔE per cell, eV; N.
    frequency, time
        ν, 1/ps; ps.
    """
    if not barrier > 0:
        return math.nan
    return float(cells * barrier / (units.kB * math.log(max(WAYS * frequency * time / CROSSINGS, math.e))))
