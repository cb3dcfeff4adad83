"""Relaxation of moiré cells: started from elastic sheets or rigid layers, watched, kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from ase import Atoms

from harness.contracts.engine import Engine, Optimizer, Relaxation, UnphysicalError
from harness.contracts.measurement import Arrays, Check
from harness.contracts.task import Stage
from harness.engine.watch import Watch
from harness_tasks.moire.cells import Moire
from harness_tasks.moire.continuum import Relaxed, displaced, relax_sheets
from harness_tasks.moire.landscape import Landscape

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


@dataclass(frozen=True, slots=True)
class RelaxationSettings:
    """How moiré cells are relaxed.

    Attributes
    ----------
    fmax
        Largest force that is left, eV/Å.
    optimizer, max_steps
        As for `harness.contracts.engine.Engine.relax`.
    start
        ``registry``: from elastic sheets over the landscape, where there is one; ``rigid``: from flat layers.
    max_grade
        Extrapolation grade that ends a relaxation; None: none.
    """

    fmax: float
    optimizer: Optimizer
    max_steps: int
    start: Literal["registry", "rigid"]
    max_grade: float | None


def relax_moire(
    engine: Engine, name: str, moire: Moire, landscape: Landscape | None, stage: Stage, settings: RelaxationSettings
) -> Structure:
    """Relax one cell, or take what `stage` has kept of it; `stage` advances by its atoms.

    Parameters
    ----------
    engine
        It relaxes and evaluates.
    name
        Of the cell, in `stage` and in the result.
    moire
        The cell with rigid layers.
    landscape
        Of the registries, for the start; None: there is none.
    stage
        Keeps the finished structure, and the state of one under way.
    settings
        Where it starts and when it ends.
    """
    sheets = None if landscape is None else relax_sheets(moire, landscape)
    key = f"moire/{name}"
    if key not in stage:
        begin = moire.atoms if sheets is None or settings.start == "rigid" else displaced(moire, sheets)
        stage.keep(key, _relaxed(engine, stage, key, moire, begin, settings))
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


def _relaxed(
    engine: Engine, stage: Stage, key: str, moire: Moire, begin: Atoms, settings: RelaxationSettings
) -> dict[str, Any]:
    """Relax from `begin`, or from where a run that was cut off had saved it."""
    partial = stage.partial(key)
    atoms = begin.copy()
    steps, before, memory = 0, 0, {}
    if partial is not None:
        atoms.positions = partial["positions"]
        steps, before = partial["steps"], partial["force_calls"] - 1  # the last one is made again
        memory = partial["memory"]
    watch, calls = Watch(moire.atoms, max_grade=settings.max_grade), engine.force_calls

    def observe(now: Atoms, state: Callable[[], Arrays]) -> None:
        nonlocal steps
        reason = watch.reason(now, now.get_potential_energy(), 0.0, 0.0)
        if reason is None and steps % GRADED == 0:
            reason = watch.extrapolates(now, engine.extrapolation_grade)
        if reason is not None:
            raise UnphysicalError(reason, steps)
        if stage.due:
            made = before + engine.force_calls - calls
            entry = {"positions": now.positions, "steps": steps, "force_calls": made, "memory": state()}
            stage.keep_partial(key, entry)
        steps += 1

    reason = ""
    try:
        end = engine.relax(
            atoms,
            fmax=settings.fmax,
            max_steps=max(1, settings.max_steps - steps),
            optimizer=settings.optimizer,
            observe=observe,
            memory=memory,
        )
        beyond = watch.extrapolates(atoms, engine.extrapolation_grade) if np.isfinite(end.fmax) else None
        if beyond is not None:
            raise UnphysicalError(beyond, steps)
    except UnphysicalError as found:
        end, reason = Relaxation(False, engine.force_calls - calls, np.nan, settings.optimizer), str(found)
    finite = bool(np.isfinite(end.fmax))
    if not finite and not reason:
        reason = f"step {steps}: its energy became infinite"
    return {
        "positions": atoms.positions,
        "energy": float(engine.evaluate([atoms], ["energy"])[0]["energy"]) if finite else np.nan,
        "fmax": end.fmax,
        "force_calls": before + end.force_calls,
        "converged": end.converged,
        "optimizer": end.optimizer,
        "reason": reason,
    }
