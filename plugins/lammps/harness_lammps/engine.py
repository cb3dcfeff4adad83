"""The engine of potentials that run in LAMMPS: time steps inside LAMMPS, everything else by the default engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from ase import Atoms, units

from harness.contracts.engine import Ensemble, ExternalForce, Motion, UnphysicalError, Watch
from harness.engine.ase import ASEEngine
from harness.engine.calculators import CountedCalculator
from harness.engine.dynamics import LegMotion
from harness.engine.steppers import make_stepper
from harness.errors import HarnessError
from harness_lammps.box import ROOM, Box
from harness_lammps.calculator import LammpsCalculator
from harness_lammps.trajectory import Trajectory

__all__ = ["LammpsEngine"]

#: LAMMPS has no way to take the state of its Nosé-Hoover chain, so that ensemble could not be resumed to the same bits.
ENSEMBLES: tuple[Ensemble, ...] = ("nve", "langevin")
#: Way of the fastest atom, Å, after which LAMMPS is left for a look at the walls of its box, which no atom may reach.
FARTHEST = ROOM / 4
#: Steps without such a look, where atoms are slow.
MOST = 200
_LARGEST_SEED = 900_000_000


class LammpsEngine(ASEEngine):
    """Trajectories at constant energy and with Langevin's thermostat run inside LAMMPS.

    A trajectory with an external force, with a Nosé-Hoover chain, or whose atoms of one element differ in mass is one
    of the default engine. So are all evaluations and relaxations.

    Parameters
    ----------
    calculator
        Of a potential that runs in LAMMPS.
    """

    def __init__(self, calculator: LammpsCalculator) -> None:
        super().__init__(calculator)
        self._lammps, self._ran = calculator, False

    @property
    def name(self) -> str:
        """``ase``; ``ase+lammps`` once a leg has run inside LAMMPS."""
        return "ase+lammps" if self._ran else "ase"

    def dynamics(
        self,
        atoms: Atoms,
        *,
        ensemble: Ensemble,
        temperature: float,
        seed: Sequence[int],
        timestep: float = 1.0,
        damping: float = 100.0,
        held: np.ndarray | None = None,
        velocities: np.ndarray | None = None,
        external_force: ExternalForce | None = None,
        watch: Watch | None = None,
        resume: Mapping[str, Any] | None = None,
    ) -> Motion:
        """Prepare a trajectory; see `harness.contracts.engine.Engine`."""
        shared: dict[str, Any] = {
            "ensemble": ensemble,
            "temperature": temperature,
            "seed": seed,
            "timestep": timestep,
            "damping": damping,
            "held": held,
            "velocities": velocities,
            "watch": watch,
            "resume": resume,
        }
        if ensemble not in ENSEMBLES or external_force is not None or not _one_mass_each(atoms):
            return super().dynamics(atoms, external_force=external_force, **shared)
        return LammpsMotion(self._calculator, atoms, begun=self._note, lammps=self._lammps, **shared)

    def _note(self) -> None:
        self._ran = True


class LammpsMotion(LegMotion):
    """A trajectory inside LAMMPS.

    Each leg starts a fresh instance, so a leg depends on positions, velocities and its number alone. The noise is
    LAMMPS' own and differs from that of the default engine; its statistics do not.

    Parameters
    ----------
    calculator
        Counts the evaluations.
    begun
        Called when a leg begins.
    lammps
        Makes the instances.
    atoms, ensemble, temperature, seed, timestep, damping, held, velocities, watch, resume
        As for `harness.contracts.engine.Engine.dynamics`.
    """

    def __init__(
        self,
        calculator: CountedCalculator,
        atoms: Atoms,
        *,
        begun: Callable[[], None],
        lammps: LammpsCalculator,
        ensemble: Ensemble,
        temperature: float,
        seed: Sequence[int],
        timestep: float,
        damping: float,
        held: np.ndarray | None,
        velocities: np.ndarray | None,
        watch: Watch | None,
        resume: Mapping[str, Any] | None,
    ) -> None:
        make_stepper(ensemble, atoms, timestep, damping)  # refuses what no engine takes
        super().__init__(
            calculator,
            atoms,
            ensemble=ensemble,
            temperature=temperature,
            seed=seed,
            held=held,
            velocities=velocities,
            watch=watch,
        )
        self._begun, self._lammps = begun, lammps
        self._thermostatted = ensemble == "langevin"
        self._timestep, self._damping = timestep, damping
        self._trajectory: Trajectory | None = None
        if resume is not None:
            self.restore(resume)

    def _begin(self) -> None:
        self._begun()
        try:
            self._trajectory = self._started()
        except HarnessError as error:
            if not self.step:
                raise
            raise self._unanswered(error) from error

    def _started(self) -> Trajectory:
        self._close()
        trajectory = self._lammps.session(self.atoms, Box.around(self.atoms), Trajectory)
        thermostat = None
        if self._thermostatted:
            noise = np.random.default_rng([*self._numbers(), self.step])
            thermostat = (self.temperature, self._damping, int(noise.integers(1, _LARGEST_SEED)))
        trajectory.begin(self.velocities, self._masses[:, 0], self.held, self._timestep, thermostat)
        self._calculator.calls += 1
        return trajectory

    def _advance(self, steps: int) -> None:
        moving = ~self.held
        while steps:
            assert self._trajectory is not None
            now = min(steps, self._steps_without_a_look())
            try:
                self._trajectory.advance(now)
            except HarnessError as error:
                self._close()
                raise self._unanswered(error) from error
            steps -= now
            self.step += now
            self._calculator.calls += now
            positions, inside = self._trajectory.positions()
            self.atoms.positions[moving] = positions[moving]
            self.velocities[moving] = self._trajectory.velocities()[moving]
            self.energy = self._trajectory.energy
            if not np.isfinite(self.energy):
                raise UnphysicalError("the energy is not a number", self.step)
            if not inside:
                self._begin()

    def _steps_without_a_look(self) -> int:
        fastest = float(np.sqrt((self.velocities**2).sum(axis=1).max(initial=0.0)))
        return max(1, int(min(FARTHEST / max(fastest * self._timestep * units.fs, 1e-9), MOST)))

    def _close(self) -> None:
        if self._trajectory is not None:
            self._trajectory.close()
            self._trajectory = None


def _one_mass_each(atoms: Atoms) -> bool:
    masses = atoms.get_masses()
    return all(np.ptp(masses[atoms.numbers == number]) == 0 for number in np.unique(atoms.numbers))
