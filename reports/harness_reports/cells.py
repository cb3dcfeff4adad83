"""Columns, rows and cells of the table that answers a task's question."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.contracts.measurement import Check
from harness.contracts.observable import EXTRAPOLATION_GRADE, Observable, find_observable
from harness.contracts.quantity import Quantity
from harness.contracts.record import Record
from harness.records.validity import TASK as CONFORMANCE
from harness.records.validity import Verdict, judged_status
from harness.units import plain_unit
from harness_reports import numbers
from harness_reports.provenance import polarization_of


@dataclass(frozen=True, slots=True)
class Column:
    """One observable."""

    name: str
    unit: str
    meaning: str = ""
    """How values and intervals were obtained, as the records say."""
    clash: tuple[str, ...] = ()
    """The units in use where records disagree about it."""
    declared: Observable | None = None
    """What the task says of it, with labels filled in; None where the task is not known here."""
    general: Observable | None = None
    """The same with the names of the labels: one for all values that differ by them."""

    @property
    def symbol(self) -> str:
        """The observable's symbol without its subscript; its name where nothing declares it."""
        return self.declared.symbol.partition("_")[0] if self.declared else self.name

    @property
    def subscript(self) -> str:
        """The subscript of its symbol; may be empty."""
        return self.declared.symbol.partition("_")[2] if self.declared else ""

    @property
    def code(self) -> str:
        """The observable's name where the symbol does not already say it; else nothing."""
        return self.name if self.declared and self.declared.symbol != self.name else ""

    @property
    def definition(self) -> str:
        """What the number is, in one sentence; may be empty."""
        return self.declared.definition if self.declared else ""


@dataclass(frozen=True, slots=True)
class Cell:
    """One observable of one record or reference, ready to be printed."""

    number: str = ""
    interval: str = ""
    unit: str = ""
    note: str = ""
    quantity: Quantity | None = None

    @property
    def kind(self) -> str:
        """What the interval says, e.g. ``95 % confidence``; empty without one."""
        return self.quantity.interval_kind if self.quantity is not None and self.interval else ""

    @property
    def text(self) -> str:
        """The cell in one line."""
        words = " ".join(part for part in (self.number, self.interval, self.unit) if part)
        remarks = "; ".join(part for part in (self.kind, self.note) if part)
        return f"{words} ({remarks})" if words and remarks else words or remarks


@dataclass(slots=True)
class Row:
    """One record: what came out of it, or why nothing did."""

    record: Record
    settings: str
    cells: dict[str, Cell] = field(default_factory=dict)
    conformance: Verdict = Verdict()

    @property
    def name(self) -> str:
        """The potential."""
        return self.record.label

    @property
    def detail(self) -> str:
        """Polarization model and settings."""
        if self.settings.startswith("polarization="):
            return self.settings
        model = polarization_of(self.record)
        return f"{model}; {self.settings}" if self.settings else model

    @property
    def status(self) -> str:
        """``ok``, ``invalid`` (a check failed, its own or one of conformance), or what the record says."""
        return judged_status(self.record, self.conformance)

    @property
    def reasons(self) -> list[str]:
        """Why the status is not ``ok``, a line each; never empty then."""
        if self.record.status == "ok":
            own = [failure(check) for check in self.record.checks if not check.passed]
            if self.record.task == CONFORMANCE:  # those of its verdict are its own, or of another material
                return own
            return own + few([f"conformance: {failure(check)}" for check in self.conformance.failures])
        reasons = [f"missing: {', '.join(self.record.missing)}"] if self.record.missing else []
        return [*([self.record.error] if self.record.error else []), *reasons] or ["the record gives no reason"]


def few(lines: Sequence[str], most: int = 5) -> list[str]:
    """The first lines, and how many more there are."""
    return [*lines[:most], *([f"and {len(lines) - most} more"] if len(lines) > most else [])]


def failure(check: Check, ascii_only: bool = False) -> str:
    """A failed check in words, with its number."""
    value = numbers.written(Quantity(check.value, check.unit), ascii_only, digits=3)
    limit = numbers.written(Quantity(check.tolerance, check.unit), ascii_only, digits=3)
    return f"{plain(check.name)}: {value}, allowed {'+-' if ascii_only else '±'}{limit}"


def plain(name: str) -> str:
    """A name as words."""
    return name.replace("_", " ")


def cell(quantity: Quantity, clash: bool = False) -> Cell:
    """A quantity as a cell."""
    if isinstance(quantity.value, list):
        return Cell(number=numbers.written(quantity), quantity=quantity)
    number, interval = numbers.compact(quantity.value, quantity.interval)
    unit = "" if number == "no answer" and not interval else numbers.unit(quantity.unit)
    return Cell(number, interval, unit, "unit differs from other records" if clash else "", quantity)


def in_order(observables: Mapping[str, Quantity], declared: Sequence[Observable]) -> list[str]:
    """The keys of scalars in the order of the declarations, and within one as they come; undeclared ones last."""
    places = {observable: place for place, observable in enumerate(declared)}

    def place(key: str) -> int:
        observable = find_observable(declared, key, observables[key])
        return len(places) if observable is None else places[observable]

    return sorted((key for key, quantity in observables.items() if isinstance(quantity.value, float)), key=place)


def columns(records: Sequence[Record], declared: Sequence[Observable] = ()) -> list[Column]:
    """Every scalar of `records` in the order of the declarations, with the units in use."""
    known: dict[str, Quantity] = {}
    for record in records:
        for name, quantity in record.observables.items():
            if name not in known or not known[name].labels:  # records of schema 1 have no labels
                known[name] = quantity
    found = []
    for name in in_order(known, declared):
        quantities = [record.observables[name] for record in records if name in record.observables]
        units = sorted({q.unit for q in quantities})
        clash = tuple(units) if len(units) > 1 and len({plain_unit(u) for u in units}) > 1 else ()
        methods = sorted({q.method for q in quantities if q.method})
        unit = units[0] if not clash else ""
        general = find_observable([*declared, EXTRAPOLATION_GRADE], name, known[name])
        filled = general and general.with_labels(known[name].labels or general.labels_of(name) or {})
        found.append(Column(name, unit, "; ".join(methods), clash, filled, general))
    return found


def headlines(shown: Sequence[Column]) -> list[Column]:
    """The columns that the task wants shown first; all where it wants none, or where none of those was measured."""
    return [column for column in shown if column.declared and column.declared.headline] or list(shown)


def rows(
    records: Sequence[Record],
    settings: Mapping[str, str],
    shown: Sequence[Column],
    verdicts: Mapping[str, Verdict] | None = None,
) -> list[Row]:
    """A row for each record, with a cell for each column: never a gap without a word.

    Parameters
    ----------
    records
        In the order of the rows.
    settings
        By identity: what distinguishes a record.
    shown
        The columns.
    verdicts
        By identity; None: validity is not shown.
    """
    made = []
    for record in records:
        cells = {}
        for column in shown:
            quantity = record.observables.get(column.name)
            if quantity is None:
                cells[column.name] = Cell(note="not measured" if record.status == "ok" else record.status)
            else:
                cells[column.name] = cell(quantity, bool(column.clash))
        verdict = (verdicts or {}).get(record.identity, Verdict())
        made.append(Row(record, settings.get(record.identity, ""), cells, verdict))
    return made


def finite(quantity: Quantity | None) -> bool:
    """Whether it is a number that can be drawn."""
    return quantity is not None and isinstance(quantity.value, float) and math.isfinite(quantity.value)
