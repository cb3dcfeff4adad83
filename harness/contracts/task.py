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
from harness.contracts.engine import Engine
from harness.contracts.measurement import Arrays, Measurement
from harness.contracts.observable import Observable
from harness.contracts.potential import Noise, PolarizationModel, Potential


class Progress(Protocol):
    """A progress bar on standard error; use as a context manager."""

    def update(self, n: float = 1, note: str = "") -> None:
        """Advance by `n` of the total, with a short remark."""
        ...


#: What a stage keeps of one finished thing: numbers, words, arrays, and mappings of arrays, by name.
Entry = dict[str, Any]


class Checkpoint(Protocol):
    """Partial results of a long task; they survive a kill and are dropped when the record is written."""

    def load(self) -> Arrays | None:
        """The last complete save of this same run, or None."""
        ...

    def save(self, arrays: Mapping[str, Any]) -> None:
        """Replace the checkpoint atomically."""
        ...


class Stages(Protocol):
    """Parts of a run: what they keep survives a kill, and each has its share of the progress bar."""

    def stage(self, name: str = "", weight: float = 1.0, total: float = 1.0) -> AbstractContextManager[Stage]:
        """A part of the run, or of a stage; at its end the bar has moved by all of its weight.

        Parameters
        ----------
        name
            Its entries have names of their own. A stage without a name has the entries of the one around it.
        weight
            In units of the stage around it; those of the run itself add up to 1.
        total
            Units in which it advances.
        """
        ...


class Stage(Stages, Protocol):
    """One part of a run.

    An entry is kept once it is finished, and a run that was killed finds it again: ``if name not in stage:
    stage.keep(name, {"energy": ..., "positions": ...})``. Numbers and words come back as Python's, all else as arrays.
    Entries are saved together, and seldom enough that saving costs little.

    Attributes
    ----------
    total, done
        Units of work in all, and so far.
    """

    total: float
    done: float

    @property
    def lost_at_most(self) -> float:
        """Work that a kill may cost, s."""
        ...

    @property
    def due(self) -> bool:
        """Whether an entry that is kept now is saved at once; ask before making a partial state that is expensive."""
        ...

    def advance(self, n: float = 1.0, note: str = "") -> None:
        """Move the progress bar by `n` units of `total`, never beyond the end of the stage, with a short remark."""
        ...

    def __contains__(self, name: str) -> bool: ...

    def __getitem__(self, name: str) -> Entry: ...

    def keep(self, name: str, entry: Mapping[str, Any]) -> None:
        """Add the finished entry `name`; what was `keep_partial` of it is dropped."""
        ...

    def keep_partial(self, name: str, state: Mapping[str, Any]) -> None:
        """Keep the state of `name`, which is under way, in place of its last one."""
        ...

    def partial(self, name: str) -> Entry | None:
        """The last state of `name`, or None when it is not under way."""
        ...

    def append(self, name: str, entry: Mapping[str, Any]) -> None:
        """Add `entry` to the sequence `name`; what was `keep_partial` of it is dropped."""
        ...

    def sequence(self, name: str) -> list[Entry]:
        """What was appended under `name`, in order."""
        ...


class Context(Protocol):
    """All that a task needs while it measures.

    Attributes
    ----------
    noise
        Of the potential's answers; zeros where it declares none.
    stages
        Checkpoint and progress bar of the run.
    """

    atoms: Atoms
    potential: Potential
    calculator: BaseCalculator
    polarization: PolarizationModel | None
    engine: Engine
    params: Any
    material: Material
    seed: int
    folder: Path
    noise: Noise
    stages: Stages
    device: Mapping[str, Any]

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
    observables
        Everything that `measure` may return, in the order in which reports show it. The worker refuses what is not
        declared.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    requires: ClassVar[frozenset[str]]
    needs: ClassVar[frozenset[Need]]
    Params: ClassVar[type]
    observables: ClassVar[tuple[Observable, ...]]

    def structure(self, material: Material, params: Any) -> Atoms:
        """The starting structure, of a material that has all that the task needs; pure, cheap, without a calculator."""
        ...

    def measure(self, ctx: Context) -> Measurement:
        """The observables, in the worker."""
        ...

    def figures(self, record: Record, arrays: Arrays, folder: Path) -> list[Path]:
        """Draw pictures from a finished record alone; returns the PNG files written."""
        ...
