"""The record of a run: written once, never edited."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.contracts.measurement import Measurement
from harness.contracts.record import ARRAYS_FILE, FINISHED, RECORD_FILE, Record
from harness.errors import HarnessError


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
