"""The sweeps of the task `tc_sweep`: temperatures up and down, one after another; legs that are done survive a kill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms

from harness.contracts.engine import Motion, UnphysicalError
from harness.contracts.task import Context, Entry, Stage
from harness.engine.watch import Watch
from harness_tasks.tc_sweep.order_parameter import Shift, im_psi

#: Columns of a sample: registry of the layers (two fractions), mean Im ψ of the cells, kinetic temperature.
COLUMNS = 4


@dataclass(slots=True)
class Sweep:
    """One way up and down.

    Attributes
    ----------
    samples
        Of each temperature that was finished, up and then down, (temperatures, samples, `COLUMNS`).
    ended
        Step, temperature (K) and reason of unphysical motion; None when there was none.
    """

    samples: np.ndarray
    ended: tuple[int, float, str] | None = None


def sweeps(ctx: Context, sheet: Atoms, registry: np.ndarray, rising: np.ndarray, stage: Stage) -> list[Sweep]:
    """All repeats; `stage` advances by their steps.

    Parameters
    ----------
    sheet, registry
        The relaxed sheet, and its registry in fractions of the primitive cell.
    rising
        Temperatures, K; on the way down the highest is not visited again.
    """
    way = np.concatenate([rising, rising[-2::-1]])
    steps = len(way) * ctx.params.steps
    found = []
    for number in range(ctx.params.repeats):
        with stage.stage(weight=steps, total=steps) as part:
            name = f"sweep{number}"
            if name not in part:
                part.keep(name, _sweep(ctx, sheet, registry, way, number, part))
            entry = part[name]
            found.append(Sweep(entry["samples"], _ended(entry)))
    return found


def _ended(entry: Entry) -> tuple[int, float, str] | None:
    return (entry["step"], entry["temperature"], entry["reason"]) if entry["reason"] else None


def _sweep(
    ctx: Context, sheet: Atoms, registry: np.ndarray, way: np.ndarray, number: int, stage: Stage
) -> dict[str, Any]:
    """One sweep, from its beginning or from the last leg that was kept; what it ended by, if it did."""
    params, name = ctx.params, f"sweep{number}"
    atoms = sheet.copy()
    done = np.zeros((0, _count(params), COLUMNS), dtype=np.float32)
    current = np.zeros((0, COLUMNS), dtype=np.float32)
    state = stage.partial(name)
    motion = ctx.engine.dynamics(
        atoms,
        ensemble=params.ensemble,
        temperature=float(way[0]),
        seed=[ctx.seed, number],
        timestep=params.timestep,
        damping=params.damping,
        watch=Watch(atoms, max_grade=params.max_grade),
        resume=state,
    )
    if state is not None:
        done, current = state["done"], state["current"]
        stage.advance(motion.step, f"sweep {number + 1}")
    shift = Shift(sheet, registry, params.cells)
    taken: list[list[float]] = []

    def observe(motion: Motion) -> None:
        if (motion.step - 1) % params.steps >= params.skipped:
            local = shift.local(motion.atoms.positions)
            taken.append([*local.mean(axis=0), float(im_psi(local).mean()), motion.kinetic_temperature])

    while len(done) < len(way):
        temperature = float(way[len(done)])
        left = (len(done) + 1) * params.steps - motion.step
        steps = min(params.leg, left)
        taken.clear()
        try:
            motion.run(steps, temperature, observe, params.sample_every)
        except UnphysicalError as end:
            return {"samples": done, "step": motion.step, "temperature": temperature, "reason": end.reason}
        current = np.concatenate([current, np.array(taken, dtype=np.float32).reshape(-1, COLUMNS)])
        if steps == left:
            done, current = np.concatenate([done, current[None]]), current[:0]
        stage.keep_partial(name, motion.state() | {"done": done, "current": current})
        stage.advance(steps, f"sweep {number + 1}, {temperature:.0f} K")
    return {"samples": done, "step": motion.step, "temperature": float(way[-1]), "reason": ""}


def _count(params: Any) -> int:
    """Samples that count at a temperature; legs have their own rhythm."""
    starts = range(0, params.steps, params.leg)
    ends = [min(start + params.leg, params.steps) for start in starts]
    steps = [start + n for start, end in zip(starts, ends, strict=True)
             for n in range(params.sample_every, end - start + 1, params.sample_every)]  # fmt: skip
    return sum(step > params.skipped for step in steps)
