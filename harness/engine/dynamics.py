"""The molecular dynamics of tasks that act at every step: runs in legs that can be taken up again to the same bits.

A run is a chain of legs, one call of `Motion.run` each. A leg starts from positions, velocities and thermostat alone:
it draws its noise from a stream of its own, numbered by the leg, and makes the calculator forget its neighbour lists,
whose order would show in the last digits. So a run that goes on from `Motion.state` after any leg repeats, bit for
bit, what the run without an interruption does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from ase import Atoms, units

from harness.contracts.task import Context
from harness.engine.asking import ask
from harness.engine.steppers import make_stepper, thermal_velocities
from harness.engine.watch import UnphysicalMotion, Watch
from harness.errors import HarnessError

#: Å along z by which everything is moved for a moment, farther than any skin or box wall.
AWAY = 25.0

Force = Callable[[Atoms, int], np.ndarray]
Observer = Callable[["Motion"], None]


class Motion:
    """Atoms that move at constant temperature, with an external force where one is wanted.

    Parameters
    ----------
    ctx
        Its engine evaluates, and counts; its seed starts the noise.
    atoms
        Moved in place and never wrapped, so displacements of layers can be read off.
    temperature
        Of the first velocities, K.
    timestep, damping
        fs; `damping` is the relaxation time of the thermostat.
    thermostat
        ``langevin``, ``nose_hoover`` or ``none`` (constant energy).
    stream
        Numbers that tell this run's noise from that of other runs with the same seed.
    force
        ``force(atoms, step)`` is added to the potential's forces at every step, eV/Å (natoms, 3); `step` counts
        from the start of the run, and the calculator has just been asked for the forces of `atoms`.
    watch
        What counts as unphysical; by default `Watch(atoms)`.
    held
        Mask of atoms that do not move.

    Attributes
    ----------
    velocities
        (natoms, 3), in ASE's units.
    energy
        Potential energy at the last step, without the external force, eV.
    step, leg
        Steps and legs done.
    """

    def __init__(
        self,
        ctx: Context,
        atoms: Atoms,
        *,
        temperature: float,
        timestep: float = 1.0,
        thermostat: str = "langevin",
        damping: float = 100.0,
        stream: Sequence[int] = (0,),
        force: Force | None = None,
        watch: Watch | None = None,
        held: np.ndarray | None = None,
    ) -> None:
        self.atoms, self.temperature = atoms, temperature
        self.energy, self.step, self.leg = np.nan, 0, 0
        self._calculator, self._force = ctx.engine.calculator, force
        self._stream = [ctx.seed, *stream]
        self._held = np.zeros(len(atoms), dtype=bool) if held is None else np.asarray(held)
        self._stepper = make_stepper(thermostat, atoms, timestep, damping, self._held)
        self._masses = atoms.get_masses()[:, None]
        self._inverse = np.repeat(np.where(self._held[:, None], 0.0, 1 / self._masses), 3, axis=1)
        self.velocities = thermal_velocities(atoms, temperature, self._noise(), self._held)
        self.watch = watch or Watch(atoms)

    @property
    def kinetic_temperature(self) -> float:
        """From the velocities of the atoms that move, K."""
        freedom = 3 * max(int((~self._held).sum()), 1)
        return float((self._masses * self.velocities**2).sum() / (freedom * units.kB))

    def state(self) -> dict[str, np.ndarray]:
        """All that `restore` needs, between legs; arrays by name."""
        found = {
            "positions": self.atoms.positions.copy(),
            "velocities": self.velocities.copy(),
            "count": np.array([self.step, self.leg]),
            "watch": self.watch.state(),
        }
        return found | {f"thermostat_{name}": value for name, value in self._stepper.state().items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from where `state` was taken."""
        self.atoms.positions[:] = state["positions"]
        self.velocities = np.array(state["velocities"])
        self.step, self.leg = (int(n) for n in state["count"])
        self.watch.restore(state["watch"])
        mark = "thermostat_"
        self._stepper.restore({name[len(mark) :]: state[name] for name in state if name.startswith(mark)})

    def run(
        self, steps: int, temperature: float | None = None, observe: Observer | None = None, every: int = 1
    ) -> None:
        """One leg.

        Parameters
        ----------
        temperature
            From now on, K; as before when not given.
        observe
            Called with this object after every `every` steps.

        Raises
        ------
        UnphysicalMotion
            With the step and the reason: a result of the potential.
        """
        self.temperature = self._stepper.temperature = self.temperature if temperature is None else temperature
        stepper, atoms, watch = self._stepper, self.atoms, self.watch
        x, v, scale = atoms.positions, self.velocities, self._inverse
        noise = self._noise()
        self._forget()
        a = self._forces() * scale
        for number in range(1, steps + 1):
            stepper.begin(x, v, a, noise)
            self.step += 1
            np.multiply(self._forces(), scale, out=a)
            stepper.end(v, a)
            if number % watch.every == 0 or number == steps:
                watch(self, self._calculator)
            if observe is not None and number % every == 0:
                observe(self)
        self.leg += 1

    def _noise(self) -> np.random.Generator:
        return np.random.default_rng([*self._stream, self.leg])

    def _forces(self) -> np.ndarray:
        """Of the potential and from outside, eV/Å."""
        calculator = self._calculator
        calculator.calls += 1
        try:
            found = ask(calculator.inner, self.atoms, ("energy", "forces"))
        except HarnessError as error:  # a backend that refuses where the atoms went, such as LAMMPS when it loses one
            if not self.step:
                raise
            raise UnphysicalMotion(self.step, f"the potential has no answer: {error.what}") from error
        self.energy, forces = float(found["energy"]), found["forces"]
        if not np.isfinite(self.energy):
            raise UnphysicalMotion(self.step, "the energy is not a number")
        return forces if self._force is None else forces + self._force(self.atoms, self.step)

    def _forget(self) -> None:
        """Make the calculator build its lists anew from these positions, as it would in a new process."""
        kept = self.atoms.positions[:, 2].copy()
        self.atoms.positions[:, 2] += AWAY
        self._calculator.calls += 1
        self._calculator.inner.get_property("forces", self.atoms)
        self.atoms.positions[:, 2] = kept


def warm(ctx: Context, atoms: Atoms, free: np.ndarray, seed: Sequence[int]) -> None:
    """Momenta of Maxwell's distribution for the atoms of the mask `free`, at the temperature of the parameters."""
    noise = np.random.default_rng(seed).normal(size=(len(atoms), 3)) * free[:, None]
    atoms.set_momenta(noise * np.sqrt(units.kB * ctx.params.temperature * atoms.get_masses())[:, None])


def advance(ctx: Context, atoms: Atoms, held: np.ndarray, steps: int, ensemble: str, seed: int | Sequence[int]) -> None:
    """Dynamics by the engine, for tasks that act between loads alone; temperature and time step of their parameters."""
    ctx.engine.dynamics(
        atoms,
        temperature=ctx.params.temperature,
        timestep=ctx.params.timestep,
        steps=steps,
        ensemble=ensemble,
        fixed=held,
        seed=np.random.default_rng(seed),
        damping=100 * ctx.params.timestep,
    )
