"""Layers that move at a temperature while a field grows: the field at which they first reach SP.

The field is an external force at every step of the engine's dynamics. A finished run, and the legs of one that is under
way, survive a kill.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from ase import Atoms

from harness.contracts.engine import Motion, UnphysicalError
from harness.contracts.task import Context, Entry, Stage
from harness.engine.field import FieldForce
from harness.engine.watch import Watch
from harness_tasks.coercive_field.params import CoerciveFieldParams
from harness_tasks.coercive_field.path_model import PathModel
from harness_tasks.coercive_field.switching import SlidingPath, slipped
from harness_tasks.polarization.responses import Responses
from harness_tasks.sliding_path.path import SlidingState

#: Steps between two entries of a run's history.
SAMPLE = 20
#: How a run ended: the layers passed SP; the field went to its end without that; unphysical motion.
PASSED, HELD, UNPHYSICAL = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Plan:
    """One run: temperature (K), E∥ (V/Å) and how E⊥ grows.

    Attributes
    ----------
    kind
        ``ramp`` or ``steps``.
    start, end
        E⊥, V/Å.
    numbers
        Indices of temperature, E∥ and repetition, which make its noise its own.
    """

    kind: str
    temperature: float
    parallel: float
    start: float
    end: float
    numbers: tuple[int, int, int]

    @property
    def name(self) -> str:
        """In the stage of the runs."""
        return f"{self.kind}/" + "/".join(str(n) for n in self.numbers)

    def steps(self, params: CoerciveFieldParams) -> int:
        """Of the dynamics, when the layers do not switch."""
        span = self.end - self.start
        duration = span / params.ramp if self.kind == "ramp" else params.hold * math.ceil(span / params.step)
        return math.ceil(1e3 * (duration + params.equilibration) / params.timestep)

    def perpendicular(self, step: int, params: CoerciveFieldParams) -> float:
        """E⊥ at `step`, V/Å; the starting field is switched on after the equilibration."""
        since = 1e-3 * step * params.timestep - params.equilibration  # ps
        if since < 0:
            return math.nan
        if self.kind == "ramp":
            return self.start + params.ramp * since
        return self.start + params.step * math.floor(since / params.hold)


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a `Plan`.

    Attributes
    ----------
    ended
        `PASSED`, `HELD` or `UNPHYSICAL`.
    field
        E⊥ when the layers passed SP, V/Å; 0 when they did so without a field, nan when they did not.
    way
        0: along the path; 1 and 2: along those 120° and 240° from it; −1: none.
    step
        At which it ended.
    history
        Step, E⊥ (V/Å), slip along and across the path from BA (Å); (n, 4).
    charges
        Slip forces of old and of new Born charges, (m, 2) eV/Å.
    reason
        Of unphysical motion.
    """

    plan: Plan
    ended: int
    field: float
    way: int
    step: int
    history: np.ndarray
    charges: np.ndarray
    reason: str


def plans(params: CoerciveFieldParams, model: PathModel) -> Iterator[Plan]:
    """All runs, in the order in which they are done; E⊥ starts and ends at multiples of the path's coercive field."""
    kinds = [("ramp", params.ramp, params.ramp_parallels), ("steps", params.step, params.step_parallels)]
    for kind, pace, parallels in kinds:
        if not pace:
            continue
        for i, temperature in enumerate(params.temperatures):
            for j, parallel in enumerate(parallels):
                alone = max(model.coercive_field(parallel), 0.1 * model.vertical_field())
                for k in range(params.seeds):
                    start, end = params.ramp_start * alone, params.ramp_end * alone
                    yield Plan(kind, temperature, parallel, start, end, (i, j, k))


class _Passed(Exception):
    """The layers are at SP."""


class Runner:
    """Makes runs of one supercell.

    Parameters
    ----------
    way
        Where BA is, and how fields lie.
    model
        Knows how far SP is.
    """

    def __init__(self, ctx: Context, work: SlidingState, way: SlidingPath, model: PathModel) -> None:
        self._ctx, self._work, self._way = ctx, work, way
        self._small = slipped(work, way, model.start)
        self._cell = self._small.repeat((ctx.params.size, ctx.params.size, 1))
        self._upper = self._cell.arrays["layer"] == 1
        self._lower = ~self._upper
        self._half = -model.start
        slip, turn = way.axes.slip[:2], np.array([[0.0, -1.0], [1.0, 0.0]])
        c, s = -0.5, math.sqrt(0.75)
        ways = [slip, c * slip + s * turn @ slip, c * slip - s * turn @ slip]
        self._ways, self._across = np.array(ways), turn @ slip

    @property
    def atoms(self) -> Atoms:
        """The supercell at BA."""
        return self._cell.copy()

    def run(self, plan: Plan, stage: Stage) -> Run:
        """Do `plan`, or take what `stage` has kept of it; `stage` advances by its steps."""
        total = plan.steps(self._ctx.params)
        with stage.stage(weight=total, total=total) as part:
            if plan.name not in part:
                part.keep(plan.name, self._go(plan, part, total))
            return Run(plan, **part[plan.name])

    def _go(self, plan: Plan, stage: Stage, total: int) -> Entry:
        params = self._ctx.params
        atoms = self.atoms
        axes = self._way.axes

        def field(step: int) -> np.ndarray:
            across = plan.perpendicular(step, params)
            return np.zeros(3) if math.isnan(across) else axes.field(plan.parallel, across)

        sliding = np.zeros((len(atoms), 3))
        sliding[self._upper] = axes.slip
        pull = FieldForce(Responses.of(self._ctx), field, params.born_every, sliding, self._small)
        origin, watch = self._slip(atoms), Watch(atoms)
        history: list[list[float]] = []
        state = stage.partial(plan.name)
        if state is not None:
            history, pull.errors = state["history"].tolist(), [tuple(pair) for pair in state["errors"].tolist()]
        motion = self._ctx.engine.dynamics(
            atoms,
            ensemble=params.ensemble,
            temperature=plan.temperature,
            seed=[self._ctx.seed, 0 if plan.kind == "ramp" else 1, *plan.numbers],
            timestep=params.timestep,
            damping=params.damping,
            external_force=pull,
            watch=watch,
            resume=state,
        )
        way = -1

        def observe(motion: Motion) -> None:
            nonlocal way
            slip = self._slip(motion.atoms) - origin
            progress = self._ways @ slip
            passed = progress.max() >= self._half
            if passed or motion.step % SAMPLE == 0:
                along, aside = float(slip @ self._ways[0]), float(slip @ self._across)
                history.append([motion.step, plan.perpendicular(motion.step, params), along, aside])
            if passed:
                way = int(progress.argmax())
                raise _Passed

        ended, reason, done = HELD, "", motion.step
        stage.advance(done, plan.name)
        try:
            while motion.step < total:
                pull.renew()
                motion.run(min(params.leg, total - motion.step), observe=observe)
                stage.advance(motion.step - done, plan.name)
                done = motion.step
                kept = {"history": np.array(history), "errors": np.array(pull.errors).reshape(-1, 2)}
                stage.keep_partial(plan.name, motion.state() | kept)
        except _Passed:
            ended = PASSED
        except UnphysicalError as error:
            ended, reason = UNPHYSICAL, str(error)
        last = plan.perpendicular(motion.step, params)
        return {
            "ended": ended,
            "field": np.nan_to_num(last) if ended == PASSED else np.nan,
            "way": way,
            "step": motion.step,
            "history": np.array(history).reshape(-1, 4),
            "charges": np.array(pull.errors).reshape(-1, 2),
            "reason": reason,
        }

    def _slip(self, atoms: Atoms) -> np.ndarray:
        x = atoms.positions
        return np.asarray(x[self._upper, :2].mean(axis=0) - x[self._lower, :2].mean(axis=0))
