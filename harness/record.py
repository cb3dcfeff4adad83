"""The record of a run: written once, never edited."""

from __future__ import annotations

import json
import math
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from harness.errors import HarnessError
from harness.protocols import Arrays, Check, Measurement
from harness.quantity import Quantity

Status = Literal["ok", "unsupported", "failed", "timeout", "interrupted"]
FINISHED: frozenset[str] = frozenset({"ok", "unsupported"})
SCHEMA = 1
RECORD_FILE = "record.json"
ARRAYS_FILE = "arrays.npz"


@dataclass(slots=True)
class Record:
    """All that one run left behind.

    Attributes
    ----------
    identity
        Content hash of everything that decides the numbers; two runs with the same identity are the same run.
    status
        ``ok``, ``unsupported``, ``failed``, ``timeout`` or ``interrupted``.
    config
        The resolved configuration.
    observables
        Raw results of the task, each with its unit.
    seconds
        Every sample of each clock, s.
    provenance
        Of the potential, the polarization model, the dataset and the packages.
    error
        What went wrong, in one line; `stderr` holds the tail of what the worker printed.
    missing
        For ``unsupported``: the properties that were required and not offered.
    """

    identity: str
    status: Status
    task: str
    task_version: int
    potential: str
    polarization: str | None
    material: str
    profile: str
    config: dict[str, Any]
    observables: dict[str, Quantity] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    host: dict[str, str] = field(default_factory=dict)
    started: str = ""
    finished: str = ""
    error: str = ""
    stderr: str = ""
    missing: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    schema: int = SCHEMA
    folder: Path | None = None

    @property
    def label(self) -> str:
        """Short name for tables and figures, e.g. ``mtp_cd``."""
        return str(self.config.get("potential", {}).get("name", self.potential))

    @property
    def valid(self) -> bool:
        """Whether every one of the task's own checks passed."""
        return self.status == "ok" and all(check.passed for check in self.checks)

    def arrays(self) -> Arrays:
        """The arrays stored beside the record; empty when there are none."""
        if self.folder is None or not (self.folder / ARRAYS_FILE).exists():
            return {}
        with np.load(self.folder / ARRAYS_FILE, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able mapping."""
        entries = {name: getattr(self, name) for name in self.__slots__ if name != "folder"}
        entries["observables"] = {name: value.to_dict() for name, value in self.observables.items()}
        entries["checks"] = [
            {
                "name": c.name,
                "value": c.value,
                "tolerance": c.tolerance,
                "unit": c.unit,
                "reason": c.reason,
                "passed": c.passed,
            }
            for c in self.checks
        ]
        return {name: _plain(value) for name, value in entries.items()}

    @classmethod
    def from_dict(cls, entries: Mapping[str, Any], folder: Path | None = None) -> Record:
        """The inverse of `to_dict`."""
        fields = dict(entries)
        if fields.get("schema") != SCHEMA:
            raise ValueError(f"schema {fields.get('schema')} is not {SCHEMA}")
        if fields["status"] not in get_args(Status):
            raise ValueError(f"status '{fields['status']}' is not one of {', '.join(get_args(Status))}")
        fields["observables"] = {name: Quantity.from_dict(q) for name, q in fields["observables"].items()}
        fields["checks"] = [
            Check(
                c["name"],
                math.nan if c["value"] is None else c["value"],
                math.nan if c["tolerance"] is None else c["tolerance"],
                c.get("unit", "1"),
                c.get("reason", ""),
            )
            for c in fields["checks"]
        ]
        return cls(**fields, folder=folder)


def _plain(value: Any) -> Any:
    """What JSON can hold: infinite numbers become None, NumPy's types Python's, anything else its text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in (sorted(value) if isinstance(value, (set, frozenset)) else value)]
    if isinstance(value, (np.generic, np.ndarray)):
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (str, int)) else str(value)


def write_record(folder: Path, record: Record, measurement: Measurement | None = None) -> Path:
    """Write a record with its arrays and structures; all of it appears at once or not at all.

    A finished record is never replaced by an unfinished one.

    Raises
    ------
    HarnessError
        When the folder cannot be written (read-only, full).
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise cannot_write(folder, error) from error
    old = folder.with_name(f".{folder.name}.old")
    try:
        draft.chmod(0o755)
        if measurement is not None:
            if measurement.arrays:
                np.savez_compressed(draft / ARRAYS_FILE, **measurement.arrays)  # type: ignore[arg-type]
            for name, frames in measurement.frames.items():
                _write_frames(draft / f"{name}.extxyz", frames)
        record.files = sorted(path.name for path in draft.iterdir())
        (draft / RECORD_FILE).write_text(json.dumps(record.to_dict(), indent=1, allow_nan=False) + "\n")
        if folder.exists():
            if read_finished(folder) is not None and record.status not in FINISHED:
                shutil.rmtree(draft)
                return folder
            shutil.rmtree(old, ignore_errors=True)
            folder.rename(old)
            draft.rename(folder)
            shutil.rmtree(old, ignore_errors=True)
        else:
            draft.rename(folder)
    except BaseException as error:  # an interrupt, too: what was there stays, and no draft
        if not folder.exists() and old.exists():
            old.rename(folder)
        for left in (draft, old):
            shutil.rmtree(left, ignore_errors=True)
        if isinstance(error, OSError):
            raise cannot_write(folder, error) from error
        raise
    record.folder = folder
    return folder


def cannot_write(folder: Path, error: OSError) -> HarnessError:
    """The error for a run folder that takes nothing."""
    return HarnessError(
        f"cannot write to {folder.parent}: {error.strerror or error}.",
        "Make room or choose another folder with runs=FOLDER; finished records are untouched.",
    )


def _write_frames(path: Path, frames: Sequence[Any]) -> None:
    from ase.io import write

    write(path, list(frames), format="extxyz")


def read_record(folder: Path) -> Record:
    """Read the record in `folder`.

    Raises
    ------
    HarnessError
        When the file is missing, truncated or not a record.
    """
    path = folder / RECORD_FILE
    try:
        return Record.from_dict(json.loads(path.read_text()), folder)
    except OSError as error:
        raise HarnessError(f"no record in {folder}: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise HarnessError(
            f"the record {path} is corrupt ({type(error).__name__}: {error}).",
            "It is left as it is; give the run's command with force=true to make it anew.",
        ) from error


def read_finished(folder: Path) -> Record | None:
    """The record in `folder` when it is complete (``ok`` or ``unsupported``); None otherwise."""
    try:
        record = read_record(folder)
    except HarnessError:
        return None
    if record.status not in FINISHED or any(not (folder / name).exists() for name in record.files):
        return None
    return record


def find_records(roots: Sequence[Path]) -> tuple[list[Record], list[HarnessError]]:
    """All records below `roots`, oldest first, and one error for each that cannot be read."""
    records, errors = [], []
    paths = {path.resolve() for root in roots for path in sorted(root.rglob(RECORD_FILE))}
    for path in sorted(paths):
        if any(part.startswith(".") for part in path.relative_to(Path(path.anchor)).parts[-2:-1]):
            continue  # a draft that a killed run left
        try:
            records.append(read_record(path.parent))
        except HarnessError as error:
            errors.append(error)
    return sorted(records, key=lambda record: (record.started, record.identity)), errors
