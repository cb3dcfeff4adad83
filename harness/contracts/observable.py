"""The declaration of a number that a task returns."""

from __future__ import annotations

import string
from collections.abc import Iterable
from dataclasses import dataclass, replace

from harness.contracts.quantity import Quantity


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
        As the field writes it, in plain text with Unicode, e.g. ``"C₁₁"``, ``"μ"``, ``"T_C"``.
    definition
        One sentence that says what the number is.
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

    def describes(self, key: str, quantity: Quantity) -> bool:
        """Whether the entry `key` with `quantity` is a value of this observable."""
        return set(quantity.labels) == set(self.labels) and self.key.format(**quantity.labels) == key


def find_observable(declared: Iterable[Observable], key: str, quantity: Quantity) -> Observable | None:
    """The declaration of the entry `key` of a record; None where nothing declares it."""
    return next((observable for observable in declared if observable.describes(key, quantity)), None)
