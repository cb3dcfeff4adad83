"""Molecular dynamics in legs that can be taken up again to the same bits; see `harness.contracts.engine.Motion`.

A leg draws its noise from a stream of its own, numbered by the leg, and makes the calculator forget its neighbour
lists, whose order would show in the last digits.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from ase import Atoms, units

from harness.contracts.engine import Ensemble, ExternalForce, Observer, UnphysicalError, Watch
from harness.engine.calculators import CountedCalculator, evaluate_moved
from harness.engine.extrapolation import grade_of
from harness.engine.steppers import degrees_of_freedom, make_stepper, thermal_velocities
from harness.errors import HarnessError

#: Å along z by which everything is moved for a moment, farther than any skin or box wall.
AWAY = 25.0


class LegMotion(ABC):
    """What every trajectory shares: legs, observers, the watch, and the state between legs.

    Parameters
    ----------
    calculator
        Counts the evaluations.
    atoms, ensemble, temperature, seed, held, velocities, watch
        As for `harness.contracts.engine.Engine.dynamics`.

    Attributes
    ----------
    held
        Mask of the atoms that do not move, (natoms,).
    leg
        Legs done.
    """

    def __init__(
        self,
        calculator: CountedCalculator,
        atoms: Atoms,
        *,
        ensemble: Ensemble,
        temperature: float,
        seed: Sequence[int],
        held: np.ndarray | None = None,
        velocities: np.ndarray | None = None,
        watch: Watch | None = None,
    ) -> None:
        self.atoms, self.temperature = atoms, temperature
        self.energy, self.step, self.leg = np.nan, 0, 0
        self.held = np.zeros(len(atoms), dtype=bool) if held is None else np.array(held, dtype=bool)
        self._calculator, self._watch, self._seed = calculator, watch, list(seed)
        self._freedom = degrees_of_freedom(ensemble, len(atoms), self.held)
        self._masses = atoms.get_masses()[:, None]
        if velocities is None:
            velocities = thermal_velocities(atoms, temperature, np.random.default_rng(self._numbers()), self.held)
        self.velocities = np.array(velocities, dtype=float)

    @property
    def kinetic_energy(self) -> float:
        """Of the atoms that move, eV."""
        return 0.5 * float((self._masses * self.velocities**2).sum())

    @property
    def kinetic_temperature(self) -> float:
        """K; see `harness.engine.steppers.degrees_of_freedom` for what is counted."""
        return float(2 * self.kinetic_energy / (self._freedom * units.kB))

    def state(self) -> dict[str, np.ndarray]:
        """All that is needed to go on from here, between legs; arrays by name."""
        found = {
            "positions": self.atoms.positions.copy(),
            "velocities": self.velocities.copy(),
            "count": np.array([self.step, self.leg]),
        }
        return found if self._watch is None else found | {"watch": self._watch.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from where `state` was taken."""
        self.atoms.positions[:] = state["positions"]
        self.velocities = np.array(state["velocities"])
        self.step, self.leg = (int(n) for n in state["count"])
        if self._watch is not None:
            self._watch.restore(state["watch"])

    def run(
        self, steps: int, temperature: float | None = None, observe: Observer | None = None, every: int = 1
    ) -> None:
        """One leg; see `harness.contracts.engine.Motion`."""
        self.temperature = self.temperature if temperature is None else temperature
        self._begin()
        done = 0
        looks = steps if self._watch is None else self._watch.every
        while done < steps:
            ends = [steps - done, looks - done % looks] + ([] if observe is None else [every - done % every])
            self._advance(min(ends))
            done += min(ends)
            if self._watch is not None and (done % looks == 0 or done == steps):
                self._watch.check(self, self._grade)
            if observe is not None and done % every == 0:
                observe(self)
        self.leg += 1

    def _numbers(self) -> list[int]:
        """What the noise of the present leg is drawn from."""
        return [*self._seed, self.leg]

    def _grade(self, atoms: Atoms) -> float | None:
        return grade_of(self._calculator.inner, atoms)

    def _unanswered(self, error: HarnessError) -> UnphysicalError:
        """A backend refuses where the atoms went, such as LAMMPS when it loses one."""
        return UnphysicalError(f"the potential has no answer: {error.message}", self.step)

    @abstractmethod
    def _begin(self) -> None:
        """Prepare a leg from positions and velocities alone."""

    @abstractmethod
    def _advance(self, steps: int) -> None:
        """Move on by `steps`, and leave atoms, velocities, energy and step as they are then."""


class SteppedMotion(LegMotion):
    """The trajectory of the default engine, by a stepper of `harness.engine.steppers`.

    Parameters
    ----------
    timestep, damping, external_force, resume
        As for `harness.contracts.engine.Engine.dynamics`, like all that are not named here.
    """

    def __init__(
        self,
        calculator: CountedCalculator,
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
    ) -> None:
        self._stepper = make_stepper(ensemble, atoms, timestep, damping, held)
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
        self._force = external_force
        self._inverse = np.repeat(np.where(self.held[:, None], 0.0, 1 / self._masses), 3, axis=1)
        self._noise = np.random.default_rng(self._numbers())
        self._accelerations = np.empty_like(self.velocities)
        if resume is not None:
            self.restore(resume)

    def state(self) -> dict[str, np.ndarray]:
        """All that is needed to go on from here, between legs; arrays by name."""
        return super().state() | {f"thermostat_{name}": value for name, value in self._stepper.state().items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from where `state` was taken."""
        super().restore(state)
        mark = "thermostat_"
        self._stepper.restore({name[len(mark) :]: state[name] for name in state if name.startswith(mark)})

    def _begin(self) -> None:
        self._stepper.temperature = self.temperature
        self._noise = np.random.default_rng(self._numbers())
        self._forget()
        self._accelerations = self._forces() * self._inverse

    def _advance(self, steps: int) -> None:
        stepper, noise, scale = self._stepper, self._noise, self._inverse
        x, v, a = self.atoms.positions, self.velocities, self._accelerations
        for _ in range(steps):
            stepper.begin(x, v, a, noise)
            self.step += 1
            np.multiply(self._forces(), scale, out=a)
            stepper.end(v, a)

    def _forces(self) -> np.ndarray:
        """Of the potential and from outside, eV/Å."""
        calculator = self._calculator
        calculator.calls += 1
        try:
            found = evaluate_moved(calculator.inner, self.atoms, ("energy", "forces"))
        except HarnessError as error:
            if not self.step:
                raise
            raise self._unanswered(error) from error
        self.energy, forces = float(found["energy"]), found["forces"]
        if not np.isfinite(self.energy):
            raise UnphysicalError("the energy is not a number", self.step)
        return np.asarray(forces if self._force is None else forces + self._force(self.atoms, self.step))

    def _forget(self) -> None:
        """Make the calculator build its lists anew from these positions, as it would in a new process."""
        kept = self.atoms.positions[:, 2].copy()
        self.atoms.positions[:, 2] += AWAY
        self._calculator.calls += 1
        self._calculator.inner.get_property("forces", self.atoms)
        self.atoms.positions[:, 2] = kept
