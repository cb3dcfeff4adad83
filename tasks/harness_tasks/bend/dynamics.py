"""The published way to apply a load: a ramp and then molecular dynamics at constant temperature."""

from __future__ import annotations

import numpy as np
from ase import Atoms

from harness.contracts.task import Context, Stage
from harness.engine.dynamics import advance, warm
from harness.stats import block_average, number
from harness_tasks.structures.ribbon import Ribbon

#: Name of the sequence of loads in the stage of a ribbon.
LOADS = "loads"


def hold_at_temperature(
    ctx: Context, atoms: Atoms, ribbon: Ribbon, stage: Stage, *, seed: int, added: float
) -> tuple[float, float]:
    """Ramp and hold one load; `atoms` ends as the mean structure of the second half of the samples.

    Javvaji et al. (Adv. Energy Mater. 12, 2201370 (2022)) apply a displacement during 10 steps and then let 10,000
    steps of 0.5 fs pass at 1 K, with data every 1000 steps. Here the free atoms follow the edges affinely during the
    ramp. Chunks of `sample_every` steps start from positions and velocities alone, with a seed of their own, so a
    run that goes on from its checkpoint repeats the same numbers.

    Parameters
    ----------
    stage
        Keeps the load that is under way, until it is appended to `LOADS`.
    added
        End shortening that the ramp adds, Å; `atoms` is still at the load before.

    Returns
    -------
    tuple
        Mean potential energy (eV), and the half width of its interval per free atom and Å, which stands in for a
        residual force (eV/Å).
    """
    params = ctx.params
    free = ~ribbon.held
    state = stage.partial(LOADS)
    if state is None:
        warm(ctx, atoms, free, [ctx.seed, seed])
        for step in range(params.ramp_steps if added else 0):
            _shorten(atoms, ribbon, added / params.ramp_steps)
            advance(ctx, atoms, ribbon.held, 1, params.ensemble, [ctx.seed, seed, 0, step])
        state = {
            "positions": atoms.positions.copy(),
            "momenta": atoms.get_momenta(),
            "samples": np.zeros((0, len(atoms), 3)),
            "energies": np.zeros(0),
        }
    elif added:
        _shorten(atoms, ribbon, added)
    chunks = max(1, params.relaxation_steps // params.sample_every)
    for chunk in range(len(state["energies"]), chunks):
        atoms.positions = state["positions"]
        atoms.set_momenta(state["momenta"])
        advance(ctx, atoms, ribbon.held, params.sample_every, params.ensemble, [ctx.seed, seed, chunk + 1])
        energy = ctx.engine.evaluate([atoms], ["energy"])[0]["energy"]
        state = {
            "positions": atoms.positions.copy(),
            "momenta": atoms.get_momenta(),
            "samples": np.concatenate([state["samples"], atoms.positions[None]]),
            "energies": np.append(state["energies"], energy),
        }
        if chunk + 1 < chunks:
            stage.keep_partial(LOADS, state)
    half = chunks // 2
    atoms.positions = state["samples"][half:].mean(axis=0)
    average = block_average(state["energies"][half:], "eV")
    spread = 0.0 if average.interval is None else (average.interval[1] - average.interval[0]) / 2
    return number(average), spread / max(int(free.sum()), 1)


def _shorten(atoms: Atoms, ribbon: Ribbon, by: float) -> None:
    atoms.positions[:, 1] -= by * ribbon.follows
    if ribbon.periodic:
        atoms.cell[1, 1] -= by
