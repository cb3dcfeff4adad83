"""What was measured once, stored as short JSON files, and the comparison with it.

A record is reduced to what a user reads: status, notes, counts, observables, checks, and norms of its arrays and
structures. What a record has beyond the stored expectation is allowed; what is missing or differs is not. How far
numbers may differ stands in ``tolerances.toml`` alone.
"""

from __future__ import annotations

import fnmatch
import json
import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
EXPECTED = HERE / "expected"
#: In place of a case's name: the smallest tolerance for all.
EXACT = "exact"
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w])")
_RULES: list[dict[str, Any]] = tomllib.loads((HERE / "tolerances.toml").read_text())["rule"]


def load(name: str) -> Any:
    """The stored expectation ``expected/NAME.json``."""
    return json.loads((EXPECTED / f"{name}.json").read_text())


def store(name: str, content: Any) -> None:
    """Write ``expected/NAME.json``, a line for each innermost mapping or list."""
    path = EXPECTED / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_text(content, 0) + "\n")


def _text(value: Any, depth: int) -> str:
    nested = isinstance(value, (dict, list)) and value
    flat = json.dumps(value, ensure_ascii=False)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    leaf = not any(isinstance(item, (dict, list)) and len(str(item)) > 60 for item in inner)
    words = isinstance(value, list) and any(isinstance(item, str) and len(item) > 40 for item in value)
    if not nested or (depth and leaf and not words and len(flat) < 160):
        return flat
    space = " " * (depth + 1)
    if isinstance(value, dict):
        lines = [f"{space}{json.dumps(k, ensure_ascii=False)}: {_text(v, depth + 1)}" for k, v in value.items()]
        return "{\n" + ",\n".join(lines) + "\n" + " " * depth + "}"
    return "[\n" + ",\n".join(space + _text(v, depth + 1) for v in value) + "\n" + " " * depth + "]"


def condensed(folder: Path) -> dict[str, Any]:
    """What is compared of the record in `folder`."""
    record = json.loads((folder / "record.json").read_text())
    content: dict[str, Any] = {
        key: record[key]
        for key in ("status", "task", "task_version", "potential", "polarization", "material", "profile", "schema")
    }
    for key in ("error", "missing", "notes"):
        if record[key]:
            content[key] = record[key]
    content["counts"] = record["counts"]
    content["clocks"] = sorted(record["seconds"])
    content["files"] = record["files"]
    content["figures"] = sorted(path.name for path in (folder / "figures").glob("*"))
    content["observables"] = {name: _observable(entry) for name, entry in record["observables"].items()}
    content["checks"] = {
        check["name"]: {key: _short(check[key]) for key in ("value", "tolerance", "unit", "passed")}
        for check in record["checks"]
    }
    content["arrays"] = {}
    if (folder / "arrays.npz").exists():
        with np.load(folder / "arrays.npz", allow_pickle=False) as arrays:
            content["arrays"] = {name: _array(arrays[name]) for name in sorted(arrays.files)}
    content["structures"] = {path.stem: _structures(path) for path in sorted(folder.glob("*.extxyz"))}
    return content


def _observable(entry: Mapping[str, Any]) -> dict[str, Any]:
    short = {key: _short(entry[key]) for key in ("value", "unit", "interval", "n", "n_eff") if key in entry}
    if isinstance(entry["value"], list) and np.size(entry["value"]) > 12:
        short["value"] = _array(np.array(entry["value"], dtype=float))
    return short


def _short(value: Any) -> Any:
    if isinstance(value, list):
        return [_short(item) for item in value]
    return float(f"{value:.12g}") if isinstance(value, float) else value


def _array(values: np.ndarray) -> dict[str, Any]:
    """Shape and norms: root mean square, mean, and the mean after weighting with a ramp from -1 to 1."""
    if values.dtype.kind not in "fciub":
        return {"shape": list(values.shape), "words": [str(word) for word in values.ravel()[:12]]}
    flat = values.ravel()
    if values.dtype.kind == "c":
        flat = np.concatenate([flat.real, flat.imag])
    flat = flat.astype(float)
    finite = np.isfinite(flat)
    known = np.where(finite, flat, 0.0)
    ramp = np.linspace(-1.0, 1.0, len(known))
    norms: dict[str, Any] = {"shape": list(values.shape)}
    if not finite.all():
        norms["not_finite"] = int((~finite).sum())
    if len(known):
        norms |= {
            "rms": _short(float(np.sqrt(np.mean(known**2)))),
            "mean": _short(float(np.mean(known))),
            "ramp": _short(float(np.mean(known * ramp))),
        }
    return norms


def _structures(path: Path) -> dict[str, Any]:
    from ase.io import read

    frames = read(path, ":")
    return {
        "frames": len(frames),
        "atoms": sorted({len(atoms) for atoms in frames}),
        "symbols": sorted({symbol for atoms in frames for symbol in atoms.symbols}),
        "positions": _array(np.concatenate([atoms.positions for atoms in frames])),
        "cells": _array(np.array([atoms.cell.array for atoms in frames])),
    }


def differences(expected: Mapping[str, Any], found: Mapping[str, Any], case: str) -> list[str]:
    """One line for each thing in `expected` that `found` lacks or has otherwise.

    `case` picks the tolerances; the case ``exact`` has 1e-9 for every number.
    """
    lines: list[str] = []
    for key in expected:
        if key not in found and expected[key]:
            lines.append(f"{key}: missing, expected {expected[key]!r}")
    for key in ("error", "missing", "notes"):  # what a run says: nothing may be added unseen
        if found.get(key) and key not in expected:
            lines.append(f"{key}: {found[key]!r}, expected none")
    for key, value in expected.items():
        if key in found:
            _compare(value, found[key], key, case, lines)
    return lines


def _compare(expected: Any, found: Any, path: str, case: str, lines: list[str]) -> None:
    if isinstance(expected, dict) and isinstance(found, dict):
        if "rms" in expected and "rms" in found:
            _compare_norms(expected, found, path, case, lines)
            return
        for key, value in expected.items():
            if key not in found:
                lines.append(f"{path}/{key}: missing, expected {value!r}")
            else:
                _compare(value, found[key], f"{path}/{key}", case, lines)
    elif path in ("files", "figures", "clocks"):
        lines.extend(f"{path}: '{name}' is missing" for name in expected if name not in found)
    elif isinstance(expected, list) and isinstance(found, list):
        if len(expected) != len(found):
            lines.append(f"{path}: {found!r}, expected {expected!r}")
            return
        for i, (one, other) in enumerate(zip(expected, found, strict=True)):
            _compare(one, other, f"{path}/{i}", case, lines)
    elif _is_number(expected) and _is_number(found):
        _compare_number(float(expected), float(found), abs(float(expected)), path, case, lines)
    elif isinstance(expected, str) and isinstance(found, str):
        if _NUMBER.sub("#", expected) != _NUMBER.sub("#", found):
            lines.append(f"{path}: {found!r}, expected {expected!r}")
            return
        pairs = zip(_NUMBER.findall(expected), _NUMBER.findall(found), strict=True)
        for one, other in pairs:
            _compare_number(float(one), float(other), abs(float(one)), f"{path}/text", case, lines)
    elif type(expected) is not type(found) or expected != found:
        lines.append(f"{path}: {found!r}, expected {expected!r}")


def _compare_norms(expected: dict[str, Any], found: dict[str, Any], path: str, case: str, lines: list[str]) -> None:
    for key in ("shape", "not_finite"):
        if expected.get(key) != found.get(key):
            lines.append(f"{path}/{key}: {found.get(key)!r}, expected {expected.get(key)!r}")
    for key in ("rms", "mean", "ramp"):
        _compare_number(expected[key], found[key], expected["rms"], f"{path}/{key}", case, lines)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _compare_number(expected: float, found: float, scale: float, path: str, case: str, lines: list[str]) -> None:
    rule = tolerance(case, path)
    allowed = max(rule["rel"] * scale, rule["abs"])
    if not abs(found - expected) <= allowed:
        lines.append(f"{path}: {found!r}, expected {expected!r} within {allowed:.2g} ({rule['reason']})")


def tolerance(case: str, path: str) -> dict[str, Any]:
    """The first rule whose patterns fit the case (``quick/sliding-mtp_cd``) and the path in the record."""
    if case == EXACT:
        return {"rel": 1e-9, "abs": 1e-12, "reason": "--exact"}
    for rule in _RULES:
        if fnmatch.fnmatchcase(case, rule.get("case", "*")) and any(
            fnmatch.fnmatchcase(path, pattern) for pattern in rule.get("paths", ["*"])
        ):
            return rule
    raise LookupError(f"no rule for {case} {path}")


def schema(records: list[Any]) -> dict[str, dict[str, Any]]:
    """JSON types at every path of some records, and whether each object there has that key.

    Names that belong to one task or one potential are replaced by ``*``, list items by ``[]``.
    """
    found = _Paths()
    for record in records:
        found.add(record, "")
    return {path: {"types": sorted(types), "always": found.always(path)} for path, types in sorted(found.types.items())}


#: Mappings whose keys are names given by tasks, plugins or machines.
_NAMED = ("observables", "seconds", "counts", "provenance.files", "config.material")
_FREE = ("provenance.potential", "provenance.polarization", "host")


class _Paths:
    """JSON types by path, how many values there are at each, and how many of them are objects."""

    def __init__(self) -> None:
        self.types: dict[str, set[str]] = {}
        self.values: Counter[str] = Counter()
        self.objects: Counter[str] = Counter()

    def add(self, value: Any, path: str) -> None:
        """Walk through `value`, which lies at `path`."""
        if path:
            self.types.setdefault(path, set()).add(_type(value))
            self.values[path] += 1
        if path in _FREE or (path.startswith("config.") and path.endswith(".params")):
            return  # facts of plugins; parameters are in the tests of what a user can set
        if isinstance(value, dict):
            self.objects[path] += 1
            named = any(fnmatch.fnmatchcase(path, pattern) for pattern in _NAMED)
            for key, item in value.items():
                self.add(item, f"{path}.{'*' if named else key}".lstrip("."))
        elif isinstance(value, list) and (not path.startswith("observables.") or path.endswith(".interval")):
            for item in value:
                self.add(item, f"{path}[]")

    def always(self, path: str) -> bool:
        """Whether every object that could have this key has it."""
        if path.endswith(("[]", ".*")):
            return False
        return self.values[path] == self.objects[path.rpartition(".")[0]]


def _type(value: Any) -> str:
    names = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}
    return names.get(type(value), "number")


def schema_differences(record: Mapping[str, Any], stored: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Where `record` lacks a key that the stored schema promises, or has another type there."""
    found = _Paths()
    found.add(record, "")
    lines = [f"{path}: missing" for path, rule in stored.items() if rule["always"] and not found.always(path)]
    for path, types in found.types.items():
        if path in stored and not types <= set(stored[path]["types"]):
            lines.append(f"{path}: {sorted(types)}, expected {stored[path]['types']}")
    return lines
