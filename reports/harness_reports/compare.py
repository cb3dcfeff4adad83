"""References beside records, as rows of the same table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.record import Record
from harness.references import KINDS, Reference
from harness.scoring import MISMATCHES, Score
from harness_reports import numbers
from harness_reports.cells import Cell, Column, cell, finite

EMPTY = Cell(note="–")


@dataclass(slots=True)
class ReferenceRow:
    """Values of one source for one system, under the observables that they belong to."""

    kind: str
    system: str
    level: str
    source: str
    url: str
    identity: str
    where: dict[str, None] = field(default_factory=dict)
    """Places in the source, as an ordered set."""
    cells: dict[str, Cell] = field(default_factory=dict)
    mismatches: dict[str, list[str]] = field(default_factory=dict)
    """What differs from the records beside it -> how, each in words."""

    def spans(self, shown: Sequence[Column]) -> list[tuple[Cell, int]]:
        """Cells along the columns, one value that stands for several neighbours as one wide cell."""
        spans: list[tuple[Cell, int]] = []
        for column in shown:
            here = self.cells.get(column.name, EMPTY)
            if spans and spans[-1][0] is here and here is not EMPTY:
                spans[-1] = (here, spans[-1][1] + 1)
            else:
                spans.append((here, 1))
        return spans


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
        """Whether the intervals overlap."""
        return {True: "yes", False: "no", None: "no interval"}[self.score.within]

    @property
    def ratio(self) -> str:
        """Record over reference."""
        return numbers.written(self.score.ratio) if self.score.ratio else ""


def reference_rows(
    references: Sequence[Reference], scores: Sequence[Score], shown: Sequence[Column]
) -> list[ReferenceRow]:
    """The references of one task as rows; those that belong to no shown observable are left out."""
    table: dict[tuple[str, ...], ReferenceRow] = {}
    for reference in sorted(references, key=lambda r: r.sort_key):
        matching = [column.name for column in shown if reference.concerns(column.name)]
        if not matching:
            continue
        key = (reference.kind, reference.system, reference.level_of_theory, reference.source, reference.identity)
        row = table.setdefault(
            key,
            ReferenceRow(
                reference.kind,
                reference.system,
                reference.level_of_theory,
                reference.source,
                reference.url,
                reference.identity,
            ),
        )
        row.where |= dict.fromkeys([reference.where] if reference.where else [])
        row.cells |= dict.fromkeys(matching, _cell(reference))
        for score in scores:
            if score.reference == reference:
                for what, how in score.mismatches.items():
                    words = row.mismatches.setdefault(what, [])
                    if how not in words:
                        words.append(how)
    for row in table.values():
        row.mismatches = {what: row.mismatches[what] for what in MISMATCHES if what in row.mismatches}
    ordered = sorted(
        table.items(),
        key=lambda item: (KINDS.index(item[0][0]), len(item[1].mismatches), -len(item[1].cells), item[0]),
    )
    return [row for _, row in ordered]


def _cell(reference: Reference) -> Cell:
    """A published number keeps the digits that it was published with."""
    quantity = reference.quantity
    if reference.kind != "published" or quantity.interval or not finite(quantity):
        return cell(quantity)
    return Cell(f"{quantity.value:.10g}".replace("-", "−"), "", numbers.unit(quantity.unit), quantity=quantity)


def score_lines(
    records: Sequence[Record], settings: Mapping[str, str], scores: Sequence[Score], shown: Sequence[Column]
) -> list[ScoreLine]:
    """Differences from the references that answer for the same thing: analytic, or the same level of theory."""
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
