"""Which records belong together, in which order, and by which settings they differ."""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from harness.contracts.record import FINISHED, Record

#: Parts of a configuration that do not change a number, or that a group shares.
_IGNORED = re.compile(r"^(runs|force|timeout|profile|material|hydra|experiment)(\.|$)|\.(name|factory|plugins)$")


@dataclass(frozen=True, slots=True)
class Group:
    """Records that answer the same question on the same material, equally thoroughly."""

    task: str
    material: str
    profile: str
    records: tuple[Record, ...]
    settings: Mapping[str, str]
    """Identity -> by what the record differs from the others of its potential, e.g. ``seed=1``."""

    @property
    def anchor(self) -> str:
        """Name of the group's place in a page, and of its folder of figures."""
        return slug(self.task, self.material, self.profile)


def slug(*parts: str) -> str:
    """A name that is safe in links and file systems, and different for different `parts`."""
    text = re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")[:60]
    return f"{text}-{sha256(json.dumps(parts).encode()).hexdigest()[:6]}"


def unique(records: Iterable[Record]) -> list[Record]:
    """One record of each identity: the finished one, else the latest; in an order of their own."""
    best: dict[str, Record] = {}
    for record in records:
        other = best.get(record.identity)
        if other is None or _merit(record) > _merit(other):
            best[record.identity] = record
    return sorted(best.values(), key=_order)


def _merit(record: Record) -> tuple[Any, ...]:
    return (record.status in FINISHED, record.finished, record.started, json.dumps(record.to_dict(), sort_keys=True))


def _order(record: Record) -> tuple[str, ...]:
    return (record.task, _canonical(record), record.profile, record.label, record.polarization or "", record.identity)


def _canonical(record: Record) -> str:
    return json.dumps(record.config.get("material", {}), sort_keys=True, default=str)


def group(records: Sequence[Record]) -> list[Group]:
    """Records by task, material (with stacking, size and whatever else it sets) and profile."""
    by_key: dict[tuple[str, str, str], list[Record]] = defaultdict(list)
    for record in unique(records):
        by_key[record.task, f"{record.material}\0{_canonical(record)}", record.profile].append(record)
    names = _material_names([record for members in by_key.values() for record in members])
    return [
        Group(task, names[material], profile, tuple(members), _settings(members))
        for (task, material, profile), members in sorted(by_key.items())
    ]


def _material_names(records: Sequence[Record]) -> dict[str, str]:
    """Names of materials: the stacking always, and the settings in which materials of one name differ."""
    flat: dict[str, dict[str, dict[str, str]]] = defaultdict(dict)
    for record in records:
        flat[record.material][_canonical(record)] = flatten(record.config.get("material", {}))
    names = {}
    for name, variants in flat.items():
        telling = {key for key in differing(list(variants.values())) if key != "name"}
        for canonical, settings in variants.items():
            shown = [settings["stacking"]] if "stacking" in settings else []
            shown += [f"{key}={settings[key]}" for key in sorted(telling - {"stacking"}) if key in settings]
            names[f"{name}\0{canonical}"] = " ".join([name, *([f"({', '.join(shown)})"] if shown else [])])
    return names


def _settings(records: Sequence[Record]) -> dict[str, str]:
    flat = {record.identity: _telling(record) for record in records}
    of_task = {key for key in differing(list(flat.values())) if key.startswith("task")}
    texts = {}
    for record in records:
        alike = [other for other in records if other.label == record.label]
        same_model = [flat[r.identity] for r in alike if r.polarization == record.polarization]
        keys = of_task | {key for key in differing([flat[r.identity] for r in alike]) if "polarization." not in key}
        keys |= {key for key in differing(same_model) if "polarization." in key}
        mine = flat[record.identity]
        texts[record.identity] = ", ".join(f"{key}={mine[key]}" for key in sorted(keys) if key in mine)
    return texts


def _telling(record: Record) -> dict[str, str]:
    flat = {key: text for key, text in flatten(record.config).items() if not _IGNORED.search(key)}
    flat["polarization"] = record.polarization or "none"
    if record.task_version:  # 0: the run ended before the task was known
        flat["task version"] = str(record.task_version)
    return flat


def differing(mappings: Sequence[Mapping[str, str]]) -> set[str]:
    """Keys whose values are not the same in all mappings; a version is compared only where it is known."""
    found = set()
    for key in {key for mapping in mappings for key in mapping}:
        values = {mapping.get(key) for mapping in mappings}
        if key == "task version":
            values.discard(None)
        if len(values) > 1:
            found.add(key)
    return found


def flatten(tree: Any, prefix: str = "") -> dict[str, str]:
    """Nested mappings as dotted keys, as on the command line; all values as text."""
    if isinstance(tree, Mapping) and tree:
        flat: dict[str, str] = {}
        for key, value in tree.items():
            flat |= flatten(value, f"{prefix}.{key}" if prefix else str(key))
        return flat
    if tree is None or tree == {} or tree == []:
        return {prefix: "none"} if prefix else {}
    if not prefix:
        return {}
    if isinstance(tree, float) and math.isfinite(tree):
        return {prefix: f"{tree:.15g}"}  # 30 and 30.0 are the same setting
    return {prefix: tree if isinstance(tree, str) else json.dumps(tree, default=str)}
