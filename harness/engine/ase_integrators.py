"""ASE's integrators by the name of their ensemble."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import Atoms, units
from ase.md.langevin import Langevin
from ase.md.nose_hoover_chain import NoseHooverChainNVT
from ase.md.verlet import VelocityVerlet

from harness.errors import unknown

ENSEMBLES = ("nve", "nvt_langevin", "nvt_nose_hoover")


class _HeldNoseHoover(NoseHooverChainNVT):
    """ASE's chain integrates held atoms on copies of its own, so their momenta would heat the thermostat."""

    def _get_forces(self) -> np.ndarray:
        self._update_atoms()
        return self.atoms.get_forces()  # zero on held atoms


def make_integrator(
    atoms: Atoms,
    ensemble: str,
    temperature: float,
    timestep: float,
    damping: float,
    seed: int | np.random.Generator,
) -> Any:
    """An ASE integrator; times in fs, temperature in K.

    Raises
    ------
    HarnessError
        For an unknown ensemble.
    """
    step = timestep * units.fs
    if ensemble == "nve":
        return VelocityVerlet(atoms, timestep=step)
    if ensemble == "nvt_langevin":
        rng = np.random.default_rng(seed)
        return Langevin(
            atoms,
            timestep=step,
            temperature_K=temperature,
            friction=1 / (damping * units.fs),
            fixcm=False,
            rng=rng,
        )
    if ensemble == "nvt_nose_hoover":
        held = np.zeros(len(atoms), dtype=bool)
        for constraint in atoms.constraints:
            held[constraint.get_indices()] = True
        return _HeldNoseHoover(
            atoms,
            timestep=step,
            # ASE's chain counts every atom as a degree of freedom, also those that are held
            temperature_K=temperature * (1 - held.mean()),
            tdamp=damping * units.fs,
        )
    raise unknown("ensemble", ensemble, ENSEMBLES)
