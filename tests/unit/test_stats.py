"""Intervals on synthetic draws whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.signal import lfilter

from harness.stats import block_average, effective_samples, fit_line, pooled_error, slope_at_zero


def autoregressive(phi: float, n: int, rng: np.random.Generator) -> np.ndarray:
    """x_t = φ x_{t-1} + noise, whose 2τ is (1 + φ) / (1 − φ)."""
    return lfilter([1.0], [1.0, -phi], rng.normal(size=n))


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9])
def test_effective_samples_of_an_autoregressive_series(phi: float) -> None:
    n = 20_000
    expected = n * (1 - phi) / (1 + phi)
    assert effective_samples(autoregressive(phi, n, np.random.default_rng(1))) == pytest.approx(expected, rel=0.15)


def test_constant_and_short_series_count_in_full() -> None:
    assert effective_samples([2.0] * 10) == 10
    assert block_average([3.0], "eV").interval is None


def test_block_average_covers_the_mean_of_correlated_draws() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(200):
        low, high = block_average(autoregressive(0.8, 500, rng), "eV").interval
        covered += low < 0 < high
    assert 0.88 < covered / 200 < 0.99


def test_naive_error_would_be_too_small() -> None:
    x = autoregressive(0.9, 2000, np.random.default_rng(3))
    low, high = block_average(x, "eV").interval
    assert (high - low) / 2 > 3 * x.std() / np.sqrt(len(x))


@pytest.mark.parametrize("n", [6, 12, 40])
def test_line_interval_covers_the_true_slope(n: int) -> None:
    rng = np.random.default_rng(n)
    x = np.linspace(0, 1, n)
    covered = 0
    for trial in range(100):
        line = fit_line(x, 1 + 2 * x + rng.normal(scale=0.1, size=n), "eV", "eV", seed=trial)
        low, high = line.slope.interval
        covered += low < 2 < high
    assert 0.86 < covered / 100 <= 1.0


def test_exact_line_is_found_with_a_vanishing_interval() -> None:
    x = np.array([1.0, 2.0, 4.0, 7.0])
    line = fit_line(x, 3 * x - 5, "eV", "eV")
    assert line.slope.value == pytest.approx(3)
    assert line.intercept.value == pytest.approx(-5)
    assert line.at(10) == pytest.approx(25)
    assert line.r2 == pytest.approx(1)
    low, high = line.slope.interval
    assert high - low < 1e-9


def test_weights_silence_an_outlier() -> None:
    x = np.arange(6.0)
    y = 2 * x
    y[5] = 100
    weights = np.array([1, 1, 1, 1, 1, 1e-12])
    assert fit_line(x, y, "1", "1", weights=weights).slope.value == pytest.approx(2, abs=1e-6)


def test_blocks_widen_the_interval_of_correlated_points() -> None:
    rng = np.random.default_rng(5)
    blocks = np.repeat(np.arange(8), 25)
    x = rng.normal(size=8)[blocks] + 0.05 * rng.normal(size=200)
    y = x + rng.normal(size=8)[blocks]  # the noise is shared within a block
    wide, narrow = (fit_line(x, y, "1", "1", blocks=b).slope.interval for b in (blocks, None))
    assert wide[1] - wide[0] > 2 * (narrow[1] - narrow[0])


def test_points_without_spread_or_value_have_no_slope() -> None:
    assert np.isnan(fit_line([1.0, 1.0], [0.0, 1.0], "1", "1").slope.value)
    assert fit_line([0.0, 1.0, 2.0, 3.0], [0.0, 1.0, np.nan, 3.0], "1", "1").slope.n == 3


@pytest.mark.parametrize("n", [6, 20])
def test_slope_at_zero_of_a_bent_line_is_covered(n: int) -> None:
    rng = np.random.default_rng(n)
    x = np.linspace(0.1, 1, n)
    covered = 0
    for trial in range(100):
        low, high = slope_at_zero(x, 1 + 2 * x - x**2 + rng.normal(scale=0.01, size=n), "eV", seed=trial).interval
        covered += low < 2 < high
    assert 0.86 < covered / 100 <= 1.0


def test_slope_at_zero_is_exact_on_a_parabola_and_silent_on_two_points() -> None:
    x = np.array([1e-5, 2e-5, 4e-5, 7e-5, 9e-5])
    assert slope_at_zero(x, 3 + 5 * x - 1e4 * x**2, "eV").value == pytest.approx(5, rel=1e-6)
    assert slope_at_zero(x[:3], 5 * x[:3], "eV").interval is None
    assert np.isnan(slope_at_zero(x[:2], x[:2], "eV").value)


def test_same_seed_same_interval() -> None:
    rng = np.random.default_rng(0)
    x = np.arange(8.0)
    y = x + rng.normal(size=8)
    assert fit_line(x, y, "1", "1", seed=4) == fit_line(x, y, "1", "1", seed=4)


def test_pooled_errors_draw_structures_not_values():
    """Values of one structure are equal here, so there are as many independent ones as structures."""
    rng = np.random.default_rng(3)
    covered, truth = 0, math.sqrt(2.0)  # errors per structure: exponential squares of mean 2
    for trial in range(200):
        squares = rng.exponential(2.0, 40)
        found = pooled_error(100 * squares, np.full(40, 100), "eV", root=True, seed=trial)
        assert found.interval is not None and found.n == 4000 and found.n_eff == 40
        covered += found.interval[0] <= truth <= found.interval[1]
    assert 0.85 <= covered / 200 <= 0.99


def test_pooled_errors_weigh_structures_by_their_values():
    found = pooled_error([30.0, 1.0, 0.0], [30, 1, 0], "e", root=False)
    assert (found.value, found.interval, found.n, found.n_eff) == (1.0, None, 31, 2)
    assert pooled_error([1e-6, 1e-6, 1.0], [1, 1, 1], "e", root=True).interval is None  # who can say
    assert pooled_error([0.8, 1.1, 1.0], [1, 1, 1], "e", root=True).interval is not None
    assert math.isnan(pooled_error([], [], "e", root=True).value)
    assert math.isnan(pooled_error([np.nan, 1.0, 1.0, 1.0], [1, 1, 1, 1], "e", root=True).value)
