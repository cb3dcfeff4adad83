"""Hooks that observe: plugins that no configuration names see every record, and cannot spoil one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

WATCHER = """
import pathlib
from harness import hookimpl
@hookimpl
def harness_run_finished(record):
    with pathlib.Path("seen").open("a") as file:
        file.write(f"{record.task} {record.status} {(pathlib.Path(record.folder) / 'record.json').is_file()}\\n")
"""
FAULTY = """
from harness import hookimpl
@hookimpl
def harness_run_finished():
    raise ValueError("the log book is full")
"""


def test_finished_runs_are_observed(harness: Callable[..., Any], tmp_path: Path) -> None:
    for name, code in (("faulty", FAULTY), ("watcher", WATCHER)):
        (tmp_path / "plugins" / name).mkdir(parents=True)
        (tmp_path / "plugins" / name / f"harness_{name}.py").write_text(code)
        (tmp_path / "plugins" / name / "pyproject.toml").write_text(
            f'[project]\nname = "harness-{name}"\nversion = "0"\n'
            f'[project.entry-points.harness]\n{name} = "harness_{name}"\n'
        )
    variables = {"HARNESS_PLUGIN_PATH": str(tmp_path / "plugins")}
    run = ("task=single_point", "potential=plate")
    process = harness(*run, env=variables)
    assert process.returncode == 0, process.stderr
    assert "faulty: ValueError: the log book is full" in process.stderr
    assert (tmp_path / "seen").read_text() == "single_point ok True\n"
    harness(*run, env=variables)  # reused
    assert harness(*run, "device=cuda", env=variables).returncode == 2  # refused, with a record
    assert (tmp_path / "seen").read_text() == "single_point ok True\nsingle_point failed True\n"
    records = [json.loads(path.read_text()) for path in (tmp_path / "runs").rglob("record.json")]
    assert sorted(record["status"] for record in records) == ["failed", "ok"]
