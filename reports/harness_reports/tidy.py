"""Records as a tidy table: one row for each observable of each record, with the reference nearest to it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from harness.contracts.quantity import WITH_LEVEL, Quantity
from harness.contracts.record import Record
from harness.records.references import KINDS
from harness.records.scoring import Score
from harness_reports import timing
from harness_reports.cells import Row, failure
from harness_reports.page import Page, Section

_RECORD = ("task", "task_version", "material", "potential", "polarization", "profile", "settings")
_RUN = (
    "n",
    "n_eff",
    "method",
    "status",
    "valid",
    "failed_checks",
    "conformance",
    "error",
    "identity",
    "host",
    "seconds",
    "started",
)
_COMPARED = ("difference", "ratio", "within", "compared_kinds", "mismatches")
_REFERENCE = ("kind", "value", "low", "high", "interval_kind", "level", "unit", "system", "level_of_theory", "source")
FIELDS = (
    *_RECORD, "level_of_theory", "observable", "value", "low", "high", "interval_kind", "level", "unit",
    "unit_clash", *_RUN,
    *(f"reference_{name}" for name in _REFERENCE), *_COMPARED,
)  # fmt: skip


def tidy(page: Page) -> Iterator[dict[str, Any]]:
    """The rows; a record without observables has one row, with its status and error."""
    origins = {origin.record.identity: origin for origin in page.origins}
    for section in page.sections:
        for row in section.rows:
            record = row.record
            common = {
                **_run(row),
                "material": section.group.material,
                "settings": row.settings,
                "level_of_theory": origins[record.identity].level,
            }
            for name, quantity in sorted(record.observables.items()):
                yield {
                    **common,
                    "observable": name,
                    **_quantity(quantity),
                    "unit_clash": _clash(section, name),
                    **_nearest(section, record, name),
                }
            if not record.observables:
                yield common


def _run(row: Row) -> dict[str, Any]:
    record = row.record
    failed = [failure(check) for check in record.checks if not check.passed]
    return {
        "task": record.task,
        "task_version": record.task_version,
        "potential": record.label,
        "polarization": record.polarization or "",
        "profile": record.profile,
        "status": record.status,
        "valid": str(row.status == "ok").lower(),
        "failed_checks": "; ".join(failed),
        "conformance": ": ".join(
            [row.conformance.words, *(["; ".join(map(failure, row.conformance.failures))] * row.conformance.failed)]
        ),
        "error": record.error,
        "identity": record.identity,
        "host": timing.host(record),
        "seconds": repr(math.fsum(record.seconds["task"])) if record.seconds.get("task") else "",
        "started": record.started,
    }


def _quantity(quantity: Quantity, prefix: str = "") -> dict[str, Any]:
    low, high = quantity.interval or ("", "")
    value = json.dumps(quantity.to_dict()["value"]) if isinstance(quantity.value, list) else repr(quantity.value)
    entries = {
        "value": value,
        "low": _number(low),
        "high": _number(high),
        "interval_kind": (quantity.kind or "not stated") if quantity.interval else "",
        "level": quantity.level if quantity.kind in WITH_LEVEL else "",
        "unit": quantity.unit,
    }
    if prefix:
        return {prefix + key: entry for key, entry in entries.items()}
    return entries | {
        "n": "" if quantity.n is None else quantity.n,
        "n_eff": "" if quantity.n_eff is None else repr(quantity.n_eff),
        "method": quantity.method,
    }


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else repr(value)


def _clash(section: Section, name: str) -> str:
    return next((" / ".join(c.clash) for c in (*section.columns, *section.more) if c.name == name), "")


def _nearest(section: Section, record: Record, name: str) -> dict[str, Any]:
    """The reference with the fewest mismatches; none when all are of other materials."""
    candidates = [
        s
        for s in section.all_scores
        if (s.identity, s.observable) == (record.identity, name)
        and s.reference.material.get("name", record.material) == record.material
    ]
    if not candidates:
        return {}
    return _scored(
        min(candidates, key=lambda s: (len(s.mismatches), KINDS.index(s.reference.kind), s.reference.sort_key))
    )


def _scored(score: Score) -> dict[str, Any]:
    reference = score.reference
    return {
        **_quantity(reference.quantity, "reference_"),
        "reference_kind": reference.kind,
        "reference_system": reference.system,
        "reference_level_of_theory": reference.level_of_theory,
        "reference_source": ", ".join(part for part in (reference.source, reference.where) if part),
        "difference": repr(score.difference.value) if score.difference else "",
        "ratio": repr(score.ratio.value) if score.ratio else "",
        "within": "" if score.within is None else str(score.within).lower(),
        "compared_kinds": score.kinds,
        "mismatches": "; ".join(f"{what}: {how}" for what, how in score.mismatches.items()),
    }


COMPARISON_FIELDS = (
    "task", "material", "potential", "profile", "observable", "value", "low", "high",
    "interval_kind", "level", "unit", "identity",
    *(f"reference_{name}" for name in _REFERENCE), *_COMPARED,
)  # fmt: skip


def comparisons(page: Page) -> Iterator[dict[str, Any]]:
    """Every observable of every record beside every reference of its task."""
    for section in page.sections:
        rows = {row.record.identity: row for row in section.rows}
        for score in section.all_scores:
            row = rows[score.identity]
            entries = {
                **_run(row),
                "material": section.group.material,
                "observable": score.observable,
                **_quantity(row.record.observables[score.observable]),
                **_scored(score),
            }
            yield {name: entries[name] for name in COMPARISON_FIELDS}
