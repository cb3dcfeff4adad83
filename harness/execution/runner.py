"""One run: reuse its record, or make it here or in the environment of its plugins."""

from __future__ import annotations

import collections
import io
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.contracts.record import FINISHED, RECORD_FILE, Record, Status
from harness.errors import HarnessError
from harness.execution.context import FileCheckpoint
from harness.execution.environments import ensure, environment_for
from harness.execution.execute import EXIT, execute, new_record, out_of_time
from harness.execution.figures import draw, existing
from harness.execution.job import Job, make_job
from harness.records.store import cannot_write, read_finished, read_record, write_record
from harness.registry import lookup
from harness.registry.catalogue import find_plugin

#: Seconds that a worker may take beyond its time-out, to start and to write its record, before it is killed.
GRACE = 30.0


@dataclass(slots=True)
class Outcome:
    """What a run came to."""

    record: Record
    reused: bool = False
    figures: list[Path] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def run(config: Mapping[str, Any], command: str = "") -> Outcome:
    """Make or reuse the record of one configuration.

    Raises
    ------
    HarnessError
        For bad input that was found before anything was measured.
    """
    from filelock import FileLock

    job = make_job(config, command)
    folder, work = Path(job.folder), Path(job.work)
    record = None if config["force"] else _reusable(folder)
    reused = record is not None
    if record is None:
        try:
            work.mkdir(parents=True, exist_ok=True)
            with FileLock(work / "lock"):  # another process may be making the same record
                record = None if config["force"] else _reusable(folder)
                reused = record is not None
                if record is None:
                    if config["force"]:
                        FileCheckpoint(work).remove()
                    job.write(work / "job.json")
                    record = _make_record(job, float(config["timeout"]) if config["timeout"] else None)
        except OSError as error:
            raise cannot_write(work, error) from error
    if record.status in FINISHED:
        shutil.rmtree(work, ignore_errors=True)
    outcome = Outcome(record, reused, existing(record))
    if not outcome.figures:  # reused, or made in an environment that draws nothing
        outcome.figures, outcome.problems = draw(record)
    if not reused:
        for answer in lookup.call_hook("harness_run_finished", None, record=record):
            if answer.error:  # an observer never costs a record
                outcome.problems.append(f"{answer.plugin}: {answer.error}")
    return outcome


def _reusable(folder: Path) -> Record | None:
    """The finished record in `folder`; None when there is none; an error when it is corrupt."""
    if not (folder / RECORD_FILE).exists():
        return None
    read_record(folder)  # a corrupt record is the user's to look at, never silently replaced
    return read_finished(folder)


def _make_record(job: Job, timeout: float | None) -> Record:
    if all(find_plugin(name).runs_here for name in job.plugins):
        return execute(job, timeout)
    return _in_environment(job, timeout)


def _in_environment(job: Job, timeout: float | None) -> Record:
    folder = Path(job.folder)
    try:
        environment = ensure(environment_for(job.plugins))
    except HarnessError as error:
        record = new_record(job)
        record.status, record.error = "failed", str(error)
        record.bad_input = True
        write_record(folder, record)
        return record
    command = [str(environment.python), "-m", "harness.worker", str(Path(job.work) / "job.json")]
    threads = str(job.config["device"].get("threads", 1))
    variables = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), threads)
    process = subprocess.Popen(command, stderr=subprocess.PIPE, env={**os.environ, **variables})
    tail: collections.deque[bytes] = collections.deque(maxlen=64)
    reader = threading.Thread(target=_pass_on, args=(process, tail), daemon=True)
    reader.start()
    status: Status | None = None
    reason = ""
    try:
        process.wait(None if timeout is None else timeout + GRACE)
        if process.returncode < 0:
            status, reason = "failed", f"the worker was killed by signal {-process.returncode}"
    except subprocess.TimeoutExpired:
        process.kill()
        status, reason = "timeout", out_of_time(timeout)
    except KeyboardInterrupt:
        try:
            process.wait(10)  # the worker got the same Ctrl-C and writes its own record
        except subprocess.TimeoutExpired:
            process.kill()
        raise
    finally:
        process.wait()
        reader.join(5)
    record = read_record(folder) if (folder / RECORD_FILE).exists() else new_record(job)
    if not status and record.status == "interrupted" and process.returncode not in (0, EXIT["interrupted"]):
        status, reason = "failed", f"the worker ended with code {process.returncode} and left no record"
    if status:
        record.status, record.error = status, reason
    text = b"".join(tail).decode(errors="replace").strip()[-8000:]
    if record.status not in ("ok", "unsupported") and (status or not record.stderr):
        record.stderr = text
        write_record(folder, record)
    return record


def _pass_on(process: subprocess.Popen[bytes], tail: collections.deque[bytes]) -> None:
    """Show the worker's stderr as it comes, and keep its end."""
    assert isinstance(process.stderr, io.BufferedReader)
    while chunk := process.stderr.read1(4096):
        tail.append(chunk)
        sys.stderr.write(chunk.decode(errors="replace"))
        sys.stderr.flush()
