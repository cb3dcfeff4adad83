"""The published way to apply a load: a ramp and then molecular dynamics at constant temperature."""

from __future__ import annotations

import numpy as np
from ase import Atoms

from harness.contracts.task import Context, Stage
from harness.engine.watch import Watch
from harness.stats import block_average, number
from harness_tasks.structures.ribbon import Ribbon

#: Name of the sequence of loads in the stage of a ribbon.
LOADS = "loads"
#: Relaxation time of the thermostat, in time steps.
DAMPING = 100


def hold_at_temperature(
    ctx: Context, atoms: Atoms, ribbon: Ribbon, stage: Stage, *, seed: int, added: float
) -> tuple[float, float]:
    """Ramp and hold one load; `atoms` ends as the mean structure of the second half of the samples.

    Javvaji et al. (Adv. Energy Mater. 12, 2201370 (2022)) apply a displacement during 10 steps and then let 10,000
    steps of 0.5 fs pass at 1 K, with data every 1000 steps. Here the free atoms follow the edges affinely during the
    ramp. Every step of the ramp and every `sample_every` steps after it are a leg of the dynamics, so a run that goes
    on from its checkpoint repeats the same numbers.

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

    Raises
    ------
    UnphysicalError
        When the ribbon tears.
    """
    params = ctx.params
    state = stage.partial(LOADS)
    motion = ctx.engine.dynamics(
        atoms,
        ensemble=params.ensemble,
        temperature=params.temperature,
        seed=[ctx.seed, seed],
        timestep=params.timestep,
        damping=DAMPING * params.timestep,
        held=ribbon.held,
        watch=Watch(ribbon.flat),
        resume=state,
    )
    samples, energies = np.zeros((0, len(atoms), 3)), np.zeros(0)
    if state is not None:
        samples, energies = state["samples"], state["energies"]
        atoms.set_cell(state["cell"])
    else:
        for _ in range(params.ramp_steps if added else 0):
            _shorten(atoms, ribbon, added / params.ramp_steps)
            motion.run(1)
    chunks = max(1, params.relaxation_steps // params.sample_every)
    for chunk in range(len(energies), chunks):
        motion.run(params.sample_every)
        samples, energies = np.concatenate([samples, atoms.positions[None]]), np.append(energies, motion.energy)
        if chunk + 1 < chunks:
            kept = {"cell": atoms.cell.array, "samples": samples, "energies": energies}
            stage.keep_partial(LOADS, motion.state() | kept)
    half = chunks // 2
    atoms.positions = samples[half:].mean(axis=0)
    average = block_average(energies[half:], "eV")
    spread = 0.0 if average.interval is None else (average.interval[1] - average.interval[0]) / 2
    return number(average), spread / max(int((~ribbon.held).sum()), 1)


def _shorten(atoms: Atoms, ribbon: Ribbon, by: float) -> None:
    atoms.positions[:, 1] -= by * ribbon.follows
    if ribbon.periodic:
        atoms.cell[1, 1] -= by
