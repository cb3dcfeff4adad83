"""Where each number comes from, and the command that makes it again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.contracts.record import Record
from harness.records.references import level_of_theory
from harness_reports.grouping import flatten


@dataclass(frozen=True, slots=True)
class Origin:
    """A record's provenance, the telling parts first."""

    record: Record
    level: str
    models: tuple[tuple[str, str], ...]
    """Model files with their sha256."""
    details: tuple[tuple[str, str], ...]
    """All that the record says, as dotted keys."""
    command: str

    @property
    def polarization(self) -> str:
        """The polarization model in words."""
        return polarization_of(self.record)


def origin(record: Record) -> Origin:
    """The provenance of one record."""
    parts = {
        **flatten(record.provenance),
        **{f"host.{key}": text for key, text in flatten(record.host).items()},
        "identity": record.identity,
        "engine": record.engine or "not stated",
        "task version": str(record.task_version),
        "started": record.started,
        "finished": record.finished,
        "files": ", ".join(record.files) or "none",
        "folder": record.folder.name if record.folder else "none",
    }
    return Origin(
        record,
        level_of_theory(record) or "not stated",
        tuple(sorted(model_hashes(record.provenance).items())),
        tuple(sorted((key, text) for key, text in parts.items() if key != "command")),
        command(record),
    )


def polarization_of(record: Record) -> str:
    """The polarization model of a record in words."""
    if record.polarization:
        return record.polarization
    return "its own polarization" if record.provenance.get("native_polarization") else "no polarization model"


def model_hashes(provenance: Mapping[str, Any]) -> dict[str, str]:
    """Name -> sha256 of every file that a provenance names, however deep it lies; each file once."""
    names: dict[str, set[tuple[int, str]]] = {}  # digest -> names, the telling ones first
    files = provenance.get("files")
    for key, digest in files.items() if isinstance(files, Mapping) else ():
        names.setdefault(str(digest), set()).add((1, str(key).rpartition("/")[2]))
    stack: list[Any] = [provenance]
    while stack:
        tree = stack.pop()
        if isinstance(tree, Mapping):
            if isinstance(tree.get("sha256"), str):
                name = tree.get("file") or tree.get("factory") or tree.get("name")
                entry = (0, str(name).rpartition("/")[2]) if name else (2, "model")
                names.setdefault(tree["sha256"], set()).add(entry)
            stack += list(tree.values())
        elif isinstance(tree, Sequence) and not isinstance(tree, str):
            stack += list(tree)
    found: dict[str, str] = {}
    for digest, candidates in sorted(names.items()):
        name = min(candidates)[1]
        found[f"{name} ({digest[:6]})" if name in found else name] = digest
    return found


def command(record: Record) -> str:
    """The command line that makes the record again: the recorded one, else one from its configuration."""
    recorded = record.provenance.get("command")
    if isinstance(recorded, str) and recorded:
        return recorded
    words = [f"task={record.task}", f"potential={record.potential}"]
    words += [f"polarization={record.polarization}"] if record.polarization else []
    material = flatten(record.config.get("material", {}))
    words += [] if "file" in material else [f"material={record.material}"]
    words.append(f"profile={record.profile}")
    words += [f"material.{key}={text}" for key, text in sorted(material.items()) if key != "name"]
    task = record.config.get("task", {}).get("params") or {}
    words += [f"task.params.{key}={text}" for key, text in sorted(flatten(task).items())]
    words += [f"seed={record.config['seed']}"] if "seed" in record.config else []
    return "python -m harness " + " ".join(shlex.quote(word) for word in words)
