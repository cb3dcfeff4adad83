"""What a potential, a polarization model, a task and a report have to offer.

These are structural types: nothing has to inherit from them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from harness.quantity import Quantity

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import BaseCalculator

    from harness.engine import Engine
    from harness.record import Record

Arrays = dict[str, np.ndarray]


@runtime_checkable
class Potential(Protocol):
    """Energy, forces and stress of a structure: an ASE calculator plus its provenance.

    Attributes
    ----------
    name
        The name it is registered under.
    implemented_properties
        ASE property names, e.g. ``("energy", "forces", "stress")``.
    elements
        Chemical symbols that it knows; None when it takes any.

    It may also have ``devices`` (default ``("cpu",)``) and ``dtypes`` (default ``("float64",)``): where and how exactly
    it can compute. A run that asks for anything else is refused instead of being answered by something else.

    A potential that iterates to self-consistency may state in ``noise`` how exact its answers are: ``energy`` (eV per
    atom), ``forces`` (eV/Å), ``stress`` (virial per atom, eV). The task ``conformance`` adds that to its tolerances.
    """

    name: str
    implemented_properties: Sequence[str]
    elements: frozenset[str] | None

    def calculator(self, device: str = "cpu", dtype: str = "float64") -> BaseCalculator:
        """A fresh ASE calculator."""
        ...

    def provenance(self) -> dict[str, Any]:
        """Model files and their sha256, level of theory, package versions, licence; JSON-able."""
        ...


@runtime_checkable
class PolarizationModel(Protocol):
    """Dipole, Born charges and atomic dipoles of a structure, at fixed positions.

    Attributes
    ----------
    implemented_properties
        A subset of ``dipole, charges, atomic_dipoles, born_effective_charges, polarizability, energy, forces``.
    """

    name: str
    implemented_properties: Sequence[str]
    elements: frozenset[str] | None

    def calculate(self, atoms: Atoms, properties: Sequence[str], field: Sequence[float] = (0.0, 0.0, 0.0)) -> Arrays:
        """The named properties of `atoms` in a uniform external `field` (V/Å).

        Returns
        -------
        dict
            ``dipole`` (3,) e Å; ``charges`` (natoms,) e; ``atomic_dipoles`` (natoms, 3) e Å;
            ``born_effective_charges`` (natoms, 3, 3) e, first index polarization, second displacement;
            ``polarizability`` (3, 3) Å³; ``energy`` () eV; ``forces`` (natoms, 3) eV/Å.
        """
        ...

    def provenance(self) -> dict[str, Any]:
        """As for a potential."""
        ...


@dataclass(frozen=True, slots=True)
class Check:
    """One line of a task's own consistency checks.

    `value` passes when ``abs(value) <= tolerance``; `reason` says where the tolerance comes from.
    """

    name: str
    value: float
    tolerance: float
    unit: str = "1"
    reason: str = ""

    @property
    def passed(self) -> bool:
        """False also for a value that is not a number."""
        return abs(self.value) <= self.tolerance


@dataclass(slots=True)
class Measurement:
    """What a task returns: observables with units, arrays, structures, checks and remarks."""

    observables: dict[str, Quantity] = field(default_factory=dict)
    arrays: Arrays = field(default_factory=dict)
    frames: dict[str, list[Atoms]] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Progress(Protocol):
    """A progress bar on standard error; use as a context manager."""

    def update(self, n: float = 1, note: str = "") -> None:
        """Advance by `n` of the total, with a short remark."""
        ...


class Checkpoint(Protocol):
    """Partial results of a long task; they survive a kill and are dropped when the record is written."""

    def load(self) -> Arrays | None:
        """The last complete save of this same run, or None."""
        ...

    def save(self, arrays: Mapping[str, Any]) -> None:
        """Replace the checkpoint atomically."""
        ...


class Context(Protocol):
    """All that a task needs while it measures."""

    atoms: Atoms
    potential: Potential
    calculator: BaseCalculator
    polarization: PolarizationModel | None
    engine: Engine
    params: Any
    material: Mapping[str, Any]
    seed: int
    folder: Path
    checkpoint: Checkpoint
    device: Mapping[str, Any]

    def progress(self, description: str, total: float) -> AbstractContextManager[Progress]:
        """A progress bar with `total` units of work."""
        ...

    def clock(self, name: str) -> AbstractContextManager[None]:
        """Add the wall time of a block to the record's samples under `name`."""
        ...


class Task(Protocol):
    """One physical question, asked the same way of every potential.

    Attributes
    ----------
    version
        Raised whenever a number that the task returns could change.
    requires
        Property names that the potential and the polarization model must offer between them.
    Params
        A dataclass; its fields are the keys that the configuration may set.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    requires: ClassVar[frozenset[str]]
    Params: ClassVar[type]

    def structure(self, material: Mapping[str, Any], params: Any) -> Atoms:
        """The starting structure; pure, cheap, without a calculator."""
        ...

    def measure(self, ctx: Context) -> Measurement:
        """The observables, in the worker."""
        ...

    def figures(self, record: Record, arrays: Arrays, folder: Path) -> list[Path]:
        """Draw pictures from a finished record alone; returns the PNG files written."""
        ...


class Report(Protocol):
    """A view of records; no physics, no models."""

    name: str

    def render(self, records: Sequence[Record], folder: Path) -> list[Path]:
        """Write the report into `folder`; returns the files written."""
        ...


PotentialFactory = Callable[..., Potential]
PolarizationFactory = Callable[..., PolarizationModel]
