"""A report as data: pages, sections and their lines."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness import __version__
from harness.contracts.measurement import Check
from harness.contracts.observable import Observable
from harness.contracts.quantity import KINDS, Quantity
from harness.records.scoring import MISMATCHES, Score
from harness_reports import numbers
from harness_reports.cells import Cell, Column, Row
from harness_reports.chart import Chart
from harness_reports.compare import Comparison, Known, ScoreLine
from harness_reports.grouping import Group
from harness_reports.pictures import Figures
from harness_reports.provenance import Origin
from harness_reports.timing import Speed


@dataclass(slots=True)
class CheckLine:
    """One consistency check across the records of a section."""

    name: str
    reason: str
    results: dict[str, Check]
    """Identity -> the check."""

    @property
    def allowed(self) -> str:
        """The tolerance; a range where records differ in it."""
        limits = sorted({(c.tolerance, c.unit) for c in self.results.values()})
        return " to ".join(f"±{numbers.written(Quantity(tolerance, unit), digits=3)}" for tolerance, unit in limits)

    def value(self, check: Check) -> str:
        """The value of one of the checks."""
        return numbers.written(Quantity(check.value, check.unit), digits=3)


@dataclass(frozen=True, slots=True)
class Note:
    """A source of references, or a way in which references differ."""

    text: str
    url: str = ""


@dataclass(slots=True)
class Section:
    """One question: a task on a material at a profile."""

    group: Group
    question: str
    columns: list[Column]
    rows: list[Row]
    more: list[Column]
    more_cells: dict[str, dict[str, Cell]]
    known: list[Known]
    beside: list[Comparison]
    scores: list[ScoreLine]
    all_scores: list[Score]
    checks: list[CheckLine]
    charts: list[Chart]
    figures: dict[str, Figures]
    anchor: str
    first_of_task: bool = True

    @property
    def explained(self) -> bool:
        """Whether the tall table has room for how the values were obtained."""
        return self.tall and len(self.rows) + len(self.known) <= 3 and any(c.meaning for c in self.columns)

    @property
    def title(self) -> str:
        """Task and material."""
        return f"{self.group.task}, {self.group.material}"

    @property
    def measured(self) -> list[Row]:
        """Rows with observables."""
        return [row for row in self.rows if row.record.observables]

    @property
    def checked(self) -> list[Row]:
        """Rows with checks."""
        return [row for row in self.rows if row.record.checks]

    def main(self, row: Row) -> Cell | None:
        """The first observable of a row, for an overview."""
        if not self.columns or not row.record.observables:
            return None
        return row.cells[self.columns[0].name]

    @property
    def tall(self) -> bool:
        """Whether observables make better rows than columns."""
        return len(self.columns) > 6 and len(self.rows) + len(self.known) <= 6

    @property
    def not_ok(self) -> list[Row]:
        """Rows that are not simply ``ok``."""
        return [row for row in self.rows if row.status != "ok"]

    @property
    def noted(self) -> list[tuple[str, list[str]]]:
        """Remarks of the records, each with the potentials that it belongs to."""
        notes: dict[str, list[str]] = {}
        for row in self.rows:
            for note in row.record.notes:
                names = notes.setdefault(note, [])
                if row.name not in names:
                    names.append(row.name)
        return list(notes.items())

    @property
    def meanings(self) -> list[Column]:
        """Main observables that are defined by the task, or whose making the records describe."""
        return [column for column in self.columns if column.definition or column.meaning]

    @property
    def defined(self) -> list[Observable]:
        """What the task declares of its main observables, once for values that differ by a label."""
        return list(dict.fromkeys(column.general for column in self.columns if column.general))

    @property
    def reference_notes(self) -> list[Note]:
        """Sources of the references, then how they differ from the records."""
        sources: dict[tuple[str, str], dict[str, None]] = {}
        differences: dict[tuple[str, str], None] = {}
        for known in self.known:
            sources.setdefault((known.source, ""), {})
            differences |= dict.fromkeys((what, how) for what, hows in known.mismatches.items() for how in hows)
        for line in (line for block in self.beside for line in block.published):
            reference = line.reference
            places = sources.setdefault((reference.source, reference.url), {})
            places |= dict.fromkeys([reference.where] if reference.where else [])
            for what, hows in line.mismatches.items():
                if what == "material":  # each line names its system
                    hows = [f"the records are of {self.group.material}"]
                differences |= dict.fromkeys((what, how) for how in hows)
        return [
            *(Note(f"{', '.join([source, '; '.join(where)] if where else [source])}.", url)
              for (source, url), where in sources.items()),
            *(Note(f"{what}: {how}.") for what, how in sorted(differences, key=lambda d: MISMATCHES.index(d[0]))),
        ]  # fmt: skip

    @property
    def verdict(self) -> str:
        """How many records answer the question, in one line."""
        counts: dict[str, int] = {}
        for row in self.rows:
            counts[row.status] = counts.get(row.status, 0) + 1
        order = ["ok", "invalid", "unsupported", "failed", "timeout", "interrupted"]
        return ", ".join(f"{counts[status]} {status}" for status in order if status in counts)


@dataclass(slots=True)
class Page:
    """The whole report."""

    sections: list[Section]
    coverage: dict[str, dict[str, list[Row]]]
    """Potential -> section anchor -> its rows there; none where nothing was run."""
    speeds: dict[str, list[Speed]]
    origins: list[Origin]
    errors: list[str]
    anchors: dict[str, str] = field(default_factory=dict)
    """Identity -> anchor of the record."""
    period: str = ""
    version: str = __version__

    @property
    def title(self) -> str:
        """What the report is about."""
        names = sorted({row.name for section in self.sections for row in section.rows})
        tasks = sorted({section.group.task for section in self.sections})
        if len(names) == 1:
            return f"{names[0]}: {', '.join(tasks)}"
        return f"{len(names)} potentials: {', '.join(tasks)}" if names else "No record could be read"

    @property
    def kinds(self) -> dict[str, str]:
        """Kinds of the intervals in the report -> what each says."""
        present = {
            q.kind
            for section in self.sections
            for row in section.rows
            for q in row.record.observables.values()
            if q.interval
        }
        unknown_choice = {"kind not stated": "of an older record or of a reference"} if None in present else {}
        return {kind: meaning for kind, meaning in KINDS.items() if kind in present} | unknown_choice

    @property
    def settings(self) -> dict[str, str]:
        """Identity -> settings by which the record differs from its like."""
        return {row.record.identity: row.settings for section in self.sections for row in section.rows}

    @property
    def questions(self) -> dict[str, str]:
        """Identity -> task, material and profile."""
        return {
            row.record.identity: f"{section.title}, {section.group.profile}"
            for section in self.sections
            for row in section.rows
        }

    @property
    def commands(self) -> list[tuple[str, list[str]]]:
        """Commands, each with the potentials and questions that it makes."""
        found: dict[str, list[str]] = {}
        for origin in self.origins:
            name = f"{origin.record.label}: {self.questions[origin.record.identity]}"
            names = found.setdefault(origin.command, [])
            if name not in names:
                names.append(name)
        return list(found.items())

    @property
    def records(self) -> int:
        """Number of records."""
        return sum(len(section.rows) for section in self.sections)
