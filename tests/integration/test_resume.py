"""A killed or interrupted sweep goes on with the same command and repeats nothing that was finished."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SWEEP = [
    "-m", "task=bend", "potential=plate", "polarization=plate", "material.stacking=AA,AB,BA",
]  # fmt: skip


def start(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "harness", *SWEEP], cwd=folder, env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=hear_interrupts,
    )  # fmt: skip


def hear_interrupts() -> None:
    """A shell's background job ignores SIGINT, and so would all that it starts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def statuses(folder: Path) -> dict[Path, str]:
    found = {}
    for path in (folder / "runs").glob("bend/[!.]*/record.json"):
        try:
            found[path] = json.loads(path.read_text())["status"]
        except FileNotFoundError:  # being replaced
            continue
    return found


def wait_for(folder: Path, *wanted: str) -> None:
    """Until there are records of all these statuses."""
    deadline = time.monotonic() + 120
    while not set(wanted) <= set(statuses(folder).values()):
        assert time.monotonic() < deadline, "the sweep never got there"
        time.sleep(0.01)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_the_same_command_finishes_without_redoing(tmp_path: Path, how: signal.Signals) -> None:
    process = start(tmp_path)
    wait_for(tmp_path, "ok", "interrupted")  # which a record says until its run has ended: inside the second one
    process.send_signal(how)
    _, stderr = process.communicate(timeout=60)
    assert b"Traceback" not in stderr
    if how == signal.SIGINT:
        assert process.returncode == 130 and b"interrupted" in stderr
    finished = {path: path.stat().st_mtime_ns for path, status in statuses(tmp_path).items() if status == "ok"}
    assert finished
    again = start(tmp_path)
    stdout, stderr = again.communicate(timeout=300)
    assert again.returncode == 0, stderr
    assert list(statuses(tmp_path).values()) == ["ok"] * 3
    assert all("went on from a checkpoint" not in path.read_text() for path in finished)
    assert stdout.count(b"reused the finished record") == len(finished)
    for path, changed in finished.items():
        assert path.stat().st_mtime_ns == changed
    assert not (tmp_path / "runs" / ".work").exists() or not list((tmp_path / "runs" / ".work").iterdir())
