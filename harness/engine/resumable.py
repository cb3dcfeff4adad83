"""Evaluations and relaxations of named structures; what a stage has kept of them is not done again."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import numpy as np
from ase import Atoms

from harness.contracts.engine import Engine
from harness.contracts.potential import Noise
from harness.contracts.task import Stage

#: Most structures handed to the engine at once.
BATCH = 64


def evaluate(engine: Engine, stage: Stage, structures: Mapping[str, Atoms], properties: Sequence[str]) -> None:
    """Keep the `properties` of each named structure in `stage`, which advances by one for each.

    The number handed to the engine at once follows from how long the first ones took, never from what they are.

    Parameters
    ----------
    engine
        Evaluates the structures.
    stage
        Keeps the results under the names of the structures.
    structures
        By name; left unchanged.
    properties
        ASE's names.
    """
    left = [name for name in structures if name not in stage]
    stage.advance(len(structures) - len(left))
    size = 1
    while left:
        names, left = left[:size], left[size:]
        started = time.monotonic()
        results = engine.evaluate([structures[name] for name in names], properties)
        seconds = (time.monotonic() - started) / len(names)
        for name, found in zip(names, results, strict=True):
            stage.keep(name, found)
        size = int(np.clip(0.5 * stage.lost_at_most / max(seconds, 1e-9), 1, BATCH))
        stage.advance(len(names), names[-1])


def relax(
    engine: Engine,
    stage: Stage,
    name: str,
    atoms: Atoms,
    *,
    fmax: float,
    max_steps: int,
    noise: Noise,
    work: float = 1.0,
) -> Atoms:
    """Relax a copy of `atoms` under its constraints, or take the relaxed one from `stage`, which advances by `work`.

    The entry holds ``positions``, ``energy`` (eV), ``fmax`` (eV/Å; nan where the energy became infinite) and
    ``converged``.

    Parameters
    ----------
    fmax
        Largest force on an atom at the end, eV/Å; not below what `noise` lets be reached.
    """
    relaxed = atoms.copy()
    if name not in stage:
        result = engine.relax(relaxed, fmax=noise.reachable(fmax), max_steps=max_steps, optimizer="lbfgs")
        energy = engine.evaluate([relaxed], ["energy"])[0]["energy"] if np.isfinite(result.fmax) else np.nan
        entry = {"positions": relaxed.positions, "energy": energy, "fmax": result.fmax, "converged": result.converged}
        stage.keep(name, entry)
    relaxed.positions = stage[name]["positions"]
    stage.advance(work, name)
    return relaxed
