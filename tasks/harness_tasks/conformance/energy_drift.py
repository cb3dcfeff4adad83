"""Conservation of energy in a short run at constant energy, through the engine."""

from __future__ import annotations

import contextlib

import numpy as np
from ase import Atoms, units

from harness.contracts.engine import Motion, UnphysicalError
from harness_tasks.conformance.probe import Probe, Values

#: Change of the energy per atom that is allowed over the whole run, eV: 1 % of kT at 300 K.
CHANGE = 2.5e-4


def drift_line(probe: Probe, atoms: Atoms, values: Values) -> None:
    """One line: mean total energy per atom in the last quarter of the run less that in the first."""
    params = probe.ctx.params
    moving = atoms.copy()
    width = np.sqrt(units.kB * params.temperature / moving.get_masses())[:, None]
    velocities = width * probe.rng.normal(size=moving.positions.shape)
    velocities -= np.average(velocities, axis=0, weights=moving.get_masses())
    energies: list[float] = []

    def observe(motion: Motion) -> None:
        energies.append((motion.energy + motion.kinetic_energy) / len(moving))

    motion = probe.ctx.engine.dynamics(
        moving,
        ensemble="nve",
        temperature=params.temperature,
        seed=[probe.ctx.seed],
        timestep=params.timestep,
        velocities=velocities,
    )
    with contextlib.suppress(UnphysicalError):  # an energy that is not a number, which the line then shows
        motion.run(params.nve_steps, observe=observe)
    energies += [np.nan] * (params.nve_steps - len(energies))
    total = np.array(energies)
    probe.arrays["nve_energy"] = total - total[0]
    quarter = max(1, len(total) // 4)
    picoseconds = params.nve_steps * params.timestep * 1e-3
    probe.add(
        "nve_drift",
        float(total[-quarter:].mean() - total[:quarter].mean()),
        CHANGE + probe.rounding(values) / values.n,
        "eV",
        f"change of the total energy per atom over {picoseconds:g} ps at {params.temperature:g} K; 1 % of kT "
        f"({units.kB * 300:.3g} eV at 300 K), and rounding",
    )
