"""Move the edges of a ribbon inwards, load by load; a load that is done survives a kill."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from ase import Atoms

from harness.contracts.engine import UnphysicalError
from harness.contracts.measurement import Arrays
from harness.contracts.task import Context, Stage
from harness.engine.watch import Watch
from harness.units import N_PER_M
from harness_tasks.bend.dynamics import LOADS, hold_at_temperature
from harness_tasks.bend.flat_sheet import lateral_stress
from harness_tasks.bend.profiles import averages, shape_of
from harness_tasks.polarization.responses import Responses
from harness_tasks.structures.ribbon import Ribbon

#: A load counts as buckled above this share of the last curvature.
BUCKLED = 0.1
#: Growth of the shortening from load to load before buckling.
GROWTH = 1.5
#: Height of the bump at the start, in that of the last buckle. Large enough that the forces that make it grow are
#: not mistaken for convergence, small enough to leave the branch open.
BUMP = 0.3
#: Strain at which loading gives up.
LARGEST_STRAIN = 0.08
#: Residual lateral stress of a free width, N/m.
LATERAL = 0.01


@dataclass(slots=True)
class Load:
    """A ribbon at rest (or on average) under one load.

    Attributes
    ----------
    shortening
        By which the edges approached each other, Å.
    energy
        Potential energy, eV.
    forces_left
        Largest force on a free atom at the end of the relaxation, eV/Å.
    stress
        Sheet stress σ_zz, eV/Å²; nan where the potential offers no stress.
    mean_curvature, rms_curvature
        See `bend_profiles.averages`.
    polarization
        Arrays of the polarization model.
    """

    shortening: float
    positions: np.ndarray
    cell: np.ndarray
    energy: float
    forces_left: float
    force_calls: int
    stress: float
    mean_curvature: float
    rms_curvature: float
    polarization: Arrays = field(default_factory=dict)


@dataclass(slots=True)
class History:
    """All loads of one ribbon in the order in which they were applied; the first is none at all."""

    loads: list[Load] = field(default_factory=list)
    ended: str = ""  # why loading ended early

    def buckled(self, max_curvature: float) -> int | None:
        """Index of the first buckled load."""
        found = [i for i, load in enumerate(self.loads) if load.rms_curvature > BUCKLED * max_curvature]
        return found[0] if found else None


def next_shortening(
    ribbon: Ribbon, history: History, max_curvature: float, steps: int, even: float | None, max_loads: int
) -> float | None:
    """The next end shortening, Å, or None at the end; decided by the loads so far alone.

    Adaptive loads grow by half until the ribbon is found buckled. The geometry of the inextensible clamped buckle,
    Δ − Δ_c = κ² L³ / 8π², then tells the critical shortening, and further loads are spread evenly in κ² from there
    to the last curvature. The load that was found buckled first may lie anywhere; statics knows no history.

    Parameters
    ----------
    ribbon
        The ribbon.
    history
        Its loads so far.
    max_curvature
        Of the last load, 1/Å.
    steps
        Number of loads after buckling.
    even
        Step of even loads, Å; None: adaptive loads.
    max_loads
        Largest number of loads.
    """
    loads = history.loads
    if history.ended or len(loads) > max_loads:
        return None
    last = loads[-1]
    if even is not None:
        return None if last.rms_curvature >= max_curvature else last.shortening + even
    reach = ribbon.shortening_for(max_curvature)
    first = history.buckled(max_curvature)
    if first is None:
        grown = max(last.shortening * GROWTH, reach / steps)
        return grown if grown < LARGEST_STRAIN * ribbon.span else None
    done = len(loads) - 1 - first
    if done >= steps:
        return None
    critical = loads[first].shortening - ribbon.shortening_for(loads[first].rms_curvature)
    return max(critical, 0.0) + reach * (done + 1) / steps


class Loading:
    """Applies loads to one ribbon until its last curvature.

    Parameters
    ----------
    stage
        Keeps the loads of this ribbon.
    polarize
        Whether to ask the polarization model at each load.
    modulus
        Of the sheet, eV/Å²; needed for a free width.
    """

    def __init__(
        self, ctx: Context, ribbon: Ribbon, stage: Stage, *, steps: int, polarize: bool, modulus: float
    ) -> None:
        self.ctx, self.ribbon, self.stage = ctx, ribbon, stage
        self.steps, self.polarize, self.modulus = steps, polarize, modulus
        self._watch = Watch(ribbon.flat)

    def run(self) -> History:
        """All loads; those that the stage has kept are taken from there."""
        params = self.ctx.params
        history = History([Load(**entry) for entry in self.stage.sequence(LOADS)])
        # Who is bonded to whom is settled on the flat ribbon, also in a run that goes on from a checkpoint.
        self.ctx.engine.evaluate([self.ribbon.flat], ["energy"])
        if not history.loads:
            self._append(history, self.ribbon.flat.copy(), 0.0, 0.0)
        elif self._is_torn(history.loads[-1]):
            history.ended = self._torn_note(history.loads.pop())
        while not history.ended:
            target = next_shortening(
                self.ribbon, history, params.max_curvature, self.steps, params.step, params.max_loads
            )
            self.stage.advance(self._share(history) - self.stage.done, f"κ {history.loads[-1].rms_curvature:.4f}/Å")
            if target is None:
                break
            added = target - history.loads[-1].shortening if params.method == "dynamics" else 0.0
            self._append(history, self._start(history, target - added), target, added)
        if not history.ended and history.loads[-1].rms_curvature < 0.8 * params.max_curvature:
            history.ended = (
                f"loading gave up at {history.loads[-1].shortening:.3f} Å of shortening, before the last curvature"
            )
        return history

    def _append(self, history: History, atoms: Atoms, shortening: float, added: float) -> None:
        try:
            load = self._solve(atoms, shortening, len(history.loads), added)
        except UnphysicalError as error:
            if not history.loads:  # the flat ribbon does not hold, and there is nothing to evaluate
                raise
            history.ended = f"the dynamics at {shortening:.3f} Å of shortening ended: {error}"
            return
        self.stage.append(LOADS, {slot: getattr(load, slot) for slot in Load.__slots__})
        if self._is_torn(load):
            history.ended = self._torn_note(load)
        else:
            history.loads.append(load)

    def _start(self, history: History, target: float) -> Atoms:
        """A first guess: the last load, moved on; bumped while flat, scaled along the branch once buckled."""
        ribbon, last, params = self.ribbon, history.loads[-1], self.ctx.params
        start = last.positions.copy()
        flat = ribbon.flat.positions
        if history.buckled(params.max_curvature) is None:
            if last.rms_curvature < BUCKLED * params.max_curvature:
                sign = 1 if params.direction == "up" else -1
                start[:, 2] = flat[:, 2] + sign * ribbon.bump(BUMP * ribbon.amplitude_for(params.max_curvature))
        else:
            beyond = last.rms_curvature**2 + (target - last.shortening) / ribbon.shortening_for(1.0)
            ratio = math.sqrt(max(beyond, 0.0)) / last.rms_curvature
            ratio = min(max(ratio, 0.3), 3.0)
            displaced = start - flat
            displaced[:, 1] += last.shortening * ribbon.follows
            start[:, 2] = flat[:, 2] + ratio * displaced[:, 2]
            start[:, 1] = flat[:, 1] + ratio**2 * displaced[:, 1] - last.shortening * ribbon.follows
        atoms = ribbon.loaded(start, last.shortening, target)
        atoms.cell[0, 0] = last.cell[0, 0]
        return atoms

    def _solve(self, atoms: Atoms, shortening: float, index: int, added: float) -> Load:
        ctx, params, ribbon = self.ctx, self.ctx.params, self.ribbon
        before = ctx.engine.force_calls
        with ctx.clock("relaxation"):
            if params.method == "dynamics":
                energy, left = hold_at_temperature(ctx, atoms, ribbon, self.stage, seed=index, added=added)
            else:
                energy, left = self._relax(atoms)
        calls = ctx.engine.force_calls - before
        stress = math.nan
        if "stress" in ctx.potential.implemented_properties:
            voigt = ctx.engine.evaluate([atoms], ["stress"])[0]["stress"]
            stress = float(voigt[2] * atoms.cell[2, 2])
        response: Arrays = {}
        if self.polarize and np.isfinite(energy):
            with ctx.clock("polarization"):
                response = Responses.of(ctx)(atoms, ("dipole", "charges", "atomic_dipoles"))
        shape = shape_of(ribbon, atoms.positions, float(atoms.cell[1, 1]))
        return Load(
            shortening,
            atoms.positions.copy(),
            atoms.cell.array.copy(),
            energy,
            left,
            calls,
            stress,
            *averages(ribbon, shape),
            response,
        )

    def _relax(self, atoms: Atoms) -> tuple[float, float]:
        ctx, params = self.ctx, self.ctx.params
        for _ in range(6):
            end = ctx.engine.relax(
                atoms, fmax=params.fmax, max_steps=params.max_steps, fixed=self.ribbon.held, optimizer=params.optimizer
            )
            if params.lateral == "held":
                break
            stress = lateral_stress(ctx.engine, atoms)
            if abs(stress) * N_PER_M < LATERAL:
                break
            scale = 1 - stress / self.modulus
            atoms.positions[:, 0] *= scale
            atoms.cell[0, 0] *= scale
        return float(ctx.engine.evaluate([atoms], ["energy"])[0]["energy"]), end.fmax

    def _share(self, history: History) -> float:
        first = history.buckled(self.ctx.params.max_curvature)
        if first is None:
            reached = 0.3 * (1 - 0.8 ** len(history.loads))
            return reached if self.ctx.params.step is None else reached / 2
        if self.ctx.params.step is not None:
            return float(0.3 + 0.7 * min(1.0, (history.loads[-1].rms_curvature / self.ctx.params.max_curvature) ** 2))
        return 0.3 + 0.7 * (len(history.loads) - 1 - first) / self.steps

    def _is_torn(self, load: Load) -> bool:
        if not (np.isfinite(load.energy) and np.isfinite(load.positions).all()):
            return True
        atoms = self.ribbon.flat.copy()
        atoms.set_cell(load.cell)
        atoms.positions = load.positions
        return self._watch.broken_bond(atoms) is not None

    def _torn_note(self, load: Load) -> str:
        what = "a bond broke" if np.isfinite(load.energy) else "the energy became infinite"
        return f"the sheet tore at {load.shortening:.3f} Å of shortening: {what}"
