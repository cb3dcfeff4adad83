"""Observables of the task `tc_sweep` from its sweeps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from harness import Quantity
from harness.protocols import Arrays
from harness.stats import block_average
from harness.stats import number as number_of
from harness_tasks.tc_sweep_order import HALF, ORDERED, hops, im_psi
from harness_tasks.tc_sweep_run import Sweep

RULE = "falling curve through |<Im psi>|, mean over sweeps, is below sqrt(3)/4"
SPREAD = "jackknife over sweeps and distance of the temperatures"


@dataclass(frozen=True, slots=True)
class Crossing:
    """Where the order is lost: between `low` and `high`, K; `value` is nan and `high` infinite where it is not."""

    low: float
    value: float
    high: float


def crossing(temperatures: np.ndarray, order: np.ndarray) -> Crossing:
    """Lowest temperature at which `order`, (temperatures,), lies below half its amplitude √3/2.

    Linear between the two temperatures around it, which are the bounds; perfect order is taken for 0 K. Temperatures
    without an order (nan) are left out.
    """
    known = np.isfinite(order)
    t = np.concatenate([[0.0], temperatures[known]])
    m = np.concatenate([[ORDERED], order[known]])
    below = np.flatnonzero(m < HALF)
    if not len(below):
        return Crossing(float(t[-1]), math.nan, math.inf)
    k = int(below[0])
    value = t[k - 1] + (t[k] - t[k - 1]) * (m[k - 1] - HALF) / (m[k - 1] - m[k])
    return Crossing(float(t[k - 1]), float(value), float(t[k]))


def _loss(temperatures: np.ndarray, order: np.ndarray, ways: Sequence[int]) -> Crossing:
    """Of the mean over sweeps of |⟨Im ψ⟩|, (sweeps, 2, temperatures); on all of `ways`."""
    known = np.isfinite(order)
    total, number = np.where(known, order, 0.0).sum(axis=0), known.sum(axis=0)
    mean = np.where(number > 0, total / np.maximum(number, 1), np.nan)
    return crossing(temperatures, falling(mean[list(ways)].max(axis=0)))


def falling(order: np.ndarray) -> np.ndarray:
    """The curve that never rises and is nearest to `order` in least squares (isotonic regression); nan stay.

    Heat takes order away; what rises with temperature is noise, which the lowest temperature below half would pick out.
    """
    known = np.flatnonzero(np.isfinite(order))
    sums, n = np.concatenate([[0.0], np.cumsum(order[known])]), len(known)
    found = order.astype(float)
    for k in range(n):
        ends = np.arange(k + 1, n + 1)
        found[known[k]] = min(((sums[ends] - sums[i]) / (ends - i)).max() for i in range(k + 1))
    return found


def _quantity(found: Crossing, spread: float, n: int, method: str) -> Quantity:
    method = f"{method}; {SPREAD}"
    if not math.isfinite(found.value):
        return Quantity(math.nan, "K", (found.low, math.inf), n=n, method=method)
    reach = math.hypot(spread, (found.high - found.low) / 2)
    return Quantity(found.value, "K", (max(found.value - reach, 0.0), found.value + reach), n=n, method=method)


def _jackknife(values: Sequence[float]) -> float:
    """Half width of the 95 % interval from estimates that leave out one sweep each; 0 where there are none."""
    known = np.array([value for value in values if math.isfinite(value)])
    n = len(known)
    if n < 2:
        return 0.0
    return float(stats.t.ppf(0.975, n - 1) * math.sqrt(n - 1) * known.std())


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
    n = len(order)
    others = [np.delete(order, one, axis=0) for one in range(n)] if n > 1 else []

    def of(ways: Sequence[int]) -> tuple[Crossing, list[float]]:
        return _loss(temperatures, order, ways), [_loss(temperatures, rest, ways).value for rest in others]

    found = {}
    for name, ways, where in (("", (0, 1), "both ways"), ("_heating", (0,), "heating"), ("_cooling", (1,), "cooling")):
        here, without = of(ways)
        found["curie_temperature" + name] = _quantity(here, _jackknife(without), n, f"{RULE} on {where}")
    (up, up_without), (down, down_without) = of((0,)), of((1,))
    width = up.value - down.value
    method = f"heating less cooling; {SPREAD}"
    found["hysteresis_width"] = Quantity(width, "K", n=n, method=method)
    if math.isfinite(width):
        steps = math.hypot(up.high - up.low, down.high - down.low) / 2
        reach = math.hypot(_jackknife([u - d for u, d in zip(up_without, down_without, strict=True)]), steps)
        found["hysteresis_width"] = Quantity(width, "K", (width - reach, width + reach), n=n, method=method)
    return found
