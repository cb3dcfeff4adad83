"""Slopes of short strain series and what follows from them, with intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from harness.contracts.quantity import Quantity
from harness.stats import number, slope_at_zero


def slope(x: Sequence[float], y: Sequence[float] | np.ndarray, unit: str, method: str, seed: int = 0) -> Quantity:
    """Slope at zero of the parabola through the points.

    From five points on the interval is that of `slope_at_zero`. Three points leave no residual: the interval then is
    what the curvature makes of the slope on either side, an upper bound of what is left out.

    The interval is of kind ``numerical`` in both cases: the points are no sample. Each is a property of one relaxed
    structure and comes out the same again, so what the bootstrap sees is how far they lie from a parabola: higher
    orders of the strain, and what relaxation and rounding leave.

    Parameters
    ----------
    x, y
        The points, each (n,).
    unit
        Of the slope.
    method
        How `y` was obtained.
    seed
        Of the bootstrap.
    """
    found = slope_at_zero(x, y, unit, seed=seed)
    how = f"{method}; {found.method}"
    interval = found.interval
    if interval is None and len(x) == 3 and math.isfinite(number(found)):
        points, values = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        bend = abs(float(np.polyfit(points, values, 2)[0])) * float(np.abs(points).max())
        interval = (number(found) - bend, number(found) + bend)
        how = f"{method}; central difference, interval: slopes to either side"
    return Quantity(number(found), unit, interval, "numerical", n=found.n, method=how)


def derived(function: Callable[..., float], given: Sequence[Quantity], unit: str, method: str) -> Quantity:
    """`function` of the values of slopes, with the half widths of their intervals propagated in quadrature.

    Parameters
    ----------
    function
        Of as many numbers as are `given`.
    given
        Slopes with their intervals.
    unit
        Of the result.
    method
        Of the result.
    """
    values = [number(quantity) for quantity in given]
    value = function(*values)
    square = 0.0
    for k, quantity in enumerate(given):
        if quantity.interval is None or not math.isfinite(value):
            return Quantity(value, unit, method=method)
        shifted = list(values)
        shifted[k] += (quantity.interval[1] - quantity.interval[0]) / 2
        square += (function(*shifted) - value) ** 2
    half = math.sqrt(square)
    return Quantity(
        value, unit, (value - half, value + half), "numerical", method=f"{method}; intervals added in quadrature"
    )


def curvature(x: Sequence[float], y: Sequence[float] | np.ndarray) -> float:
    """Second derivative at zero of the polynomial through the points, of degree four at most; nan without numbers."""
    if not np.isfinite(y).all():
        return math.nan
    points = np.asarray(x, dtype=float)
    scale = float(np.abs(points).max())
    degree = min(4, len(points) - 1)
    return 2 * float(np.polyfit(points / scale, np.asarray(y, dtype=float), degree)[-3]) / scale**2


def without_sampling(observables: Mapping[str, Quantity]) -> dict[str, Quantity]:
    """The same with intervals of kind ``numerical``, for fits to relaxed structures, which come out the same again.

    They are no sample. What the bootstrap over them sees is how far they lie from the line: higher orders, and what
    relaxation leaves.
    """
    return {key: replace(q, kind="numerical") if q.interval else q for key, q in observables.items()}
