"""Points of a series, evaluated or relaxed one after another; finished ones survive a kill."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import numpy as np
from ase import Atoms

from harness.contracts.measurement import Arrays
from harness.contracts.task import Checkpoint, Context, Progress

#: Points are evaluated together as long as that takes no longer than this, so that no more than this is ever lost, s.
LOST_AT_MOST = 2.0
#: Most structures handed to the engine at once.
BATCH = 64


class Points:
    """Named points with their numbers, kept in the checkpoint.

    Parameters
    ----------
    checkpoint
        Of the context; a name and a field become one array, ``name|field``.
    lost_at_most
        Saves are at least this far apart, s.
    """

    def __init__(self, checkpoint: Checkpoint, lost_at_most: float = LOST_AT_MOST) -> None:
        self.lost_at_most = lost_at_most
        self._checkpoint = checkpoint
        self._points: dict[str, Arrays] = {}
        for key, value in (checkpoint.load() or {}).items():
            name, _, slot = key.rpartition("|")
            self._points.setdefault(name, {})[slot] = value
        self._unsaved_since: float | None = None

    def __contains__(self, name: str) -> bool:
        return name in self._points

    def __getitem__(self, name: str) -> Arrays:
        return self._points[name]

    def put(self, name: str, values: Mapping[str, float | np.ndarray | Sequence[float]], started: float) -> None:
        """Keep a finished point, whose work began at `started` (``time.monotonic``), and save when it is time."""
        self._points[name] = {slot: np.asarray(value) for slot, value in values.items()}
        self._unsaved_since = started if self._unsaved_since is None else self._unsaved_since
        if time.monotonic() - self._unsaved_since >= self.lost_at_most:
            self.save()

    def save(self) -> None:
        """Write the checkpoint if there is anything new."""
        if self._unsaved_since is not None:
            flat = {f"{name}|{slot}": v for name, entry in self._points.items() for slot, v in entry.items()}
            self._checkpoint.save(flat)
            self._unsaved_since = None


def evaluate(
    ctx: Context, points: Points, structures: Mapping[str, Atoms], properties: Sequence[str], bar: Progress
) -> None:
    """The `properties` of each named structure; those that `points` knows already are not evaluated again.

    The number handed to the engine at once follows from how long the first ones took, never from what they are.
    """
    done = [name for name in structures if name in points]
    bar.update(len(done))
    left = [name for name in structures if name not in points]
    size = 1
    while left:
        names, left = left[:size], left[size:]
        started = time.monotonic()
        results = ctx.engine.evaluate([structures[name] for name in names], properties)
        for name, found in zip(names, results, strict=True):
            points.put(name, found, started)
        seconds = (time.monotonic() - started) / len(names)
        size = int(np.clip(0.5 * points.lost_at_most / max(seconds, 1e-9), 1, BATCH))
        bar.update(len(names), names[-1])
    points.save()


def relax(
    ctx: Context, points: Points, name: str, atoms: Atoms, fmax: float, max_steps: int, bar: Progress, work: float = 1.0
) -> Atoms:
    """Relax a copy of `atoms` under its constraints, or take the relaxed one from `points`.

    The point holds ``positions``, ``energy`` (eV), ``fmax`` (eV/Å; nan where the energy became infinite) and
    ``converged``. A potential that states its ``noise`` is not asked for smaller forces than that.
    """
    relaxed = atoms.copy()
    if name not in points:
        started = time.monotonic()
        noise = float((getattr(ctx.potential, "noise", None) or {}).get("forces", 0.0))
        goal = max(fmax, 2 * noise)
        result = ctx.engine.relax(relaxed, fmax=goal, max_steps=max_steps, optimizer="lbfgs")
        energy = ctx.engine.evaluate([relaxed], ["energy"])[0]["energy"] if np.isfinite(result.fmax) else np.nan
        entry = {"positions": relaxed.positions, "energy": energy, "fmax": result.fmax, "converged": result.converged}
        points.put(name, entry, started)
    relaxed.positions = points[name]["positions"]
    bar.update(work, name)
    return relaxed
