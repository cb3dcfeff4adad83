"""The comparison of records: ``python -m harness.report RUNS``."""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from harness.contracts.record import RECORD_FILE, Record
from harness.errors import HarnessError, nearest, unknown_choice
from harness.execution.execute import BAD_INPUT
from harness.records.store import find_records
from harness.records.validity import judged_status, verdicts
from harness.registry import lookup


def _mapping(right: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda items: isinstance(items, dict) and all(map(right, items.values()))


def _words(items: Any) -> bool:
    return isinstance(items, list) and all(isinstance(item, str) for item in items)


_RIGHT: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("config", "provenance", "host"), _mapping(lambda _: True)),
    "seconds": _mapping(lambda clock: isinstance(clock, list) and all(isinstance(s, (int, float)) for s in clock)),
    "counts": _mapping(lambda count: isinstance(count, int)),
    **dict.fromkeys(("notes", "missing", "files"), _words),
    **dict.fromkeys(
        ("identity", "task", "potential", "material", "profile", "error", "stderr", "started", "finished"),
        lambda text: isinstance(text, str),
    ),
}
_PARTS = ("task", "potential", "polarization", "material", "device")

MAKE_SOME = "Make one with `python -m harness task=bend potential=mtp_cd`."


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m harness.report", description="Compare records: Markdown, CSV and one self-contained HTML page."
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUNS", help="folders that hold records, at any depth")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="folder for the report (default: RUNS/report)")
    parser.add_argument(
        "--format",
        default="",
        metavar="NAMES",
        help="formats, separated by commas (default: markdown, csv, html, and those of plugins)",
    )
    options = parser.parse_args(argv)
    try:
        return _report(options.runs, options.out, [name for name in options.format.split(",") if name])
    except HarnessError as error:
        print(f"error: {error}", file=sys.stderr)
        return BAD_INPUT


def _report(runs: Sequence[Path], out: Path | None, formats: Sequence[str]) -> int:
    reports = lookup.reports(None)
    for name in formats:
        if name not in reports:
            raise unknown_choice("report format", name, reports)
    for folder in runs:
        _check_folder(folder)
    records, errors = find_records(runs)
    records, malformed = _well_formed(records)
    errors += malformed
    for error in errors:
        print(f"error: {error}", file=sys.stderr)
    if not records:
        where = ", ".join(str(folder) for folder in runs)
        raise HarnessError(f"no {'readable ' if errors else ''}record in {where}.", MAKE_SOME)
    out = out or default_folder(runs[0])
    for name in formats or sorted(n for n, kind in reports.items() if getattr(kind, "unasked", True)):
        report: Any = reports[name]
        instance = report(errors=errors) if "errors" in inspect.signature(report).parameters else report()
        for path in instance.render(records, out):
            print(path)
    print(_summary(records, errors))
    return 0


def _well_formed(records: Sequence[Record]) -> tuple[list[Record], list[HarnessError]]:
    """Records whose parts are of the right kind, and an error for each of the others."""
    good, errors = [], []
    for record in records:
        wrong = [name for name, right in _RIGHT.items() if not right(getattr(record, name))]
        if "config" not in wrong:
            wrong += [f"config.{name}" for name in _PARTS if not isinstance(record.config.get(name, {}), dict)]
        if wrong:
            errors.append(HarnessError(f"the record in {record.folder} is corrupt: {', '.join(wrong)} is malformed."))
        else:
            good.append(record)
    return good, errors


def default_folder(runs: Path) -> Path:
    """Where a report goes: beside the records, never into one."""
    return (runs.parent if (runs / RECORD_FILE).is_file() else runs) / "report"


def _check_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    if folder.exists():
        raise HarnessError(f"{folder} is not a folder.", "Give the folder that holds the records.")
    beside = [p.name for p in folder.parent.iterdir() if p.is_dir()] if folder.parent.is_dir() else []
    near = nearest(folder.name, beside)
    hint = f" Did you mean '{folder.parent / near}'?" if near else ""
    raise HarnessError(f"there is no folder {folder}.{hint}", MAKE_SOME)


def _summary(records: Sequence[Record], errors: Sequence[HarnessError]) -> str:
    counts: dict[str, int] = {}
    judged = verdicts(records)
    for record in records:
        status = judged_status(record, judged[record.identity])
        counts[status] = counts.get(status, 0) + 1
    if errors:
        counts["corrupt"] = len(errors)
    told = ", ".join(f"{n} {status}" for status, n in sorted(counts.items()))
    return f"{len(records)} record{'s' * (len(records) != 1)}: {told}"


if __name__ == "__main__":
    sys.exit(main())
