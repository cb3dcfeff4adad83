"""Keys and JSON types of ``record.json``; records of every schema that there was stay readable."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from .console import REPOSITORY, Console
from .expectations import load, schema, schema_differences, store
from .test_commands import prepare

OLD = Path(__file__).parent / "old_records"
SHIPPED = sorted(REPOSITORY.glob("tasks/**/reference/**/dft/*.json"))

#: Runs that together have every kind of entry: all five statuses, samples, intervals, checks, notes, arrays, files.
RUNS = (
    "task=sliding potential=cosine polarization=cosine",
    "task=tc_sweep potential=mtp_cd task.params.time=0.1 task.params.points=2 task.params.repeats=2 timeout=100",
    "task=accuracy potential=plate",
    "task=piezo potential=plate",
    "task=single_point potential=ase potential.params.calculator=calculators:Broken",
    "task=single_point potential=ase potential.params.calculator=calculators:Slow timeout=0.2",
    "task=single_point potential=ase potential.params.calculator=calculators:Stopped",
    "task=single_point potential=mtp material.symbols=[Mo,S]",
)


def records(folder: Path) -> list[Any]:
    """The records below a folder, as JSON."""
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*/[!.]*/record.json"))]


def test_the_schema_of_records(console: Console, update: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    prepare(Path.cwd())
    for line in RUNS:
        console(*line.split())
    found = records(Path("runs"))
    assert len(found) == len(RUNS)
    if update:
        store("schema", schema(found))
        return
    stored = load("schema")
    missing = set(stored) - set(schema(found))
    assert not missing, f"no record has {sorted(missing)} any more"
    for record in found:
        problems = schema_differences(record, stored)
        assert not problems, "\n".join([f"{record['task']} {record['status']}", *problems])


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_old_records_are_read_and_compared(console: Console, update: bool) -> None:
    shutil.copytree(OLD, "runs")
    result = console("runs", "--out", "report", module="harness.report")
    assert result.code == 0, result.stderr
    assert not result.stderr
    tables = {name: rows(Path("report"), name) for name in ("results.csv", "references.csv")}
    if update:
        store("report", {"printed": console.normalised(result.stdout), **tables})
        return
    stored = load("report")
    assert set(stored["printed"]) <= set(console.normalised(result.stdout))
    for name, table in tables.items():
        assert len(table) >= len(stored[name]), name
        kept = [{key: row[key] for key in stored[name][0]} for row in table]  # further columns may have come
        for row in stored[name]:
            assert row in kept, f"{name}: no row {row}"


def test_old_records_say_their_schema_and_every_status() -> None:
    found = records(OLD)
    assert {record["status"] for record in found} == {"ok", "unsupported", "failed", "timeout", "interrupted"}
    for record in found:
        assert record["schema"] == 1


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_records_of_dft_are_read(path: Path, console: Console) -> None:
    folder = Path("runs") / "one" / path.stem
    folder.mkdir(parents=True)
    record = json.loads(path.read_text())
    (folder / "record.json").write_text(json.dumps(record | {"files": []}))
    result = console("runs", "--format", "csv", module="harness.report")
    assert result.code == 0, result.stderr
    table = rows(Path("runs") / "report", "results.csv")
    assert {row["observable"] for row in table} >= set(record["observables"])


def test_records_of_dft_are_shipped() -> None:
    assert {path.stem for path in SHIPPED} >= {
        "elastic-bn_bilayer-AB-quick",
        "interlayer-bn_bilayer-AB-quick",
        "piezo-bn_bilayer-AB-quick",
        "sliding-bn_bilayer-AB-quick",
    }
