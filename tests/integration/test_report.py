"""From a run to its report, as a user has it."""

from __future__ import annotations

import csv
import subprocess
from collections.abc import Callable
from pathlib import Path

CommandLine = Callable[..., subprocess.CompletedProcess[str]]


def test_a_report_of_real_runs(harness: CommandLine, tmp_path: Path) -> None:
    for spring in (30, 20):
        run = harness("task=single_point", "potential=plate", f"potential.params.stretch={spring}")
        assert run.returncode == 0, run.stderr
        assert "energy_per_atom" in run.stdout and "record " in run.stdout
    report = harness("runs", module="harness.report")
    assert report.returncode == 0, report.stderr
    assert report.stdout.splitlines()[-1] == "2 records: 2 ok"
    folder = tmp_path / "runs" / "report"
    with (folder / "results.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["settings"] for row in rows} == {"potential.params.stretch=20", "potential.params.stretch=30"}
    assert len({row["value"] for row in rows if row["observable"] == "stress_xx"}) == 2
    page = (folder / "report.html").read_text()
    for spring in (30, 20):
        assert f"potential.params.stretch={spring}</pre>" in page  # the command that makes it again


def test_no_records(harness: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    report = harness("runs", module="harness.report")
    assert report.returncode == 2
    assert report.stderr.splitlines() == [
        "error: no record in runs. Make one with `python -m harness task=bend potential=mtp_cd`."
    ]
