"""The structures of the task `moire_relax`: made, started, relaxed, kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms

from harness.contracts.engine import Relaxation, UnphysicalError
from harness.contracts.material import Material
from harness.contracts.measurement import Arrays, Check
from harness.contracts.task import Context, Stage
from harness.engine.watch import Watch
from harness_tasks.moire.cells import Moire, mismatched, twist_angle, twisted
from harness_tasks.moire.continuum import Relaxed, displaced, relax_sheets
from harness_tasks.moire.landscape import Landscape
from harness_tasks.moire_relax.params import MoireParams

#: Steps between two looks at the extrapolation grade, which costs as much as a force call.
GRADED = 10


@dataclass(frozen=True, slots=True)
class Structure:
    """One moiré, relaxed.

    Attributes
    ----------
    name
        ``21.79deg``, or ``mismatch9`` for mismatched cells, ``mismatchm11`` for a stretched layer.
    sheets
        What elastic sheets predict; None without a landscape.
    positions
        Å (N, 3).
    energy
        eV.
    fmax
        Largest force left, eV/Å.
    reason
        Why it is no structure of this material; empty when it is one.
    """

    name: str
    moire: Moire
    sheets: Relaxed | None
    positions: np.ndarray
    energy: float
    fmax: float
    force_calls: int
    converged: bool
    optimizer: str
    reason: str

    @property
    def atoms(self) -> Atoms:
        """The relaxed structure."""
        atoms = self.moire.atoms.copy()
        atoms.positions = self.positions
        return atoms

    def checks(self, name: str) -> list[Check]:
        """Whether it held together, and whether its relaxation converged; `name` ends the names of the checks."""
        held = self.reason or "layers stay whole and together, and within what the potential was trained on"
        made = [Check(f"lost_{name}", float(bool(self.reason)), 0.0, "1", held)]
        if not self.reason:
            left = f"{self.fmax:.2g} eV/Å are left after {self.force_calls} force calls; task.params.fmax has to be met"
            made.append(Check(f"not_converged_{name}", float(not self.converged), 0.0, "1", left))
        return made


def moires(material: Material, antiparallel: bool, params: MoireParams) -> dict[str, Moire]:
    """The cells by name, smallest first."""
    cells = {f"{twist_angle(n):.2f}deg": twisted(material, n, antiparallel=antiparallel) for n in params.twists}
    for n in params.mismatch:
        cells[f"mismatch{'m' if n < 0 else ''}{abs(n)}"] = mismatched(material, n, antiparallel=antiparallel)
    return dict(sorted(cells.items(), key=lambda entry: len(entry[1].atoms)))


def relax_moire(ctx: Context, name: str, moire: Moire, landscape: Landscape | None, stage: Stage) -> Structure:
    """Relax one cell, or take what `stage` has kept of it; `stage` advances by its atoms."""
    params: MoireParams = ctx.params
    sheets = None if landscape is None else relax_sheets(moire, landscape)
    key = f"moire/{name}"
    if key not in stage:
        begin = moire.atoms if sheets is None or params.start == "rigid" else displaced(moire, sheets)
        stage.keep(key, _relaxed(ctx, stage, key, moire, begin))
    found = stage[key]
    stage.advance(len(moire.atoms), name)
    return Structure(
        name,
        moire,
        sheets,
        found["positions"],
        found["energy"],
        found["fmax"],
        found["force_calls"],
        found["converged"],
        found["optimizer"],
        found["reason"],
    )


def _relaxed(ctx: Context, stage: Stage, key: str, moire: Moire, begin: Atoms) -> dict[str, Any]:
    """Relax from `begin`, or from where a run that was cut off had saved it."""
    params: MoireParams = ctx.params
    partial = stage.partial(key)
    atoms = begin.copy()
    steps, before, memory = 0, 0, {}
    if partial is not None:
        atoms.positions = partial["positions"]
        steps, before = partial["steps"], partial["force_calls"] - 1  # the last one is made again
        memory = partial["memory"]
    watch, calls = Watch(moire.atoms, max_grade=params.max_grade), ctx.engine.force_calls

    def observe(now: Atoms, state: Callable[[], Arrays]) -> None:
        nonlocal steps
        reason = watch.reason(now, now.get_potential_energy(), 0.0, 0.0)
        if reason is None and steps % GRADED == 0:
            reason = watch.extrapolates(now, ctx.engine.extrapolation_grade)
        if reason is not None:
            raise UnphysicalError(reason, steps)
        if stage.due:
            made = before + ctx.engine.force_calls - calls
            entry = {"positions": now.positions, "steps": steps, "force_calls": made, "memory": state()}
            stage.keep_partial(key, entry)
        steps += 1

    reason = ""
    try:
        end = ctx.engine.relax(
            atoms,
            fmax=ctx.noise.reachable(params.fmax),
            max_steps=max(1, params.max_steps - steps),
            optimizer=params.optimizer,
            observe=observe,
            memory=memory,
        )
        beyond = watch.extrapolates(atoms, ctx.engine.extrapolation_grade) if np.isfinite(end.fmax) else None
        if beyond is not None:
            raise UnphysicalError(beyond, steps)
    except UnphysicalError as found:
        end, reason = Relaxation(False, ctx.engine.force_calls - calls, np.nan, params.optimizer), str(found)
    finite = bool(np.isfinite(end.fmax))
    if not finite and not reason:
        reason = f"step {steps}: its energy became infinite"
    return {
        "positions": atoms.positions,
        "energy": float(ctx.engine.evaluate([atoms], ["energy"])[0]["energy"]) if finite else np.nan,
        "fmax": end.fmax,
        "force_calls": before + end.force_calls,
        "converged": end.converged,
        "optimizer": end.optimizer,
        "reason": reason,
    }
