"""Try a task from Python, in memory: no files, no configuration, no worker.

from harness_tasks.bend import Bend
from harness_tasks.oracles import PlatePotential
from harness.testing.trial import measure
measure(Bend(), PlatePotential(), material={"symbols": ["B", "N"], "layers": 1, "a": 2.511, "vacuum": 25.0})
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.contracts.engine import Engine
from harness.contracts.material import Material
from harness.contracts.measurement import Arrays, Measurement
from harness.contracts.observable import check_observables
from harness.contracts.potential import PolarizationModel, Potential, noise_of
from harness.contracts.task import Stages, Task
from harness.engine.ase import make_engine
from harness.engine.native import native_polarization
from harness.execution.stages import LOST_AT_MOST, PERCENT, RunStages
from harness.materials.needs import check_needs
from harness.registry import lookup
from harness.registry.parameters import build_params

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import BaseCalculator


class MemoryCheckpoint:
    """Keeps the last save; hand the same object to a second context to go on from it."""

    def __init__(self) -> None:
        self.stored: Arrays | None = None

    def load(self) -> Arrays | None:
        """The last save, or None."""
        return None if self.stored is None else dict(self.stored)

    def save(self, arrays: Mapping[str, Any]) -> None:
        """Keep a copy of `arrays`."""
        self.stored = {name: np.array(value) for name, value in arrays.items()}


class Bar:
    """Progress that only adds up."""

    def __init__(self, total: float) -> None:
        self.total, self.done = total, 0.0

    def update(self, n: float = 1, note: str = "") -> None:
        """Advance by `n`."""
        self.done += n


class TrialContext:
    """A `harness.contracts.task.Context` in memory; `material` may be a mapping with the keys of ``conf/material``.

    Parameters
    ----------
    task
        Gives the starting structure.
    potential, polarization
        The models; without `polarization` the dipole of the potential serves, if it has one.
    material
        A `Material`, or the keys of ``conf/material``.
    params
        An instance of the task's ``Params``.
    seed
        Of all random numbers.
    checkpoint
        Where stages are saved; None: a new one in memory.
    dtype
        ``float64`` or ``float32``.
    lost_at_most
        Time between saves, s.
    """

    def __init__(
        self,
        task: Task,
        potential: Potential,
        polarization: PolarizationModel | None,
        material: Material | Mapping[str, Any],
        params: Any,
        seed: int = 0,
        checkpoint: MemoryCheckpoint | None = None,
        dtype: str = "float64",
        lost_at_most: float = LOST_AT_MOST,
    ) -> None:
        self.potential = potential
        self.material = material if isinstance(material, Material) else lookup.build_material(material)
        self.params, self.seed = params, seed
        self.device: Mapping[str, Any] = {"name": "cpu", "dtype": dtype}
        self.calculator: BaseCalculator = potential.calculator(device="cpu", dtype=dtype)
        self.polarization = polarization or native_polarization(potential, self.calculator)
        self.engine: Engine = make_engine(potential, self.calculator)
        check_needs(task.name, task.needs, self.material)
        self.atoms: Atoms = task.structure(self.material, params)
        self.folder = Path()
        self.noise = noise_of(potential)
        self.bar = Bar(PERCENT)
        self.stages: Stages = RunStages(checkpoint or MemoryCheckpoint(), self.bar, lost_at_most)

    @contextmanager
    def clock(self, name: str) -> Iterator[None]:
        """Nothing is timed."""
        yield


def measure(
    task: Task,
    potential: Potential,
    polarization: PolarizationModel | None = None,
    *,
    material: Material | Mapping[str, Any],
    seed: int = 0,
    checkpoint: MemoryCheckpoint | None = None,
    dtype: str = "float64",
    lost_at_most: float = LOST_AT_MOST,
    **params: Any,
) -> Measurement:
    """One measurement; `params` are the task's, checked as in a run. With ``lost_at_most=0`` every entry is saved.

    `material` may be a mapping with the keys of ``conf/material``.

    Parameters
    ----------
    task
        To measure.
    potential, polarization
        The models; without `polarization` the dipole of the potential serves, if it has one.
    material
        A `Material`, or the keys of ``conf/material``.
    seed
        Of all random numbers.
    checkpoint
        Where stages are saved; None: a new one in memory.
    dtype
        ``float64`` or ``float32``.
    lost_at_most
        Time between saves, s.
    params
        The task's.

    Raises
    ------
    HarnessError
        For a wrong parameter, or an observable that the task does not declare.
    """
    checked = build_params(task.Params, params, f"task '{task.name}'")
    context = TrialContext(task, potential, polarization, material, checked, seed, checkpoint, dtype, lost_at_most)
    measurement = task.measure(context)
    check_observables(task.name, task.observables, measurement.observables)
    return measurement
