"""The structures of the task `moire_relax`: made, started, relaxed, kept."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms

from harness.protocols import Context, Progress
from harness_tasks.moire_cells import Moire, mismatched, twist_angle, twisted
from harness_tasks.moire_continuum import Relaxed, displaced, relax_sheets
from harness_tasks.moire_landscape import Landscape
from harness_tasks.moire_relax_params import MoireParams
from harness_tasks.motion_watch import Watch
from harness_tasks.sliding_path import Work


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


def moires(material: Mapping[str, Any], antiparallel: bool, params: MoireParams) -> dict[str, Moire]:
    """The cells by name, smallest first."""
    cells = {f"{twist_angle(n):.2f}deg": twisted(material, n, antiparallel=antiparallel) for n in params.twists}
    for n in params.mismatch:
        cells[f"mismatch{'m' if n < 0 else ''}{abs(n)}"] = mismatched(material, n, antiparallel=antiparallel)
    return dict(sorted(cells.items(), key=lambda entry: len(entry[1].atoms)))


def relax_moire(
    ctx: Context, work: Work, name: str, moire: Moire, landscape: Landscape | None, bar: Progress
) -> Structure:
    """Relax one cell, or take what the checkpoint has of it."""
    params: MoireParams = ctx.params
    sheets = None if landscape is None else relax_sheets(moire, landscape)
    key = f"moire/{name}"
    if key not in work.points:
        started = time.monotonic()
        registry_start = params.start == "registry" and sheets is not None
        atoms = displaced(moire, sheets) if registry_start and sheets is not None else moire.atoms.copy()
        watch = Watch(moire.atoms, max_grade=None)
        noise = float((getattr(ctx.potential, "noise", None) or {}).get("forces", 0.0))
        end = ctx.engine.relax(
            atoms, fmax=max(params.fmax, 2 * noise), max_steps=params.max_steps, optimizer=params.optimizer
        )
        finite = np.isfinite(end.fmax)
        energy = float(ctx.engine.evaluate([atoms], ["energy"])[0]["energy"]) if finite else np.nan
        reason = (watch.reason(atoms, energy, 0.0, 0.0) or "") if finite else "its energy became infinite"
        entry = {
            "positions": atoms.positions,
            "energy": energy,
            "fmax": end.fmax,
            "force_calls": end.force_calls,
            "converged": end.converged,
            "optimizer": np.array(end.optimizer),
            "reason": np.array(reason),
        }
        work.points.put(key, entry, started)
        work.points.save()
    found = work.points[key]
    bar.update(len(moire.atoms), name)
    return Structure(
        name,
        moire,
        sheets,
        np.array(found["positions"]),
        float(found["energy"]),
        float(found["fmax"]),
        int(found["force_calls"]),
        bool(found["converged"]),
        str(found["optimizer"]),
        str(found["reason"]),
    )
