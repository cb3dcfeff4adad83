"""Records beside references: differences, ratios, and what does not match. Pure; needs no model.

A reference that differs from a record in material, level of theory, definition or unit is still shown, with a mismatch
flag that says how it differs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from harness.contracts.quantity import KINDS, Quantity
from harness.contracts.record import Record
from harness.records.references import Reference, level_of_theory, task_settings
from harness.units import plain_unit

#: What can differ between a record and a reference.
MISMATCHES = ("material", "level", "definition", "unit")


@dataclass(frozen=True, slots=True)
class Score:
    """A record's observable beside one reference.

    `difference` (record − reference, in the unit of both) and `ratio` are None where units differ or a number is
    missing; `within` says whether the two intervals overlap, of whatever kind they are (`kinds` says which), and is
    None where neither has one. `mismatches` maps what differs to how.
    """

    identity: str
    observable: str
    reference: Reference
    difference: Quantity | None
    ratio: Quantity | None
    within: bool | None
    mismatches: Mapping[str, str]
    kinds: str = ""


def score(records: Sequence[Record], references: Sequence[Reference]) -> list[Score]:
    """Put every observable beside the references of its task; pure, and independent of the order of both.

    A record is not compared with itself, and an analytic answer only with the record that it belongs to.
    """
    scores = []
    for record in sorted(records, key=lambda r: r.identity):
        for reference in sorted(references, key=lambda r: r.sort_key):
            if reference.task != record.task:
                continue
            if reference.identity and (reference.identity == record.identity) != (reference.kind == "analytic"):
                continue
            for name in sorted(record.observables):
                if reference.concerns(name) and isinstance(record.observables[name].value, float):
                    scores.append(_compare(record, name, reference))
    return scores


def _compare(record: Record, name: str, reference: Reference) -> Score:
    ours, theirs = record.observables[name], reference.quantity
    mismatches = _mismatches(record, reference)
    if plain_unit(ours.unit) != plain_unit(theirs.unit):
        mismatches["unit"] = f"{theirs.unit}, not {ours.unit}"
        return Score(record.identity, name, reference, None, None, None, mismatches)
    return Score(
        record.identity,
        name,
        reference,
        _difference(ours, theirs),
        _ratio(ours, theirs),
        _overlap(ours, theirs),
        mismatches,
        _kinds(ours, theirs),
    )


def _mismatches(record: Record, reference: Reference) -> dict[str, str]:
    found: dict[str, str] = {}
    material = record.config.get("material", {})
    wrong = [key for key, value in reference.material.items() if material.get(key) != value]
    if "name" in wrong:
        found["material"] = f"{reference.system or reference.material['name']}, not {record.material}"
    elif wrong:
        found["material"] = ", ".join(f"{k} {reference.material[k]}, not {material.get(k)}" for k in sorted(wrong))
    if reference.kind != "analytic":
        level = level_of_theory(record)
        if not level or _squeezed(level) != _squeezed(reference.level_of_theory):
            found["level"] = f"{reference.level_of_theory or 'none'}, not {level or 'stated by the potential'}"
    if reference.definition:
        found["definition"] = reference.definition
    elif reference.settings:
        ours = task_settings(record)
        keys = sorted(k for k in {*ours, *reference.settings} if ours.get(k) != reference.settings.get(k))
        if keys:
            found["definition"] = "task settings differ: " + ", ".join(keys)
    return found


def _squeezed(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalnum())


def _difference(ours: Quantity, theirs: Quantity) -> Quantity | None:
    a, b = ours.value, theirs.value
    if not (_finite(a) and _finite(b)):
        return None
    interval = None
    if ours.interval or theirs.interval:
        (low, high), (their_low, their_high) = ours.interval or (a, a), theirs.interval or (b, b)
        interval = (a - b - math.hypot(a - low, their_high - b), a - b + math.hypot(high - a, b - their_low))
    return _combined(a - b, ours.unit, interval, ours, theirs)


def _ratio(ours: Quantity, theirs: Quantity) -> Quantity | None:
    a, b = ours.value, theirs.value
    if not (_finite(a) and _finite(b)) or b == 0:
        return None
    interval = None
    if ours.interval or theirs.interval:
        (low, high), (their_low, their_high) = ours.interval or (a, a), theirs.interval or (b, b)
        other = abs(a) * (their_high - their_low) / 2 / b**2
        down, up = sorted((low / b, high / b))
        interval = (a / b - math.hypot(a / b - down, other), a / b + math.hypot(up - a / b, other))
    return _combined(a / b, "1", interval, ours, theirs)


def _combined(
    value: float, unit: str, interval: tuple[float, float] | None, ours: Quantity, theirs: Quantity
) -> Quantity:
    """A number made of two, whose interval says no more than the weaker of theirs does."""
    if interval is None:
        return Quantity(value, unit)
    given = [quantity for quantity in (ours, theirs) if quantity.interval is not None]
    order = list(KINDS)
    weakest = max(given, key=lambda q: len(order) if q.kind is None else order.index(q.kind))
    levels = [q.level for q in given if q.kind == weakest.kind and q.level is not None]
    if len(given) == 1:
        method = f"interval of the {'record' if ours.interval else 'reference'} alone ({weakest.interval_kind})"
    else:
        method = f"half-widths added in quadrature ({_kinds(ours, theirs)})"
        if len({q.interval_kind for q in given}) > 1:
            method += "; called by the weaker"
    return Quantity(value, unit, interval, weakest.kind, level=min(levels, default=None), method=method)


def _kinds(ours: Quantity, theirs: Quantity) -> str:
    """Which kinds of intervals stand beside each other: record, then reference."""
    words = [quantity.interval_kind or "no interval" for quantity in (ours, theirs)]
    return "" if set(words) == {"no interval"} else f"{words[0]} beside {words[1]}"


def _finite(value: Any) -> TypeGuard[float]:
    return isinstance(value, float) and math.isfinite(value)


def _overlap(ours: Quantity, theirs: Quantity) -> bool | None:
    if ours.interval is None and theirs.interval is None and ours.value != theirs.value:
        return None  # without an interval nobody can say
    bounds = [*(ours.interval or (ours.value, ours.value)), *(theirs.interval or (theirs.value, theirs.value))]
    numbers = [float(x) for x in bounds if not isinstance(x, list) and not math.isnan(x)]
    if len(numbers) < 4:
        return None
    low, high, their_low, their_high = numbers
    return low <= their_high and their_low <= high
