"""How a report is computed from records: once for all formats, and independent of the order of the records."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

from harness.contracts.record import Record
from harness.contracts.task import Task
from harness.errors import HarnessError
from harness.execution.progress import TqdmProgress
from harness.records.references import Reference, published_references, references_from_records, shipped_records
from harness.records.scoring import Score, score
from harness.records.validity import Verdict, verdicts
from harness_reports.cells import Row, columns, headlines, rows
from harness_reports.chart import chart
from harness_reports.compare import known_references, published_beside, score_lines
from harness_reports.grouping import Group, group, slug
from harness_reports.page import CheckLine, Page, Section
from harness_reports.pictures import Figures, draw
from harness_reports.provenance import origin
from harness_reports.timing import speeds


def build(
    records: Sequence[Record],
    folder: Path | None,
    errors: Sequence[HarnessError] = (),
    tasks: Mapping[str, type[Task]] | None = None,
    references: Sequence[Reference] | None = None,
) -> Page:
    """Compute a report.

    Parameters
    ----------
    folder
        Takes the figures; None draws none.
    errors
        Records that could not be read.
    tasks
        Task classes by name, for figures, declared observables and published values; None for all that are installed.
    references
        None for the published values of the tasks and whatever the records know.
    """
    if tasks is None:
        from harness.registry import lookup

        tasks = lookup.tasks(None)
    groups = group(records)
    kept = [record for g in groups for record in g.records]
    judged = verdicts(kept)
    if references is None:
        trusted = [record for record in kept if not judged[record.identity].failed]
        here = {record.identity for record in kept}
        shipped = [record for record in shipped_records(tasks) if record.identity not in here]
        references = [*published_references(tasks), *references_from_records([*trusted, *shipped])]
    figures = _figures(kept, folder, tasks)
    sections = [_section(g, figures, tasks, references, judged) for g in groups]
    for before, after in zip(sections, sections[1:], strict=False):  # sorted by task
        after.first_of_task = before.group.task != after.group.task
    starts = sorted(record.started[:10] for record in kept if record.started)
    return Page(
        sections=sections,
        coverage=_coverage(sections),
        speeds=speeds([g.records for g in groups]),
        origins=[origin(record) for record in kept],
        errors=sorted(str(error) for error in errors),
        anchors={record.identity: slug("record", record.label, record.identity[:16]) for record in kept},
        period=" to ".join(sorted({starts[0], starts[-1]})) if starts else "",
    )


def _figures(records: Sequence[Record], folder: Path | None, tasks: Mapping[str, type[Task]]) -> dict[str, Figures]:
    """Identity -> pictures; with a progress bar where somebody watches."""
    if folder is None:
        return {}
    drawn = {}
    with TqdmProgress("figures", len(records)) if sys.stderr.isatty() else nullcontext() as bar:
        for record in records:
            drawn[record.identity] = draw(record, folder / "figures", tasks)
            if bar is not None:
                bar.update(1, record.label)
    return drawn


def _section(
    g: Group,
    figures: Mapping[str, Figures],
    tasks: Mapping[str, type[Task]],
    references: Sequence[Reference],
    judged: Mapping[str, Verdict],
) -> Section:
    factories = [str(r.config.get("task", {}).get("factory") or g.task) for r in g.records]
    task = tasks.get(factories[0])
    mine = [r for r in references if r.task == g.task]
    scores: list[Score] = score(g.records, mine)
    answered = [record for record in g.records if record.observables]
    every = columns(answered, task.observables if task is not None else ())
    shown = headlines(every)
    more = [column for column in every if column not in shown]
    table = rows(g.records, g.settings, shown, judged)
    charts = [c for c in (chart(column, table) for column in shown) if c is not None]
    return Section(
        group=g,
        question=_question(task),
        columns=shown,
        rows=table,
        more=more,
        more_cells={row.record.identity: row.cells for row in rows(answered, g.settings, more)},
        known=known_references(mine, scores, shown, [record.identity for record in g.records]),
        beside=published_beside(mine, scores, [row for row in table if row.record.observables], shown),
        scores=score_lines(g.records, g.settings, scores, shown),
        all_scores=scores,
        checks=_checks(g.records),
        charts=charts,
        figures={record.identity: figures.get(record.identity, Figures()) for record in g.records},
        anchor=g.anchor,
    )


def _question(task: type[Task] | None) -> str:
    text = inspect.getdoc(task) if task is not None else None
    return " ".join(text.partition("\n\n")[0].split()) if text else ""


def _checks(records: Sequence[Record]) -> list[CheckLine]:
    lines: dict[str, CheckLine] = {}
    for record in records:
        for check in record.checks:
            line = lines.setdefault(check.name, CheckLine(check.name, check.reason, {}))
            line.results[record.identity] = check
    return list(lines.values())


def _coverage(sections: Sequence[Section]) -> dict[str, dict[str, list[Row]]]:
    names = sorted({row.name for section in sections for row in section.rows})
    return {name: {s.anchor: [row for row in s.rows if row.name == name] for s in sections} for name in names}
