"""How numbers are written in reports."""

from __future__ import annotations

import math
import re

import pytest
from harness_reports.chart import _tick, tick_step
from harness_reports.numbers import compact, decimals, seconds, unit, written
from hypothesis import given
from hypothesis import strategies as st

from harness.contracts.quantity import Quantity

SIZES = st.floats(-1e12, 1e12).filter(lambda x: x == 0 or abs(x) > 1e-12)


@pytest.mark.parametrize(
    ("quantity", "text"),
    [
        (Quantity(4.873, "eV", (4.6, 5.2), "confidence"), "4.9 [4.6, 5.2] eV (95 % confidence)"),
        (Quantity(4.873, "eV", (4.86, 4.88), "model", level=0.9), "4.873 [4.860, 4.880] eV (90 % model)"),
        (Quantity(-0.5, "e", (-0.7, -0.3), "numerical"), "−0.50 [−0.70, −0.30] e (numerical)"),
        (Quantity(0.00014, "e/A", (0.0001, 0.0002), "range"), "1.4×10⁻⁴ [1.0, 2.0]×10⁻⁴ e/Å (range)"),
        (Quantity(33.12, "eV"), "33.12 eV"),
        (Quantity(0.0, "eV/A^2"), "0 eV/Å²"),
        (Quantity(1234567.0, "1"), "1.23457×10⁶"),
        (Quantity(math.nan, "eV"), "no answer eV"),
        (Quantity(math.nan, "eV", (14.0, 55.0)), "[14, 55] eV (kind not stated)"),
        (Quantity(3.0, "eV", (2.0, math.inf), level=0.95), "3 [2, ∞] eV (kind not stated)"),
        (Quantity([1.0, 2.0], "eV"), "2 values in eV"),
    ],
)
def test_examples(quantity: Quantity, text: str) -> None:
    assert written(quantity) == text


@given(SIZES, st.floats(0, 1e12), st.floats(0, 1e12))
def test_numbers_read_back_to_the_digits_that_the_interval_supports(value: float, down: float, up: float) -> None:
    low, high = value - down, value + up
    number, between = compact(value, (low, high), ascii_only=True)
    read = [float(number), *(float(bound) for bound in between.strip("[]").split(","))]
    half = (high - low) / 2
    if half <= 1.01e-12 * abs(value):  # rounding: no interval
        half = 2e-3 * max(abs(value), abs(high))
    for original, printed in zip((value, low, high), read, strict=True):
        assert abs(original - printed) <= 0.171 * half + 5.1e-9 * abs(value) + 1e-15  # nine digits at most


@given(SIZES)
def test_a_number_alone_keeps_six_digits(value: float) -> None:
    number, between = compact(value, ascii_only=True)
    assert between == ""
    assert float(number) == pytest.approx(value, rel=5.1e-6)


@given(SIZES, st.floats(0, 10))
def test_ascii_is_ascii(value: float, width: float) -> None:
    assert written(Quantity(value, "eV/Å²", (value - width, value + width)), ascii_only=True).isascii()


def test_two_energies_a_mev_apart_are_told_apart() -> None:
    assert written(Quantity(-271.3121, "eV")) != written(Quantity(-271.3131, "eV"))


def test_decimals_follow_the_half_width() -> None:
    assert decimals(5.0, 4.7, 5.3) == 1
    assert decimals(5.0, 4.9, 5.1) == 2  # 0.10: one digit would be a third off
    assert decimals(5000.0, 4700.0, 5300.0) == -2
    assert decimals(225.235, 225.235 - 1e-13, 225.235 + 1e-13) == 3  # an interval of rounding alone
    assert decimals(225.235, 225.235 - 1e-9, 225.235 + 1e-9) == 6  # nine digits at most


def test_units_are_printed_as_physicists_write_them() -> None:
    assert unit("eV/A^2") == "eV/Å²"
    assert unit("nC m^-1") == "nC m⁻¹"
    assert unit("1") == ""
    assert unit("e*A") == "e Å"
    assert unit("eV/Å²", ascii_only=True) == "eV/A^2"
    assert unit("Angular") == "Angular"


@given(st.floats(1e-9, 1e6))
def test_durations_keep_two_digits(duration: float) -> None:
    scales = {"µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}
    text = seconds(duration)
    total = sum(float(n) * scales[name] for n, name in re.findall(r"([\d.e+-]+) (µs|ms|s|min|h)", text))
    assert total == pytest.approx(duration, rel=0.01)


@given(st.floats(-1e4, 1e4), st.floats(1e-6, 1e3))
def test_ticks_are_round_and_told_apart(start: float, span: float) -> None:
    step = tick_step(span)
    first = math.floor(start / step)
    labels = [_tick((first + i) * step, step) for i in range(5)]
    assert len(set(labels)) == 5
    assert 2 <= span / step <= 5 / 0.999
