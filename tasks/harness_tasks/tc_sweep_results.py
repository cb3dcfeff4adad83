"""Observables of the task `tc_sweep` from its sweeps."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from harness import Quantity
from harness.protocols import Arrays
from harness.stats import block_average
from harness.stats import number as number_of
from harness_tasks.tc_sweep_order import HALF, ORDERED, hops, im_psi
from harness_tasks.tc_sweep_run import Sweep

#: (lower bound, value, upper bound), K.
Crossing = tuple[float, float, float]


def crossing(temperatures: np.ndarray, order: np.ndarray) -> Crossing:
    """Lowest temperature at which |⟨Im ψ⟩| lies below half its amplitude √3/2.

    Linear between the two temperatures around it, which are the bounds; perfect order is taken for 0 K. The value is
    nan, and the upper bound infinite, when there is no such temperature. Temperatures without an order (nan) are left
    out.
    """
    known = np.isfinite(order)
    t = np.concatenate([[0.0], temperatures[known]])
    m = np.concatenate([[ORDERED], np.abs(order[known])])
    below = np.flatnonzero(m < HALF)
    if not len(below):
        return float(t[-1]), math.nan, math.inf
    k = int(below[0])
    value = t[k - 1] + (t[k] - t[k - 1]) * (m[k - 1] - HALF) / (m[k - 1] - m[k])
    return float(t[k - 1]), float(value), float(t[k])


def pooled(found: Sequence[Crossing], method: str) -> Quantity:
    """Mean over the repeats; its interval has Student's, and half the distance of the temperatures, in quadrature.

    Where a repeat has none the value is nan, and the interval begins at the lowest bound.
    """
    values = np.array([value for _, value, _ in found])
    if not len(values):
        return Quantity(math.nan, "K", method=method)
    lows, highs = np.array([low for low, _, _ in found]), np.array([high for _, _, high in found])
    if not np.isfinite(values).all():
        return Quantity(
            math.nan, "K", (float(lows.min()), math.inf), n=len(values), method=method + "; beyond some sweeps"
        )
    reach = math.hypot(_student(values), float((highs - lows).mean()) / 2)
    mean = float(values.mean())
    return Quantity(
        mean, "K", (max(mean - reach, 0.0), mean + reach), n=len(values), n_eff=float(len(values)), method=method
    )


def width(up: Sequence[Crossing], down: Sequence[Crossing]) -> Quantity:
    """Heating less cooling, mean over the repeats that have both."""
    method = "heating less cooling, mean over sweeps, Student and distance of the temperatures"
    pairs = [(u, d) for u, d in zip(up, down, strict=True) if math.isfinite(u[1]) and math.isfinite(d[1])]
    if not pairs:
        return Quantity(math.nan, "K", method=method)
    apart = np.array([u[1] - d[1] for u, d in pairs])
    steps = np.array([math.hypot(u[2] - u[0], d[2] - d[0]) for u, d in pairs])
    reach, mean = math.hypot(_student(apart), float(steps.mean()) / 2), float(apart.mean())
    return Quantity(mean, "K", (mean - reach, mean + reach), n=len(pairs), n_eff=float(len(pairs)), method=method)


def curves(found: Sequence[Sweep], count: int) -> Arrays:
    """Order of each repeat on both ways, (repeats, 2, temperatures): up, down; nan where a sweep ended before.

    The highest temperature is on both ways. ``order`` is the mean Im ψ of the layers' registry, ``order_reach`` the
    half width of its 95 % interval from the autocorrelation, ``order_local`` the mean over cells, ``hops`` how often
    the layers changed between AB and BA, ``kinetic`` the mean kinetic temperature (K).
    """
    names = ("order", "order_reach", "order_local", "hops", "kinetic")
    arrays = {name: np.full((len(found), 2, count), np.nan) for name in names}
    for number, sweep in enumerate(found):
        for place, samples in enumerate(sweep.samples.astype(float)):
            order = im_psi(samples[:, :2])
            mean = block_average(order, "1")
            low, high = mean.interval or (math.nan, math.nan)
            values = [number_of(mean), (high - low) / 2, samples[:, 2].mean(), hops(order), samples[:, 3].mean()]
            for way in (0, 1):
                t = place if way == 0 else 2 * count - 2 - place
                if 0 <= t < count:
                    for name, value in zip(names, values, strict=True):
                        arrays[name][number, way, t] = value
    return arrays


def observables(temperatures: np.ndarray, arrays: Arrays) -> dict[str, Quantity]:
    """Curie temperatures and the width of the hysteresis."""
    order = np.abs(arrays["order"])
    rule = "lowest temperature with |<Im psi>| below sqrt(3)/4"
    up, down = ([crossing(temperatures, one[way]) for one in order] for way in (0, 1))
    both = [crossing(temperatures, np.maximum(one[0], one[1])) for one in order]
    return {
        "curie_temperature": pooled(both, rule + " on both ways, mean over sweeps"),
        "curie_temperature_heating": pooled(up, rule + " on heating, mean over sweeps"),
        "curie_temperature_cooling": pooled(down, rule + " on cooling, mean over sweeps"),
        "hysteresis_width": width(up, down),
    }


def _student(values: np.ndarray) -> float:
    """Half width of the 95 % interval of the mean; 0 for a single value."""
    n = len(values)
    return float(stats.t.ppf(0.975, n - 1) * values.std(ddof=1) / math.sqrt(n)) if n > 1 else 0.0
