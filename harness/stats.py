"""Intervals for numbers that were sampled or fitted: block averages and straight lines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import signal, stats

from harness.contracts.quantity import Quantity

RESAMPLES = 2000


def number(quantity: Quantity) -> float:
    """The value of a scalar quantity.

    Raises
    ------
    TypeError
        When it is a list.
    """
    if isinstance(quantity.value, list):
        raise TypeError(f"{quantity} is not a scalar")
    return quantity.value


def effective_samples(samples: Sequence[float] | np.ndarray) -> float:
    """The number of independent samples in a correlated series, n / (2 τ).

    τ is the integrated autocorrelation time, summed up to the first lag beyond 5 τ (Sokal's window, Monte Carlo
    Methods in Statistical Mechanics, 1996). Between 1 and n.
    """
    x = np.asarray(samples, dtype=float)
    n = len(x)
    x = x - x.mean()
    if n < 4 or not np.any(x):
        return float(n)
    correlation = signal.correlate(x, x, mode="full", method="fft")[n - 1 :]
    correlation /= correlation[0]
    time = 0.5 + np.cumsum(correlation[1:])
    beyond = np.arange(1, n) >= 5 * time
    tau = time[np.argmax(beyond)] if beyond.any() else time[-1]
    return float(np.clip(n / (2 * max(tau, 0.5)), 1.0, n))


def block_average(samples: Sequence[float] | np.ndarray, unit: str, level: float = 0.95) -> Quantity:
    """Mean of a correlated series, with a Student interval for its `effective_samples`."""
    x = np.asarray(samples, dtype=float)
    n_eff = effective_samples(x)
    interval = None
    if len(x) > 1 and n_eff > 1:
        error = x.std(ddof=1) / math.sqrt(n_eff)
        half_width = stats.t.ppf(0.5 + level / 2, max(n_eff - 1, 1)) * error
        interval = (x.mean() - half_width, x.mean() + half_width)
    return Quantity(
        float(x.mean()),
        unit,
        interval,
        "confidence",
        n=len(x),
        n_eff=n_eff,
        level=level,
        method="mean, Student interval with autocorrelation",
    )


@dataclass(frozen=True, slots=True)
class Line:
    """A fitted straight line.

    Attributes
    ----------
    r2
        Share of the variance that the line explains; nan when there is none to explain.
    residual
        Root mean square distance of the points from the line, in units of y.
    """

    slope: Quantity
    intercept: Quantity
    r2: float
    residual: float

    def at(self, x: float) -> float:
        """The line's value at `x`."""
        return number(self.intercept) + number(self.slope) * x


def fit_line(
    x: Sequence[float] | np.ndarray,
    y: Sequence[float] | np.ndarray,
    unit: str,
    unit_y: str,
    *,
    weights: Sequence[float] | np.ndarray | None = None,
    blocks: Sequence[int] | np.ndarray | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> Line:
    """Weighted least squares line with bootstrap intervals.

    Points, or whole `blocks` of correlated points, are drawn with replacement; the interval is the standard error
    over the draws times Student's t for (number of blocks − 2), since percentiles of few points are too narrow.

    Parameters
    ----------
    x, y
        The points.
    unit, unit_y
        Unit of the slope and of the intercept.
    weights
        Proportional to the inverse variance of each point.
    blocks
        A label for each point; points with the same label are drawn together.

    Returns
    -------
    Line
        With slope nan when fewer than two different x are given, and without intervals below three blocks.
    """
    weight = np.ones(len(x)) if weights is None else np.asarray(weights, dtype=float)
    columns = np.array([x, y, weight], dtype=float)
    known = np.isfinite(columns).all(axis=0)
    points: tuple[np.ndarray, ...] = tuple(columns[:, known])
    x, y, w = points
    labels = (np.arange(len(known)) if blocks is None else np.asarray(blocks))[known]
    method = "least squares, bootstrap over " + ("points" if blocks is None else "blocks")
    if len(x) < 2 or np.ptp(x) == 0:
        return Line(Quantity(math.nan, unit, n=len(x)), Quantity(math.nan, unit_y, n=len(x)), math.nan, math.nan)
    origin = np.average(x, weights=w)  # centred sums keep the digits
    index = np.unique(labels, return_inverse=True)[1]
    n = int(index.max()) + 1
    powers = ((0, 0), (1, 0), (2, 0), (0, 1), (1, 1))
    sums = np.array([np.bincount(index, w * (x - origin) ** p * y**q, n) for p, q in powers])
    slope, centre = _solve(sums.sum(axis=1))
    errors = (math.nan, math.nan)
    if n > 2:
        times_drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
        slopes, centres = _solve(sums @ times_drawn.T)
        errors = (float(np.nanstd(slopes, ddof=1)), float(np.nanstd(centres - slopes * origin, ddof=1)))
    t = stats.t.ppf(0.5 + level / 2, max(n - 2, 1))

    def quantity(value: float, error: float, unit: str) -> Quantity:
        interval = (value - t * error, value + t * error) if math.isfinite(error) else None
        return Quantity(
            float(value), unit, interval, "confidence", n=len(x), n_eff=float(n), level=level, method=method
        )

    left = y - (centre + slope * (x - origin))
    scatter = float(np.average((y - np.average(y, weights=w)) ** 2, weights=w))
    residual = float(np.average(left**2, weights=w))
    return Line(
        quantity(float(slope), errors[0], unit),
        quantity(float(centre - slope * origin), errors[1], unit_y),
        1 - residual / scatter if scatter > 0 else math.nan,
        math.sqrt(residual),
    )


def slope_at_zero(
    x: Sequence[float] | np.ndarray, y: Sequence[float] | np.ndarray, unit: str, *, level: float = 0.95, seed: int = 0
) -> Quantity:
    """Slope at x = 0 of the parabola through the points, with a bootstrap interval as for `fit_line`.

    nan below three different x; no interval below five points.

    Parameters
    ----------
    x, y
        The points, each (n,).
    unit
        Of the slope.
    level
        Of confidence.
    seed
        Of the bootstrap.
    """
    values, responses = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    n = len(values)
    method = "least squares parabola, slope at zero, bootstrap over points"
    if len(np.unique(values)) < 3:
        return Quantity(math.nan, unit, n=n, method=method)
    scale = np.abs(values).max()
    design = np.vander(values / scale, 3, increasing=True)
    squares = design[:, :, None] * design[:, None, :]
    products = design * responses[:, None]
    slope = float(np.linalg.solve(squares.sum(axis=0), products.sum(axis=0))[1] / scale)
    interval = None
    if n > 4:
        drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
        drawn = drawn[(drawn > 0).sum(axis=1) > 3]  # fewer points leave a parabola without a residual
        matrices = np.tensordot(drawn, squares, axes=1)
        slopes = np.linalg.solve(matrices, (drawn @ products)[:, :, None])[:, 1, 0] / scale
        half_width = stats.t.ppf(0.5 + level / 2, n - 3) * float(slopes.std(ddof=1))
        interval = (slope - half_width, slope + half_width)
    return Quantity(slope, unit, interval, "confidence", n=n, n_eff=float(n), level=level, method=method)


def pooled_error(
    sums: Sequence[float] | np.ndarray,
    counts: Sequence[float] | np.ndarray,
    unit: str,
    *,
    root: bool,
    level: float = 0.95,
    seed: int = 0,
) -> Quantity:
    """A mean error over many values that come in groups, with a bootstrap interval over the groups.

    Values of one structure are correlated, so structures are drawn, not values. An error is positive and its
    distribution lopsided: the interval is the standard error of its logarithm over the draws times Student's t.

    Parameters
    ----------
    sums, counts
        Of each group: the sum of squared (`root`) or absolute errors, and how many there were.
    root
        Whether the result is the root of the mean: a root-mean-square error.

    Returns
    -------
    Quantity
        Without an interval below three groups, when a draw has no error at all, or when groups are so few or differ so
        much that it would reach beyond a tenth or ten times the value.
    """
    total, number_of = np.asarray(sums, dtype=float), np.asarray(counts, dtype=float)
    total, number_of = total[number_of > 0], number_of[number_of > 0]
    power, n = 0.5 if root else 1.0, len(total)
    method = ("root mean square" if root else "mean absolute value") + ", bootstrap over structures"
    value = float((total.sum() / number_of.sum()) ** power) if n else math.nan
    interval = None
    if n > 2:
        drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
        means = (drawn @ total) / (drawn @ number_of)
        if np.isfinite(means).all() and means.min() > 0:
            spread = stats.t.ppf(0.5 + level / 2, n - 1) * float(np.log(means**power).std(ddof=1))
            if spread < math.log(10.0):
                interval = (value * math.exp(-spread), value * math.exp(spread))
    return Quantity(
        value,
        unit,
        interval,
        "confidence",
        n=int(number_of.sum()),
        n_eff=float(n) if n else None,
        level=level,
        method=method,
    )


def _solve(sums: np.ndarray) -> np.ndarray:
    """Slope and value at the origin from the sums of w, wx, wx², wy, wxy."""
    s, sx, sxx, sy, sxy = sums
    determinant = s * sxx - sx**2
    bad = determinant <= 1e-12 * s * sxx  # a draw of one point over and over has no slope
    slope = np.where(bad, 0.0, s * sxy - sx * sy) / np.where(bad, 1.0, determinant)
    return np.stack([np.where(bad, np.nan, slope), np.where(bad, np.nan, (sy - slope * sx) / s)])
