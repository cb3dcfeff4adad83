"""Values to compare records with.

There are three kinds, never mixed silently: ``dft`` (the same task run by the DFT level itself), ``published``
(from papers, in ``reference/<task>.toml`` of the package that brings the task) and ``analytic`` (closed-form
answers of an oracle potential). `harness.records.scoring` puts them beside records.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, get_args

from harness.contracts.observable import Observable
from harness.contracts.quantity import Quantity
from harness.contracts.record import Record
from harness.contracts.task import Task
from harness.errors import HarnessError, nearest
from harness.units import plain_unit

Kind = Literal["dft", "analytic", "published"]
KINDS: tuple[str, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Reference:
    """One value to compare against.

    Parameters
    ----------
    observable
        Name of the task's observable; ``*`` stands for any ending, and spaces part alternatives.
    quantity
        Value, unit and interval; the value is `nan` where only a range was published.
    level_of_theory
        What the value rests on, e.g. ``PBE-D3(BJ)``; empty when it is not a calculation.
    source, where
        The paper and the place in it, or the identity of the record.
    material
        Keys of the material's configuration that it holds for, e.g. ``{"name": "bn_bilayer", "stacking": "AA"}``.
    definition
        How it is defined differently from the observable of that name; empty when it is the same.
    identity
        Of the one record that it belongs to (``analytic``) or was taken from (``dft``).
    """

    task: str
    observable: str
    quantity: Quantity
    kind: Kind
    level_of_theory: str
    source: str
    material: Mapping[str, Any] = field(default_factory=dict)
    system: str = ""
    conditions: str = ""
    definition: str = ""
    quote: str = ""
    where: str = ""
    url: str = ""
    identity: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    def concerns(self, name: str) -> bool:
        """Whether it is to be shown beside the observable `name`."""
        return any(fnmatchcase(name, pattern) for pattern in self.observable.split())

    @property
    def sort_key(self) -> tuple[Any, ...]:
        """Decides the order in tables; independent of where the reference came from."""
        bounds = self.quantity.interval or (self.quantity.value,)
        return (
            KINDS.index(self.kind),
            self.observable,
            self.source,
            self.system,
            self.identity,
            repr(bounds),
        )


def level_of_theory(record: Record) -> str:
    """The level that the record's potential was fitted to; empty when it does not say."""
    potential = record.provenance.get("potential")
    level = potential.get("level_of_theory") if isinstance(potential, Mapping) else None
    return str(level or "")


def read_references(path: Path | Any, task: str, declared: Sequence[Observable]) -> list[Reference]:
    """Read a file of published values.

    Parameters
    ----------
    declared
        The task's observables; every entry must be of one of them.

    Raises
    ------
    HarnessError
        When the file is not TOML, or an entry lacks something or is of no declared observable.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        papers = tables.get("paper", {})
        found = [_published(entry, papers, task) for entry in tables.get("value", [])]
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise HarnessError(f"the reference file {path} is wrong ({type(error).__name__}: {error}).") from error
    for reference in found:
        _check_declared(reference, path, declared)
    return found


def _check_declared(reference: Reference, path: Path | Any, declared: Sequence[Observable]) -> None:
    """Refuse a reference of no declared observable, or in another unit than its without a definition of its own."""
    for name in reference.observable.split():
        meant = [observable for observable in declared if observable.matches(name)]
        if not meant:
            near = nearest(name, (observable.key for observable in declared))
            raise HarnessError(
                f"the reference file {path} has a value of '{name}', which task '{reference.task}' does not declare."
                + (f" Did you mean '{near}'?" if near else ""),
                f"`python -m harness.plugins --observables {reference.task}` lists what it declares.",
            )
        units = sorted({observable.unit for observable in meant})
        same = plain_unit(reference.quantity.unit) in map(plain_unit, units)
        if not same and not reference.definition:
            raise HarnessError(
                f"the reference file {path} has '{name}' in {reference.quantity.unit}, which task '{reference.task}' "
                f"declares in {', '.join(units)}.",
                "Convert the value, or say by `definition` how it is defined differently.",
            )


def _published(entry: Mapping[str, Any], papers: Mapping[str, Any], task: str) -> Reference:
    paper = papers[entry["paper"]]
    interval = entry.get("range")
    return Reference(
        task=task,
        observable=entry["observable"],
        quantity=Quantity(
            entry.get("value", math.nan),
            entry["unit"],
            (interval[0], interval[1]) if interval else None,
            entry.get("interval_kind"),
            level=entry.get("interval_level"),
        ),
        kind="published",
        level_of_theory=entry.get("level", ""),
        source=paper["cite"],
        where=entry.get("where", ""),
        material=entry["material"],
        system=entry["system"],
        conditions=entry.get("conditions", ""),
        definition=entry.get("definition", ""),
        quote=entry.get("quote", ""),
        url=f"https://doi.org/{paper['doi']}" if paper.get("doi") else paper.get("url", ""),
    )


def published_references(tasks: Mapping[str, type[Task]]) -> list[Reference]:
    """The published values of each task, from ``reference/<task>.toml`` in the package that brings the task."""
    found: list[Reference] = []
    for name, task in sorted(tasks.items()):
        path = _shipped(task, f"{name}.toml")
        if path is not None and path.is_file():
            found += read_references(path, name, task.observables)
    return found


def shipped_records(tasks: Mapping[str, type[Task]]) -> list[Record]:
    """Records of DFT that come with the package of each task, ``reference/dft/<task>-*.json``.

    Raises
    ------
    HarnessError
        When a file is no record.
    """
    found: list[Record] = []
    for name, task in sorted(tasks.items()):
        folder = _shipped(task, "dft")
        paths = sorted(folder.iterdir(), key=str) if folder is not None and folder.is_dir() else []
        for path in paths:
            if not (path.name.startswith(f"{name}-") and path.name.endswith(".json")):
                continue
            try:
                found.append(Record.from_dict(json.loads(path.read_text(encoding="utf-8"))))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise HarnessError(
                    f"the reference record {path} is wrong ({type(error).__name__}: {error})."
                ) from error
    return found


def _shipped(task: type, *where: str) -> Any:
    """A place in the folder ``reference`` of the package that brings a task; None for a task from nowhere."""
    package = task.__module__.partition(".")[0]
    if package == "__main__":  # a task defined in a script
        return None
    try:
        return files(package).joinpath("reference", *where)
    except (ModuleNotFoundError, TypeError, ValueError):  # a task from a single file
        return None


def references_from_records(records: Iterable[Record], dft: str = "dft") -> list[Reference]:
    """References that lie in records: those of the potential `dft`, and the known answers of oracle potentials.

    An oracle potential says what it knows in its provenance, as
    ``{"analytic": {observable: {"value": …, "unit": …}}}``.
    """
    found: list[Reference] = []
    for record in records:
        if record.status != "ok":
            continue
        if record.valid and is_of(record, dft):
            found += [
                _from_record(record, "dft", name, quantity)
                for name, quantity in record.observables.items()
                if isinstance(quantity.value, float) and math.isfinite(quantity.value)
            ]
        provenance = record.provenance.get("potential") or {}
        for name, entry in (provenance.get("analytic") or {}).items():
            found.append(_from_record(record, "analytic", name, Quantity.from_dict(entry)))
    return found


def is_of(record: Record, potential: str) -> bool:
    """Whether `potential` made the record, under this name or another."""
    return potential in (record.potential, record.config.get("potential", {}).get("factory"))


def _from_record(record: Record, kind: Kind, observable: str, quantity: Quantity) -> Reference:
    return Reference(
        task=record.task,
        observable=observable,
        quantity=quantity,
        kind=kind,
        level_of_theory=level_of_theory(record) if kind == "dft" else "",
        source=f"{record.label}, record {record.identity[:12]}" if kind == "dft" else f"exact, of {record.label}",
        material=dict(record.config.get("material", {})),
        system=_system(record),
        identity=record.identity,
        settings=task_settings(record),
    )


def _system(record: Record) -> str:
    stacking = record.config.get("material", {}).get("stacking")
    return f"{record.material} ({stacking})" if stacking else record.material


def task_settings(record: Record) -> dict[str, Any]:
    """Whatever defines what the task measured: its version and its parameters."""
    return {"version": record.task_version, **(record.config.get("task", {}).get("params") or {})}
