"""The short table at the end of a run."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence
from pathlib import Path

from harness.contracts.measurement import Check
from harness.contracts.observable import Observable
from harness.contracts.quantity import Quantity
from harness.contracts.record import Record
from harness.records.validity import TASK as CONFORMANCE
from harness.records.validity import Verdict, judged_status, verdict_beside
from harness_reports import numbers
from harness_reports.cells import columns, failure, few, headlines, plain

WIDTH = 100


def terminal_table(record: Record, figures: Sequence[Path] = ()) -> str:
    """What a run found, whether its checks passed, how long it took, and where things lie.

    Plain ASCII where the record's own words are, and at most 100 columns wide.
    """
    potential = record.label + (f" + {record.polarization}" if record.polarization else "")
    stacking = record.config.get("material", {}).get("stacking")
    material = f"{record.material} ({stacking})" if stacking else record.material
    judged = verdict_beside(record)
    status = judged_status(record, judged).replace("invalid", "INVALID")
    lines = _wrap(f"{record.task}  |  {potential}  |  {material}  |  {record.profile}  |  {status}", "")
    width = min(WIDTH, max(map(len, lines)))
    lines.append("-" * width)
    if record.status != "ok":
        lines += _wrap(record.error or "the record gives no reason", "")
        lines += _wrap(f"missing: {', '.join(record.missing)}", "") if record.missing else []
    lines += _observables(record)
    lines += _every_check(record) if record.task == CONFORMANCE else _checks(record.checks)
    lines.append("-" * width)
    if record.task != CONFORMANCE and record.status == "ok":
        lines += _conformance(record, judged)
    lines += _wrap(_time(record), "time     ")
    if record.folder is not None:
        lines += _wrap(_near(record.folder / "record.json"), "record   ")
    lines += _places(figures)
    return "\n".join(line.rstrip() for line in lines)


def _observables(record: Record) -> list[str]:
    shown = headlines(columns([record], _declared(record)))
    if not shown:
        return []
    entries = [(column.name, *_written(record.observables[column.name])) for column in shown]
    widths = [max(len(entry[i]) for entry in entries) for i in range(5)]
    widths[0] = min(widths[0], WIDTH - 2 * 4 - sum(widths[1:]))
    lines = []
    for name, number, interval, unit, kind in entries:
        words = textwrap.wrap(name, max(widths[0], 12)) or [""]
        lines += words[:-1]
        lines.append(
            f"{words[-1]:<{widths[0]}}  {number:>{widths[1]}}  {interval:<{widths[2]}}  {unit:<{widths[3]}}  {kind}"
        )
    rest = len(record.observables) - len(shown)
    return [*lines, f"and {rest} more in the record"] if rest else lines


def _declared(record: Record) -> Sequence[Observable]:
    """What the task declares; nothing where it is not known here."""
    from harness.registry import lookup

    config = record.config.get("task", {})
    task = lookup.tasks(config.get("plugins") or ()).get(config.get("factory") or record.task)
    return task.observables if task is not None else ()


def _written(quantity: Quantity) -> tuple[str, str, str, str]:
    assert isinstance(quantity.value, float)
    number, interval = numbers.compact(quantity.value, quantity.interval, ascii_only=True)
    kind = quantity.interval_kind if interval else ""
    return number, interval, numbers.unit(quantity.unit, ascii_only=True), kind


def _checks(checks: Sequence[Check]) -> list[str]:
    if not checks:
        return []
    failed = [check for check in checks if not check.passed]
    lines = ["", f"checks: {len(checks) - len(failed)} of {len(checks)} passed"]
    for check in failed:
        lines += _wrap(failure(check, ascii_only=True), "FAILED   ")
    return lines


def _every_check(record: Record) -> list[str]:
    """All lines with number and tolerance, for the task whose answer they are; then what was not checked."""
    rows = []
    for check in record.checks:
        value, limit = (numbers.written(Quantity(x, check.unit), True, 3) for x in (check.value, check.tolerance))
        rows.append((plain(check.name), value, f"allowed {limit}", "" if check.passed else "FAILED"))
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(3)]
    lines = ["", *(f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c:<{widths[2]}}  {d}" for a, b, c, d in rows)]
    for check in record.checks:
        if not check.passed:
            lines += _wrap(f"{plain(check.name)}: {check.reason}", "FAILED   ")
    return [*lines, *(line for note in record.notes for line in _wrap(note, ""))]


def _conformance(record: Record, judged: Verdict) -> list[str]:
    words = judged.words
    if judged.failed:
        words = "; ".join(few([failure(check, ascii_only=True) for check in judged.failures], 3))
        return _wrap(f"the potential fails conformance: {words}", "FAILED   ")
    if judged.unchecked:
        words += f" (python -m harness task={CONFORMANCE} potential={record.label})"
    return _wrap(words, "conform  ")


def _time(record: Record) -> str:
    spent = sum(record.seconds.get("task", []))
    words = [numbers.seconds(spent).replace("µ", "u")] if spent else ["not measured"]
    atoms, calls = record.counts.get("atoms"), record.counts.get("force_calls")
    words += [f"{atoms} atoms"] if atoms else []
    words += [f"{calls} force call{'' if calls == 1 else 's'}"] if calls else []
    words += [f"engine {record.engine}"] if record.engine else []
    return ", ".join(words)


def _places(figures: Sequence[Path]) -> list[str]:
    lines: list[str] = []
    for folder in dict.fromkeys(path.parent for path in figures):
        names = [path.name for path in figures if path.parent == folder]
        lines += _wrap(f"{_near(folder)}{os.sep}  {', '.join(names)}", "figures  ")
    return lines


def _near(path: Path) -> str:
    """The path from here, where that is shorter."""
    try:
        return min(os.path.relpath(path), str(path), key=len)
    except ValueError:  # another drive
        return str(path)


def _wrap(text: str, head: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=head, subsequent_indent=" " * len(head)) or [head]
