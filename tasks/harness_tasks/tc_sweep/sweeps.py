"""The sweeps of the task `tc_sweep`: temperatures up and down, one after another, kept in the checkpoint."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ase import Atoms

from harness.contracts.engine import Motion, UnphysicalError
from harness.contracts.task import Context, Progress
from harness.engine.watch import Watch
from harness_tasks.services.points import LOST_AT_MOST
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


@dataclass(slots=True)
class _Saved:
    """The checkpoint: arrays by name, written no more often than every `LOST_AT_MOST` seconds."""

    ctx: Context
    arrays: dict[str, Any] = field(default_factory=dict)
    last: float = field(default_factory=time.monotonic)

    def put(self, entries: Mapping[str, Any], now: bool = False) -> None:
        self.arrays |= entries
        started = time.monotonic()
        if now or started - self.last >= LOST_AT_MOST:
            self.ctx.checkpoint.save(self.arrays)
            took = time.monotonic() - started
            self.last = time.monotonic() + 20 * took  # long histories are written less often


def sweeps(
    ctx: Context, sheet: Atoms, registry: np.ndarray, rising: np.ndarray, known: Mapping[str, Any], bar: Progress
) -> list[Sweep]:
    """All repeats.

    Parameters
    ----------
    sheet, registry
        The relaxed sheet, and its registry in fractions of the primitive cell.
    rising
        Temperatures, K; on the way down the highest is not visited again.
    known
        What the checkpoint holds; more is added to it.
    """
    saved = _Saved(ctx, dict(known))
    way = np.concatenate([rising, rising[-2::-1]])
    found = [_sweep(ctx, sheet, registry, way, number, saved, bar) for number in range(ctx.params.repeats)]
    saved.put({}, now=True)
    return found


def _sweep(
    ctx: Context, sheet: Atoms, registry: np.ndarray, way: np.ndarray, number: int, saved: _Saved, bar: Progress
) -> Sweep:
    params, prefix = ctx.params, f"sweep{number}/"
    atoms = sheet.copy()
    state = {name.removeprefix(prefix): saved.arrays[name] for name in saved.arrays if name.startswith(prefix)}
    done = np.zeros((0, _count(params), COLUMNS), dtype=np.float32)
    current = np.zeros((0, COLUMNS), dtype=np.float32)
    if "ended" in state:
        step, temperature, reason = state["ended"]
        bar.update(len(way) * params.steps, f"sweep {number + 1}")
        return Sweep(state["done"], (int(step), float(temperature), str(reason)))
    motion = ctx.engine.dynamics(
        atoms,
        ensemble=params.ensemble,
        temperature=float(way[0]),
        seed=[ctx.seed, number],
        timestep=params.timestep,
        damping=params.damping,
        watch=Watch(atoms, max_grade=params.max_grade),
        resume=state or None,
    )
    if state:
        done, current = state["done"], state["current"]
        bar.update(motion.step, f"sweep {number + 1}")
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
            entry = np.array([str(motion.step), str(temperature), end.reason])
            saved.put(_named(prefix, {"done": done, "current": current, "ended": entry}), now=True)
            bar.update(len(way) * params.steps - motion.step)
            return Sweep(done, (motion.step, temperature, end.reason))
        current = np.concatenate([current, np.array(taken, dtype=np.float32).reshape(-1, COLUMNS)])
        if steps == left:
            done, current = np.concatenate([done, current[None]]), current[:0]
        saved.put(_named(prefix, motion.state() | {"done": done, "current": current}))
        bar.update(steps, f"sweep {number + 1}, {temperature:.0f} K")
    return Sweep(done)


def _count(params: Any) -> int:
    """Samples that count at a temperature; legs have their own rhythm."""
    starts = range(0, params.steps, params.leg)
    ends = [min(start + params.leg, params.steps) for start in starts]
    steps = [start + n for start, end in zip(starts, ends, strict=True)
             for n in range(params.sample_every, end - start + 1, params.sample_every)]  # fmt: skip
    return sum(step > params.skipped for step in steps)


def _named(prefix: str, entries: Mapping[str, Any]) -> dict[str, Any]:
    return {prefix + name: value for name, value in entries.items()}
