"""References beside records: those that lie in records, published ones, and the scores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.contracts.record import Record
from harness.records.references import KINDS, Reference
from harness.records.scoring import MISMATCHES, Score
from harness_reports import numbers
from harness_reports.cells import Cell, Column, Row, cell, finite

EMPTY = Cell(note="–")


@dataclass(slots=True)
class Known:
    """A reference that lies in a record, for all observables at once."""

    kind: str
    system: str
    level: str
    source: str
    identity: str
    cells: dict[str, Cell] = field(default_factory=dict)
    mismatches: dict[str, list[str]] = field(default_factory=dict)
    """What differs from the records beside it -> how, each in words."""

    @property
    def name(self) -> str:
        """What it is."""
        return {"dft": "DFT", "analytic": "exact"}[self.kind]

    def cell(self, column: Column) -> Cell:
        """Its value of one observable."""
        return self.cells.get(column.name, EMPTY)


@dataclass(frozen=True, slots=True)
class Published:
    """One published value."""

    reference: Reference
    text: str
    mismatches: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Published values of one observable (or of its several definitions), and ours."""

    columns: tuple[Column, ...]
    ours: tuple[tuple[Row, tuple[tuple[Column, Cell], ...]], ...]
    published: tuple[Published, ...]


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """A record's difference from a reference that it can be scored against."""

    name: str
    settings: str
    column: Column
    score: Score

    @property
    def reference(self) -> str:
        """The reference value."""
        return numbers.written(self.score.reference.quantity)

    @property
    def difference(self) -> str:
        """Record minus reference."""
        return numbers.written(self.score.difference) if self.score.difference else ""

    @property
    def agrees(self) -> str:
        """Whether the intervals overlap, and of which kinds they are."""
        word = {True: "yes", False: "no", None: "no interval"}[self.score.within]
        return f"{word} ({self.score.kinds})" if self.score.within is not None and self.score.kinds else word

    @property
    def ratio(self) -> str:
        """Record over reference."""
        return numbers.written(self.score.ratio) if self.score.ratio else ""


def known_references(
    references: Sequence[Reference], scores: Sequence[Score], shown: Sequence[Column], here: Iterable[str]
) -> list[Known]:
    """The references that lie in records; those by DFT only when their record is not `here` anyway.

    Parameters
    ----------
    references
        Of all kinds.
    scores
        Comparisons with them.
    shown
        The columns.
    here
        Identities of the records that have a row.
    """
    rows_here = set(here)
    table: dict[tuple[str, str], Known] = {}
    for reference in sorted(references, key=lambda r: r.sort_key):
        names = [column.name for column in shown if reference.concerns(column.name)]
        if not names or reference.kind == "published" or (reference.kind == "dft" and reference.identity in rows_here):
            continue
        row = table.setdefault(
            (reference.kind, reference.identity),
            Known(reference.kind, reference.system, reference.level_of_theory, reference.source, reference.identity),
        )
        row.cells |= dict.fromkeys(names, cell(reference.quantity))
        for what, hows in mismatches(reference, scores).items():
            row.mismatches.setdefault(what, []).extend(how for how in hows if how not in row.mismatches.get(what, []))
    return sorted(table.values(), key=lambda k: (KINDS.index(k.kind), len(k.mismatches), k.system, k.identity))


def published_beside(
    references: Sequence[Reference], scores: Sequence[Score], rows: Sequence[Row], shown: Sequence[Column]
) -> list[Comparison]:
    """The published values of each observable that is shown, those with the fewest mismatches first.

    Parameters
    ----------
    references
        Of all kinds.
    scores
        Comparisons with them.
    rows
        The records.
    shown
        The columns.
    """
    blocks: dict[tuple[str, ...], list[Published]] = {}
    for reference in sorted(references, key=lambda r: r.sort_key):
        names = tuple(column.name for column in shown if reference.concerns(column.name))
        if names and reference.kind == "published":
            line = Published(reference, _digits(reference), mismatches(reference, scores))
            blocks.setdefault(names, []).append(line)
    by_name = {column.name: column for column in shown}
    order = list(by_name)
    made = []
    for names, lines in sorted(blocks.items(), key=lambda item: order.index(item[0][0])):
        columns = tuple(by_name[name] for name in names)
        ours = tuple((row, tuple((column, row.cells[column.name]) for column in columns)) for row in rows)
        lines.sort(key=lambda line: (len(line.mismatches), line.reference.system, line.reference.sort_key))
        made.append(Comparison(columns, ours, tuple(lines)))
    return made


def mismatches(reference: Reference, scores: Sequence[Score]) -> dict[str, list[str]]:
    """How the records that were compared with `reference` differ from it."""
    found: dict[str, list[str]] = {}
    for score in scores:
        if score.reference == reference:
            for what, how in score.mismatches.items():
                words = found.setdefault(what, [])
                if how not in words:
                    words.append(how)
    return {what: found[what] for what in MISMATCHES if what in found}


def _digits(reference: Reference) -> str:
    """A published number keeps the digits that it was published with."""
    quantity = reference.quantity
    if quantity.interval or not finite(quantity):
        return numbers.written(quantity)
    return f"{quantity.value:.10g} {numbers.unit(quantity.unit)}".replace("-", "−").strip()


def score_lines(
    records: Sequence[Record], settings: Mapping[str, str], scores: Sequence[Score], shown: Sequence[Column]
) -> list[ScoreLine]:
    """Differences from the references that answer for the same thing: analytic, or the same level of theory.

    Parameters
    ----------
    records
        That are compared.
    settings
        By identity: what distinguishes a record.
    scores
        Comparisons with references.
    shown
        The columns.
    """
    by_identity = {record.identity: record for record in records}
    by_name = {column.name: column for column in shown}
    lines = []
    for score in scores:
        same = score.reference.kind == "analytic" or not ({"material", "level", "unit"} & set(score.mismatches))
        if same and score.difference is not None and score.observable in by_name:
            record = by_identity[score.identity]
            lines.append(ScoreLine(record.label, settings.get(record.identity, ""), by_name[score.observable], score))
    order = list(by_name)
    return sorted(
        lines, key=lambda s: (order.index(s.score.observable), s.name, s.score.identity, s.score.reference.sort_key)
    )
