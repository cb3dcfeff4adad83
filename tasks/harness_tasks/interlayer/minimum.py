"""The minimum of a binding curve, and how well its points determine it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from harness.contracts.quantity import Quantity

#: The curve is a polynomial of this degree in exp(−(h − h_i)/1 Å): a Morse well or a sum of exponentials needs few
#: terms there, a polynomial in h many. DFT points 0.15 Å apart leave 0.004 meV a cell.
DEGREE, DECAY = 4, 1.0


@dataclass(frozen=True, slots=True)
class Minimum:
    """Minimum of a curve φ(h), with intervals of kind ``numerical``: how far it depends on the points that were fitted.

    Attributes
    ----------
    distance, energy, stiffness
        h₀ (Å), φ(h₀) (eV) and φ''(h₀) (eV/Å²).
    residual
        Root mean square distance of the points from the curve, eV.
    """

    distance: Quantity
    energy: Quantity
    stiffness: Quantity
    residual: float


def find_minimum(h: np.ndarray, energy: np.ndarray, n_points: int) -> Minimum | None:
    """The lowest minimum between two of the points (h, energy), from the `n_points` around it; None if there is none.

    Intervals are those of the jackknife: each point is left out once.
    """
    known = np.isfinite(energy)
    h, energy = np.asarray(h)[known], np.asarray(energy)[known]
    inner = [i for i in range(1, len(h) - 1) if energy[i - 1] >= energy[i] <= energy[i + 1]]
    if not inner or len(h) < DEGREE + 2:
        return None
    lowest = min(inner, key=lambda i: energy[i])
    n = min(n_points, len(h))
    start = int(np.clip(lowest - n // 2, 0, len(h) - n))
    x, y = h[start : start + n], energy[start : start + n]
    found = _solve(x, y, h[lowest], h[lowest - 1], h[lowest + 1])
    if found is None:
        return None
    without = [_solve(np.delete(x, k), np.delete(y, k), found[0], x[0], x[-1]) for k in range(n)]
    left = np.array([each for each in without if each is not None])
    intervals: list[tuple[float, float] | None] = [None] * 3
    if len(left) == n:
        errors = np.sqrt((n - 1) / n * ((left - left.mean(axis=0)) ** 2).sum(axis=0))
        half_width = stats.t.ppf(0.975, max(n - DEGREE - 1, 1)) * errors
        intervals = [(value - r, value + r) for value, r in zip(found, half_width, strict=True)]
    method = f"quartic in exp(-h/1 A) through {n} points, jackknife"
    distance, depth, stiffness = (
        Quantity(value, unit, interval, "numerical", n=n, method=method)
        for value, unit, interval in zip(found, ("A", "eV", "eV/A^2"), intervals, strict=True)
    )
    coefficients, origin = _fit(x, y, found[0])
    residual = np.polyval(coefficients, np.exp(-DECAY * (x - origin))) - y
    return Minimum(distance, depth, stiffness, float(np.sqrt(np.mean(residual**2))))


def find_zero(h: np.ndarray, force: np.ndarray, around: float, n_points: int) -> float:
    """Where the force (eV/Å) that drives the layers apart crosses zero, next to `around` (Å); nan if nowhere.

    Parameters
    ----------
    h, force
        Distances (Å) and forces (eV/Å), each (n,).
    around
        Distance next to which to search, Å.
    n_points
        Number of points that are fitted.
    """
    nearest = np.sort(np.argsort(np.abs(h - around))[:n_points])
    coefficients, origin = _fit(h[nearest], force[nearest], around)
    roots = _roots(coefficients, origin)
    return float(roots[np.argmin(np.abs(roots - around))]) if len(roots) else math.nan


def _fit(h: np.ndarray, energy: np.ndarray, origin: float) -> tuple[np.ndarray, float]:
    degree = min(DEGREE, len(h) - 1)
    return np.polyfit(np.exp(-DECAY * (h - origin)), energy, degree), origin


def _roots(coefficients: np.ndarray, origin: float) -> np.ndarray:
    """Distances where a polynomial in exp(−(h − origin)) vanishes."""
    roots = np.roots(coefficients)
    real = roots[(np.abs(roots.imag) < 1e-9 * np.abs(roots)) & (roots.real > 0)].real
    return np.asarray(origin - np.log(real) / DECAY)


def _solve(
    h: np.ndarray, energy: np.ndarray, around: float, low: float, high: float
) -> tuple[float, float, float] | None:
    """Distance, energy and stiffness of the minimum next to `around`, between `low` and `high`."""
    coefficients, origin = _fit(h, energy, around)
    slope, bend = np.polyder(coefficients), np.polyder(coefficients, 2)
    candidates = []
    for root in _roots(slope, origin):
        y = math.exp(-DECAY * (root - origin))
        stiffness = (DECAY * y) ** 2 * float(np.polyval(bend, y))
        if low <= root <= high and stiffness > 0:
            candidates.append((float(root), float(np.polyval(coefficients, y)), stiffness))
    return min(candidates, key=lambda each: abs(each[0] - around)) if candidates else None
