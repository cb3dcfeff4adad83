"""What conformance records say about other records. Pure; needs no model.

A record is invalid when its potential or its polarization model failed a line of the task ``conformance``, whatever
its own checks say. A conformance counts for a record of the same potential with the same parameters, the same model
files (by sha256) and the same number type, and for its polarization model likewise; of any material.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.contracts.measurement import Check
from harness.contracts.record import Record
from harness.records.store import find_records
from harness.registry.files import set_parameter

TASK = "conformance"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known about the potential and the polarization model of one record.

    Attributes
    ----------
    failures
        Lines that failed.
    unchecked
        Those of ``potential`` and ``polarization model`` that no conformance record is about.
    """

    failures: tuple[Check, ...] = ()
    unchecked: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether a line failed."""
        return bool(self.failures)

    @property
    def words(self) -> str:
        """``passed``, ``failed``, ``not checked``, or ``polarization model not checked``."""
        if self.failures:
            return "failed"
        if "potential" in self.unchecked:
            return "not checked"
        return "polarization model not checked" if self.unchecked else "passed"


def verdicts(records: Sequence[Record]) -> dict[str, Verdict]:
    """Identity of each record -> its verdict, from the conformance records among them."""
    known = _examined(records)
    return {record.identity: _verdict(record, known) for record in records}


def judged_status(record: Record, verdict: Verdict) -> str:
    """The record's status, or ``invalid`` where a check failed: one of its own, or one of conformance."""
    failed = verdict.failed and record.task != TASK  # a conformance record speaks for itself
    return "invalid" if record.status == "ok" and (failed or not record.valid) else record.status


def verdict_beside(record: Record) -> Verdict:
    """The verdict on a record that lies in ``RUNS/<task>/<folder>``, from the conformance records in the same RUNS."""
    if record.folder is None:
        return _verdict(record, _examined([record]))
    others, _ = find_records([record.folder.parent.parent / TASK])
    return _verdict(record, _examined([*others, record]))


def _verdict(record: Record, known: Mapping[str, Sequence[Check]]) -> Verdict:
    failures: dict[str, Check] = {}
    unchecked = []
    for part, key in _keys(record).items():
        checks = known.get(key)
        if checks is None:
            unchecked.append(part)
        else:
            failures |= {check.name: check for check in checks if not check.passed}
    return Verdict(tuple(failures.values()), tuple(unchecked))


def _examined(records: Iterable[Record]) -> dict[str, list[Check]]:
    """Key of a potential or polarization model -> the lines about it, of the newest version of the task."""
    found: dict[str, tuple[int, list[Check]]] = {}
    finished = [record for record in records if record.task == TASK and record.status == "ok"]
    for record in sorted(finished, key=lambda r: (r.task_version, r.identity)):
        keys = _keys(record)
        separate = "polarization model" in keys
        for part, key in keys.items():
            about = [
                check
                for check in record.checks
                if not separate or (check.about == "polarization") == (part == "polarization model")
            ]
            if not about:
                continue
            version, lines = found.get(key, (record.task_version, []))
            found[key] = (record.task_version, [*(lines if version == record.task_version else []), *about])
    return {key: lines for key, (_, lines) in found.items()}


def _keys(record: Record) -> dict[str, str]:
    """What identifies the potential and, where there is one, the polarization model of a record."""
    keys = {"potential": _key(record, "potential")}
    if record.config.get("polarization", {}).get("name", "none") != "none":
        keys["polarization model"] = _key(record, "polarization")
    return keys


def _key(record: Record, component: str) -> str:
    entry = record.config.get(component, {})
    params: dict[str, Any] = json.loads(json.dumps(entry.get("params") or {}, default=str))
    files = record.provenance.get("files")
    for dotted, digest in files.items() if isinstance(files, Mapping) else ():
        part, _, parameter = dotted.partition(".params.")
        if part == component:
            set_parameter(params, parameter, digest)
    content = {
        "what": component,
        "name": entry.get("factory") or entry.get("name") or getattr(record, component),
        "params": params,
        "models": sorted(_hashes(record.provenance.get(component))),
        "dtype": record.config.get("device", {}).get("dtype", "float64"),
    }
    return json.dumps(content, sort_keys=True)


def _hashes(tree: Any) -> set[str]:
    """Every sha256 of a model that a provenance names, however deep; facts of its fit are no part of the model."""
    if isinstance(tree, Mapping):
        own = {tree["sha256"]} if isinstance(tree.get("sha256"), str) else set()
        return own.union(*(_hashes(item) for key, item in tree.items() if key not in ("fit", "data")))
    if isinstance(tree, Sequence) and not isinstance(tree, str):
        return set().union(*map(_hashes, tree))
    return set()
