"""Values and intervals of all records on one axis, as SVG that a page can hold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness_reports import numbers
from harness_reports.cells import Column, Row, finite

WIDTH, LEFT, RIGHT, LINE, TOP = 640, 225, 40, 26, 8


@dataclass(frozen=True, slots=True)
class Mark:
    """One record on the axis, in pixels."""

    name: str
    text: str
    y: float
    x: float
    low: float | None
    high: float | None
    valid: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """Positions of everything that the template draws."""

    column: Column
    marks: tuple[Mark, ...]
    ticks: tuple[tuple[float, str], ...]
    width: int
    height: int
    left: int
    right: int
    axis_y: float

    @property
    def doubtful(self) -> bool:
        """Whether a record in it fails a check."""
        return not all(mark.valid for mark in self.marks)


def chart(column: Column, rows: Sequence[Row]) -> Chart | None:
    """A chart of one observable; None when fewer than two records have a number, or their units differ."""
    drawn = [row for row in rows if finite(row.cells[column.name].quantity)]
    if len(drawn) < 2 or column.clash:
        return None
    spans = []
    for row in drawn:
        quantity = row.cells[column.name].quantity
        assert quantity is not None and isinstance(quantity.value, float)
        spans.append([x for x in (quantity.value, *(quantity.interval or ())) if math.isfinite(x)])
    low, high = min(min(span) for span in spans), max(max(span) for span in spans)
    if 0 < low < 0.6 * high or 0 > high > 0.6 * low:
        low, high = min(low, 0.0), max(high, 0.0)
    step = tick_step(high - low or 0.2 * abs(high) or 1.0)
    low, high = math.floor(low / step) * step, math.ceil(high / step) * step
    if low == high:
        low, high = low - step, high + step

    def position(value: float) -> float:
        inside = min(max(value, low), high)
        return float(round(LEFT + (WIDTH - LEFT - RIGHT) * (inside - low) / (high - low), 1))

    marks = []
    for index, row in enumerate(drawn):
        cell = row.cells[column.name]
        quantity = cell.quantity
        assert quantity is not None and isinstance(quantity.value, float)
        bounds = quantity.interval
        marks.append(
            Mark(
                _label(row, len({other.name for other in drawn}) == 1),
                cell.text,
                TOP + LINE * (index + 0.5),
                position(quantity.value),
                position(bounds[0]) if bounds else None,
                position(bounds[1]) if bounds else None,
                row.status == "ok",
            )
        )
    count = round((high - low) / step)
    ticks = tuple((position(low + i * step), _tick(low + i * step, step)) for i in range(count + 1))
    axis = TOP + LINE * len(drawn)
    return Chart(column, tuple(marks), ticks, WIDTH, axis + 30, LEFT, RIGHT, axis)


def _label(row: Row, one_potential: bool) -> str:
    """The potential, and in short what tells the row apart."""
    parts = [part.partition("=") for part in row.settings.split(", ")]
    settings = ", ".join(f"{key.rpartition('.')[2]}{equals}{value}" for key, equals, value in parts)
    if one_potential and settings:
        return settings
    return f"{row.name} ({settings})" if settings else row.name


def tick_step(span: float) -> float:
    """A step of 1, 2 or 5 times a power of ten that divides `span` into two to five."""
    raw = span / 5
    power = 10.0 ** math.floor(math.log10(raw))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= raw * 0.999)


def _tick(value: float, step: float) -> str:
    """A multiple of `step`, with the digits that tell it from its neighbours."""
    rounded = float(f"{round(value / step) * step:.12g}")
    digits = math.floor(math.log10(abs(rounded) / step) + 1e-9) + 2 if rounded else 1
    return numbers.compact(rounded, digits=max(digits, 1))[0]
