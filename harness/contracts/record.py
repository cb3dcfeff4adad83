"""The record of a run: all that one run left behind."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from harness.contracts.measurement import About, Arrays, Check
from harness.contracts.quantity import Quantity

Status = Literal["ok", "unsupported", "failed", "timeout", "interrupted"]
FINISHED: frozenset[str] = frozenset({"ok", "unsupported"})
SCHEMA = 2
#: Schemas that can be read. The first one had neither kinds of intervals nor what a check is about.
READABLE = (1, 2)
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
    engine
        What evaluated, relaxed and moved structures: ``ase``, or also a native one, ``ase+lammps``; empty in older
        records and where no task ran.
    bad_input
        Whether the user can put right what went wrong: `error` says how.
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
    bad_input: bool = False
    missing: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    engine: str = ""
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
                "about": c.about,
                "passed": c.passed,
            }
            for c in self.checks
        ]
        return {name: _plain(value) for name, value in entries.items()}

    @classmethod
    def from_dict(cls, entries: Mapping[str, Any], folder: Path | None = None) -> Record:
        """The inverse of `to_dict`."""
        fields = dict(entries)
        if fields.get("schema") not in READABLE:
            raise ValueError(f"schema {fields.get('schema')} is none of {', '.join(map(str, READABLE))}")
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
                c.get("about") or _about(fields["task"], c["name"]),
            )
            for c in fields["checks"]
        ]
        fields["counts"] = dict(fields["counts"])
        fields.setdefault("bad_input", bool(fields["counts"].pop("bad_input", 0)))  # a count in older records
        fields["schema"] = SCHEMA
        return cls(**fields, folder=folder)


def _about(task: str, check: str) -> About:
    """What a check of a record of schema 1 is about, which said so by the first word of its name."""
    response = task == "conformance" and check.startswith(("polarization", "born", "field", "charge"))
    return "polarization" if response else "potential"


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
