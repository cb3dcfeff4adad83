"""Observables of the task `tc_sweep` from its sweeps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from harness.contracts.measurement import Arrays
from harness.contracts.quantity import IntervalKind, Quantity
from harness.stats import block_average
from harness.stats import number as number_of
from harness_tasks.tc_sweep.observables import CURIE, CURIE_BOTH_WAYS, CURIE_COOLING, CURIE_HEATING, HYSTERESIS
from harness_tasks.tc_sweep.order_parameter import HALF, ORDERED, hops, im_psi
from harness_tasks.tc_sweep.sweeps import Sweep

RULE = "falling curve through |<Im psi>| is below sqrt(3)/4"
SPREAD = "interval from the 95 % bands of the means over sweeps and from the distance of the temperatures"


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


@dataclass(frozen=True, slots=True)
class Band:
    """Means of |⟨Im ψ⟩| over sweeps, (temperatures,), and the half width of their 95 % interval (Student)."""

    mean: np.ndarray
    half_width: np.ndarray

    @classmethod
    def of(cls, order: np.ndarray) -> Band:
        """Of (sweeps, temperatures); nan where a sweep has no order. One sweep has no width."""
        known = np.isfinite(order)
        n = known.sum(axis=0)
        count = np.maximum(n, 1)
        mean = np.where(n > 0, np.where(known, order, 0.0).sum(axis=0) / count, np.nan)
        squares = (np.where(known, order - mean, 0.0) ** 2).sum(axis=0)
        freedom = np.maximum(n - 1, 1)
        return cls(mean, stats.t.ppf(0.975, freedom) * np.sqrt(squares / freedom / count))

    @property
    def kind(self) -> IntervalKind:
        """Of the interval of the crossing: that of one sweep follows from the distance of the temperatures alone."""
        return "confidence" if np.nansum(self.half_width) > 0 else "numerical"

    def highest(self, other: Band) -> Band:
        """The higher mean at each temperature, with its width."""
        first = ~(self.mean < other.mean)
        return Band(np.where(first, self.mean, other.mean), np.where(first, self.half_width, other.half_width))

    def crossing(self, temperatures: np.ndarray) -> Crossing:
        """Where the order is lost, between where the lower and the upper edge of the band lose it."""
        here = crossing(temperatures, falling(self.mean))
        if not math.isfinite(here.value):
            return Crossing(crossing(temperatures, falling(self.mean - self.half_width)).low, math.nan, math.inf)
        early, late = (crossing(temperatures, falling(self.mean + sign * self.half_width)).value for sign in (-1, 1))
        step = (here.high - here.low) / 2
        low = here.value - math.hypot(here.value - early, step)
        high = here.value + math.hypot(late - here.value, step) if math.isfinite(late) else math.inf
        return Crossing(max(low, 0.0), here.value, high)


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
    up, down = Band.of(order[:, 0]), Band.of(order[:, 1])
    bands = {
        CURIE: (Band.of(np.concatenate([order[:, 0], order[:, 1]])), "mean over sweeps and both ways"),
        CURIE_HEATING: (up, "mean over sweeps, heating"),
        CURIE_COOLING: (down, "mean over sweeps, cooling"),
        CURIE_BOTH_WAYS: (up.highest(down), "the higher of the means on heating and cooling"),
    }
    found: dict[str, Quantity] = {}
    for observable, (band, what) in bands.items():
        here = band.crossing(temperatures)
        method = f"{RULE}, {what}; {SPREAD}"
        found |= observable.of(Quantity(here.value, "K", (here.low, here.high), band.kind, n=len(order), method=method))
    width, interval = _width(up.crossing(temperatures), down.crossing(temperatures))
    method = f"heating less cooling; {SPREAD}"
    return found | HYSTERESIS.of(Quantity(width, "K", interval, up.kind, n=len(order), method=method))


def _width(up: Crossing, down: Crossing) -> tuple[float, tuple[float, float] | None]:
    """Heating less cooling, with the reaches of both in quadrature."""
    width = up.value - down.value
    if not math.isfinite(width):
        return width, None
    low = math.hypot(up.value - up.low, down.high - down.value)
    high = math.hypot(up.high - up.value, down.value - down.low)
    return width, (width - low, width + high)
