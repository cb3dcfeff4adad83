"""What a potential, a polarization model, a task and a report have to offer.

These are structural types: nothing has to inherit from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import BaseCalculator

    from harness.contracts.material import Material, Need
    from harness.contracts.record import Record
    from harness.engine.ase import Engine
from harness.contracts.measurement import Arrays, Measurement
from harness.contracts.potential import PolarizationModel, Potential


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
    material: Material
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
    needs
        What the material must have; another one is `unsupported`.
    Params
        A dataclass; its fields are the keys that the configuration may set.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    requires: ClassVar[frozenset[str]]
    needs: ClassVar[frozenset[Need]]
    Params: ClassVar[type]

    def structure(self, material: Material, params: Any) -> Atoms:
        """The starting structure, of a material that has all that the task needs; pure, cheap, without a calculator."""
        ...

    def measure(self, ctx: Context) -> Measurement:
        """The observables, in the worker."""
        ...

    def figures(self, record: Record, arrays: Arrays, folder: Path) -> list[Path]:
        """Draw pictures from a finished record alone; returns the PNG files written."""
        ...
