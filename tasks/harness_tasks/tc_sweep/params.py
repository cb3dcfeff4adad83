"""Parameters of the task `tc_sweep`, and the temperatures that follow from them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from annotated_types import Gt, Le

from harness.contracts.parameters import (
    Count,
    Damping,
    Duration,
    ForceTolerance,
    Fraction,
    Grade,
    Temperature,
    Timestep,
)
from harness.engine.extrapolation import TRUSTED
from harness.errors import HarnessError


@dataclass(frozen=True, slots=True)
class TcSweepParams:
    """Parameters of `tc_sweep`.

    Attributes
    ----------
    cells
        The sheet has cells × cells primitive cells of four atoms.
    highest, step
        K; null: temperatures in even steps up to `reach` times the Arrhenius estimate of the cell at hand.
    lowest
        K; the first temperature where `highest` and `step` are given, multiples of `step` follow.
    reach, points
        Of the temperatures that are chosen here.
    time
        At each temperature, ps.
    discard
        Share of it that is left out of averages.
    timestep, ensemble, damping
        fs; ``langevin`` or ``nose_hoover``; relaxation time of the thermostat, fs.
    repeats
        Sweeps with noise of their own.
    sample_every, leg
        Steps between samples, and between points from which a run that was killed can go on.
    relax_cell
        Take the potential's own lattice constant in place of the material's; it stays while temperature rises.
    fmax, max_steps
        Of relaxations, eV/Å.
    max_grade
        Extrapolation grade that ends a sweep; null: none.
    """

    cells: Count = 2
    lowest: Temperature = 1.0
    highest: Temperature | None = None
    step: Temperature | None = None
    reach: Annotated[float, Gt(0), Le(100)] = 2.0
    points: Count = 4
    time: Duration = 2.5
    discard: Fraction = 0.2
    timestep: Timestep = 2.0
    ensemble: Literal["langevin", "nose_hoover"] = "langevin"
    damping: Damping = 500.0
    repeats: Count = 5
    sample_every: Count = 5
    leg: Count = 250
    relax_cell: bool = False
    fmax: ForceTolerance = 1e-4
    max_steps: Count = 200
    max_grade: Grade | None = TRUSTED

    def __post_init__(self) -> None:
        if (self.highest is None) != (self.step is None):
            raise HarnessError(
                "task.params.highest and step belong together.", "Give both, or neither for an estimate."
            )
        if self.highest is not None and self.highest <= self.lowest:
            raise HarnessError(f"task.params.highest is {self.highest:g} K.", f"Give more than {self.lowest:g} K.")
        if self.steps - self.skipped < 2 * self.sample_every:
            raise HarnessError("task.params.time leaves fewer than two samples.", "Give a longer time.")

    @property
    def steps(self) -> int:
        """At each temperature."""
        return round(1000 * self.time / self.timestep)

    @property
    def skipped(self) -> int:
        """Steps before the first sample that counts."""
        return round(self.discard * self.steps)

    def temperatures(self, estimate: float) -> np.ndarray:
        """Rising, K; `estimate` is that of the Curie temperature."""
        if self.highest is None or self.step is None:
            return estimate * self.reach * np.arange(1, self.points + 1) / self.points
        steps = self.step * np.arange(math.floor(self.lowest / self.step) + 1, math.floor(self.highest / self.step) + 1)
        return np.concatenate([[self.lowest], steps])
