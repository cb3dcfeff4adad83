"""Time steps of molecular dynamics, in place and with few array operations.

ASE's integrators cost 0.2 to 0.3 ms a step at 900 atoms, as much as a fast potential. A step here is
``stepper.begin(x, v, a, rng)``, new accelerations at the new `x`, ``stepper.end(v, a)``, so each needs one force call.
Lengths are in Å, masses in u, energies in eV, velocities in ASE's unit of them. Arrays are (natoms, 3).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from ase import Atoms, units

from harness.contracts.engine import ENSEMBLES
from harness.errors import HarnessError, unknown_choice

#: Of a Nosé-Hoover chain.
LINKS = 3


class Stepper(Protocol):
    """One way to step; `temperature` (K) may change between steps."""

    temperature: float

    def begin(self, x: np.ndarray, v: np.ndarray, a: np.ndarray, rng: np.random.Generator) -> None:
        """Move `x` to its new place, and `v` as far as the old accelerations `a` go.

        Parameters
        ----------
        x, v, a
            Positions (Å), velocities (Å √(u/eV)) and accelerations (eV/(Å u)), each (natoms, 3); `x` and `v`
            change in place.
        rng
            Source of the noise.
        """
        ...

    def end(self, v: np.ndarray, a: np.ndarray) -> None:
        """Finish `v` with the accelerations at the new place."""
        ...

    def state(self) -> dict[str, np.ndarray]:
        """What it carries from one step to the next."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take what `state` returned."""
        ...


class Verlet:
    """Velocity Verlet at constant energy.

    Parameters
    ----------
    timestep
        fs.
    """

    temperature = 0.0

    def __init__(self, timestep: float) -> None:
        self.dt = timestep * units.fs
        self._buffer = np.empty(0)

    def begin(self, x: np.ndarray, v: np.ndarray, a: np.ndarray, rng: np.random.Generator) -> None:
        """See `Stepper`."""
        self._kick(v, a)
        self._drift(x, v, self.dt)

    def end(self, v: np.ndarray, a: np.ndarray) -> None:
        """See `Stepper`."""
        self._kick(v, a)

    def state(self) -> dict[str, np.ndarray]:
        """Nothing."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Nothing to take."""

    def _kick(self, v: np.ndarray, a: np.ndarray) -> None:
        v += np.multiply(a, 0.5 * self.dt, out=self._scratch(a))

    def _drift(self, x: np.ndarray, v: np.ndarray, dt: float) -> None:
        x += np.multiply(v, dt, out=self._scratch(v))

    def _scratch(self, like: np.ndarray) -> np.ndarray:
        if self._buffer.shape != like.shape:
            self._buffer = np.empty_like(like)
        return self._buffer


class Langevin(Verlet):
    """Langevin dynamics by the splitting BAOAB (B. Leimkuhler and C. Matthews, J. Chem. Phys. 138, 174102 (2013)).

    Its configurations are those of the canonical ensemble up to the second order of the time step, and exactly for a
    harmonic well.

    Parameters
    ----------
    masses
        u, (natoms,); infinite for atoms that do not move.
    damping
        Relaxation time of the velocities, fs.
    """

    def __init__(self, masses: np.ndarray, timestep: float, damping: float) -> None:
        super().__init__(timestep)
        self._keep = math.exp(-timestep / damping)
        self._per_root = np.repeat(math.sqrt((1 - self._keep**2) * units.kB) / np.sqrt(masses)[:, None], 3, axis=1)
        self._noise = np.empty_like(self._per_root)

    def begin(self, x: np.ndarray, v: np.ndarray, a: np.ndarray, rng: np.random.Generator) -> None:
        """See `Stepper`."""
        self._kick(v, a)
        self._drift(x, v, 0.5 * self.dt)
        noise = rng.standard_normal(out=self._noise)
        noise *= self._per_root
        noise *= math.sqrt(self.temperature)
        v *= self._keep
        v += noise
        self._drift(x, v, 0.5 * self.dt)


class NoseHoover(Verlet):
    """Nosé-Hoover chain around velocity Verlet (Martyna, Tuckerman, Tobias and Klein, Mol. Phys. 87, 1117 (1996)).

    Parameters
    ----------
    masses
        u, (natoms,); infinite for atoms that do not move.
    damping
        Period scale of the thermostat, fs: masses are (degrees of freedom, 1, 1) kT damping².
    freedom
        Number of degrees of freedom.
    """

    def __init__(self, masses: np.ndarray, timestep: float, damping: float, freedom: int) -> None:
        super().__init__(timestep)
        self._masses = np.where(np.isfinite(masses), masses, 0.0)[:, None]
        self._tau2, self._freedom = (damping * units.fs) ** 2, freedom
        self.speed, self.place = np.zeros(LINKS), np.zeros(LINKS)

    def begin(self, x: np.ndarray, v: np.ndarray, a: np.ndarray, rng: np.random.Generator) -> None:
        """See `Stepper`."""
        self._thermostat(v)
        super().begin(x, v, a, rng)

    def end(self, v: np.ndarray, a: np.ndarray) -> None:
        """See `Stepper`."""
        super().end(v, a)
        self._thermostat(v)

    def state(self) -> dict[str, np.ndarray]:
        """Speeds and places of the links."""
        return {"speed": self.speed.copy(), "place": self.place.copy()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """See `Stepper`."""
        self.speed, self.place = np.array(state["speed"]), np.array(state["place"])

    @property
    def energy(self) -> float:
        """What has to be added to kinetic and potential energy for a constant, eV."""
        kt = units.kB * self.temperature
        weight = np.array([self._freedom, *[1] * (LINKS - 1)]) * kt
        return float((0.5 * weight * self._tau2 * self.speed**2 + weight * self.place).sum())

    def _thermostat(self, v: np.ndarray) -> None:
        kt, dt, speed = units.kB * self.temperature, 0.5 * self.dt, self.speed
        mass = np.array([self._freedom, *[1] * (LINKS - 1)]) * kt * self._tau2
        twice = float((np.multiply(v, v, out=self._scratch(v)) * self._masses).sum())

        def push(link: int) -> None:
            above = mass[link - 1] * speed[link - 1] ** 2 - kt if link else twice - self._freedom * kt
            brake = math.exp(-0.25 * dt * speed[link + 1]) if link + 1 < LINKS else 1.0
            speed[link] = (speed[link] * brake + 0.5 * dt * above / mass[link]) * brake

        for link in reversed(range(LINKS)):
            push(link)
        scale = math.exp(-dt * speed[0])
        v *= scale
        twice *= scale**2
        self.place += dt * speed
        for link in range(LINKS):
            push(link)


def make_stepper(
    ensemble: str, atoms: Atoms, timestep: float, damping: float, held: np.ndarray | None = None
) -> Verlet | Langevin | NoseHoover:
    """The stepper of an ensemble; `held` is a mask of atoms that do not move.

    Parameters
    ----------
    ensemble
        One of `harness.contracts.engine.ENSEMBLES`.
    atoms
        Give the masses.
    timestep, damping
        Time step and relaxation time of the thermostat, fs.
    held
        Mask (natoms,) of atoms that do not move.

    Raises
    ------
    HarnessError
        For an unknown ensemble, and for times that are not positive.
    """
    if ensemble not in ENSEMBLES:
        raise unknown_choice("ensemble", ensemble, ENSEMBLES)
    if not (timestep > 0 and damping > 0):
        raise HarnessError(
            f"timestep {timestep:g} fs and damping {damping:g} fs must be positive.", "Give e.g. 1, 100."
        )
    masses = atoms.get_masses().astype(float)
    if held is not None:
        masses[held] = np.inf
    if ensemble == "langevin":
        return Langevin(masses, timestep, damping)
    if ensemble == "nose_hoover":
        return NoseHoover(masses, timestep, damping, degrees_of_freedom(ensemble, len(atoms), held))
    return Verlet(timestep)


def degrees_of_freedom(ensemble: str, natoms: int, held: np.ndarray | None = None) -> int:
    """Degrees of freedom that share the kinetic energy.

    3 for each atom that moves. Where nothing is held, velocity Verlet and a Nosé-Hoover chain keep the total momentum,
    which is zero at the start: the centre of mass stands still and 3 are missing. Langevin's noise moves it as well.
    """
    moving = natoms if held is None else natoms - int(np.count_nonzero(held))
    centre_stands = moving == natoms and ensemble != "langevin"
    return max(3 * moving - 3 * centre_stands, 1)


def thermal_velocities(
    atoms: Atoms, temperature: float, rng: np.random.Generator, held: np.ndarray | None = None
) -> np.ndarray:
    """Velocities of Maxwell's distribution, (natoms, 3); without a total momentum when no atom is held.

    Parameters
    ----------
    atoms
        Give the masses.
    temperature
        K.
    rng
        Source of the random numbers.
    held
        Mask (natoms,) of atoms that do not move.
    """
    masses = atoms.get_masses()[:, None]
    v = rng.standard_normal((len(atoms), 3)) * np.sqrt(units.kB * temperature / masses)
    if held is not None and held.any():
        v[held] = 0.0
    else:
        v -= (masses * v).sum(axis=0) / masses.sum()
    return np.asarray(v)
