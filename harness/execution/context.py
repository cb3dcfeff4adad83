"""What a task sees while it measures, and the checkpoint of its partial results."""

from __future__ import annotations

import contextlib
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness import __version__
from harness.contracts.engine import Engine
from harness.contracts.material import Material
from harness.contracts.potential import Noise, PolarizationModel, Potential
from harness.contracts.task import Stages
from harness.records.store import cannot_write

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import BaseCalculator

#: Name in a checkpoint of the version that wrote it.
VERSION = "harness version"


@dataclass(slots=True)
class WorkerContext:
    """What a task sees while it measures; see `harness.contracts.task.Context`."""

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
    device: Mapping[str, Any] = field(default_factory=lambda: {"name": "cpu", "dtype": "float64"})
    seconds: dict[str, list[float]] = field(default_factory=dict)

    @contextlib.contextmanager
    def clock(self, name: str) -> Iterator[None]:
        """Add the wall time of the block to the samples of `name`."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds.setdefault(name, []).append(time.perf_counter() - start)


class FileCheckpoint:
    """Partial results of one run in a file that is replaced atomically.

    What another version of the harness has saved may be arranged otherwise: it counts as no save.
    """

    def __init__(self, folder: Path, version: str = __version__) -> None:
        self.path = folder / "checkpoint.npz"
        self.version = version

    def exists(self) -> bool:
        """Whether there is a save to go on from; its content is not read."""
        return zipfile.is_zipfile(self.path) and self._read([VERSION]) is not None

    def load(self) -> dict[str, np.ndarray] | None:
        """The last complete save, or None; an unreadable file counts as none."""
        return self._read(None)

    def _read(self, names: Sequence[str] | None) -> dict[str, np.ndarray] | None:
        """The arrays of these names, or all but the version."""
        try:
            with np.load(self.path, allow_pickle=False) as stored:
                if VERSION not in stored.files or str(stored[VERSION]) != self.version:
                    return None
                return {name: stored[name] for name in names or stored.files if name != VERSION}
        except (OSError, ValueError, EOFError, KeyError):
            return None
        except Exception as error:  # zipfile.BadZipFile is not an OSError
            if type(error).__name__ != "BadZipFile":
                raise
            return None

    def save(self, arrays: Mapping[str, Any]) -> None:
        """Write beside, then rename."""
        draft = self.path.with_suffix(".tmp.npz")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            named = {name: np.asarray(value) for name, value in arrays.items()}
            np.savez(draft, **{**named, VERSION: np.array(self.version)})  # type: ignore[arg-type]
            draft.replace(self.path)
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def remove(self) -> None:
        """After the record is written, nothing is left to go on from."""
        self.path.unlink(missing_ok=True)
