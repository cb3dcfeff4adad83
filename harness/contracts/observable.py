"""The declaration of a number that a task returns."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from harness.contracts.quantity import KINDS, Quantity
from harness.errors import HarnessError, nearest


@dataclass(frozen=True, slots=True)
class Observable:
    """A number that a task returns, declared before it is measured.

    Parameters
    ----------
    key
        Under which it stands in a record. Where the task returns the same quantity several times, the key names what
        tells the values apart: ``"distance_{stacking}"`` is declared once and returned for each stacking.
    unit
        As in `Quantity`; the task may return no other.
    symbol
        As the field writes it, in plain text with Unicode, e.g. ``"C₁₁"``, ``"μ"``, ``"T_C"``. What follows the first
        underscore is its subscript. May hold the labels in braces: ``"h₀_{stacking}"``.
    definition
        One sentence that says what the number is. May hold the labels in braces.
    headline
        Whether reports show it first.
    """

    key: str
    unit: str
    symbol: str
    definition: str
    headline: bool = False

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of what tells values of this observable apart, e.g. ``("stacking",)``; empty for a single value."""
        return tuple(name for _, name, _, _ in string.Formatter().parse(self.key) if name)

    @property
    def pattern(self) -> str:
        """The key with ``*`` in place of each label, e.g. ``"distance_*"``."""
        return self.key.format(**dict.fromkeys(self.labels, "*"))

    def matches(self, pattern: str) -> bool:
        """Whether `pattern`, a key or a key with ``*`` in it, means a value of this observable."""
        return fnmatchcase(pattern, self.pattern) or fnmatchcase(self.pattern, pattern)

    def labels_of(self, key: str) -> dict[str, str] | None:
        """The labels that a key holds, ``{"stacking": "AB"}`` for ``"distance_AB"``; None for another observable's."""
        parts = string.Formatter().parse(self.key)
        expression = "".join(re.escape(text) + (f"(?P<{name}>.+)" if name else "") for text, name, _, _ in parts)
        found = re.fullmatch(expression, key)
        return None if found is None else found.groupdict()

    def key_of(self, **labels: object) -> str:
        """The key with its labels filled in, under which a value stands in a record.

        Raises
        ------
        ValueError
            When the labels are not those of the declaration.
        """
        if set(labels) != set(self.labels):
            raise ValueError(f"observable '{self.key}' has the labels {list(self.labels)}, not {list(labels)}")
        return self.key.format(**labels)

    def of(self, quantity: Quantity, **labels: object) -> dict[str, Quantity]:
        """One entry for ``Measurement.observables``: the key with its labels filled in, and the labelled quantity.

        Raises
        ------
        ValueError
            When the labels are not those of the declaration.
        """
        key = self.key_of(**labels)
        return {key: replace(quantity, labels={name: str(value) for name, value in labels.items()})}

    def with_labels(self, labels: Mapping[str, str]) -> Observable:
        """The same with the labels filled in everywhere: key, symbol and definition of one value."""
        parts = (text.format(**labels) for text in (self.key, self.symbol, self.definition))
        return Observable(next(parts), self.unit, next(parts), next(parts), self.headline)

    def describes(self, key: str, quantity: Quantity) -> bool:
        """Whether the entry `key` with `quantity` is a value of this observable."""
        return set(quantity.labels) == set(self.labels) and self.key.format(**quantity.labels) == key


#: What the core itself measures in addition to any task, where the calculator offers the property of this name.
EXTRAPOLATION_GRADE = Observable(
    "extrapolation_grade",
    "1",
    "γ",
    "Largest extrapolation grade of the potential over the structures of the record; above 1 it extrapolates.",
)


def find_observable(declared: Iterable[Observable], key: str, quantity: Quantity) -> Observable | None:
    """The declaration of the entry `key` of a record; None where nothing declares it.

    Quantities of records of schema 1 have no labels: there the key alone decides, and the longest declared one wins.
    """
    choices = list(declared)
    for observable in choices:
        if observable.describes(key, quantity):
            return observable
    if quantity.labels:
        return None
    found = [observable for observable in choices if observable.labels_of(key) is not None]
    return max(found, key=lambda observable: len(observable.key), default=None)


def check_observables(task: str, declared: Iterable[Observable], observables: Mapping[str, Quantity]) -> None:
    """Compare what a task returned with what it declared.

    Raises
    ------
    HarnessError
        For the first observable that is not declared, has another unit, or has an interval without a kind.
    """
    choices = tuple(declared)
    for key, quantity in observables.items():
        observable = next((choice for choice in choices if choice.describes(key, quantity)), None)
        if observable is None:
            labels = ", ".join(f"{name}={value}" for name, value in quantity.labels.items())
            near = nearest(key, (choice.key for choice in choices))
            raise HarnessError(
                f"task '{task}' returned the observable '{key}' in {quantity.unit}"
                f"{f' with the labels {labels}' if labels else ''}, which it does not declare."
                + (f" Nearest declared key: '{near}'." if near else ""),
                f"Add Observable(key='{key}', unit='{quantity.unit}', symbol=..., definition=...) to its `observables`,"
                " or return the value of a declared one by Observable.of.",
            )
        if observable.unit != quantity.unit:
            raise HarnessError(
                f"task '{task}' returned the observable '{key}' in {quantity.unit}, declared in {observable.unit}.",
                "Convert the value, or change the unit of the declaration.",
            )
        if quantity.interval is not None and quantity.kind is None:
            raise HarnessError(
                f"task '{task}' returned the observable '{key}' ({quantity.unit}) with an interval that has no kind.",
                f"Give Quantity(kind=...): {', '.join(KINDS)}.",
            )
