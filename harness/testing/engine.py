"""What every engine must do, as a test class: the same numbers, whichever engine runs.

    from harness.testing.engine import EngineContract

    class TestMyEngine(EngineContract):
        def engine(self):
            return MyPotential().engine(self.calculator())

        def calculator(self):
            return MyPotential().calculator()

        def atoms(self):
            return a_few_atoms_near_rest

The independent answers are ASE's velocity Verlet and BFGS, Newton's second law for the centre of mass, and
equipartition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from ase import units

from harness.contracts.engine import ENSEMBLES, Engine, Motion
from harness.engine.steppers import thermal_velocities

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import BaseCalculator


class EngineContract:
    """Inherit from it, in a class whose name begins with ``Test``, and say which engine is meant.

    Attributes
    ----------
    temperature
        Of the trajectories, K; the structure must survive it.
    timestep, damping
        fs.
    sampled_steps
        Of the trajectories from which mean temperatures are taken.
    """

    temperature: ClassVar[float] = 300.0
    timestep: ClassVar[float] = 1.0
    damping: ClassVar[float] = 20.0
    sampled_steps: ClassVar[int] = 800

    def engine(self) -> Engine:
        """A fresh engine."""
        raise NotImplementedError("say which engine is meant: def engine(self): return Mine(...)")

    def calculator(self) -> BaseCalculator:
        """A fresh ASE calculator of the same potential."""
        raise NotImplementedError("say which calculator is the reference: def calculator(self): ...")

    def atoms(self) -> Atoms:
        """A structure at or near rest, of some ten to a hundred atoms that hold together at `temperature`."""
        raise NotImplementedError("say which structure is moved: def atoms(self): return ...")

    def test_evaluation_is_that_of_the_calculator(self) -> None:
        """Energy and forces of several structures, in order; the structures are left alone."""
        first, second = self.atoms(), self.atoms()
        second.rattle(0.05, seed=1)
        engine, kept = self.engine(), [first.copy(), second.copy()]
        found = engine.evaluate([first, second], ["energy", "forces"])
        for atoms, before, answer in zip((first, second), kept, found, strict=True):
            before.calc = self.calculator()
            assert atoms == before and atoms.calc is None
            assert abs(answer["energy"] - before.get_potential_energy()) < 1e-9 * max(1, abs(answer["energy"]))
            assert np.abs(answer["forces"] - before.get_forces()).max() < 1e-8
        assert engine.force_calls == 2

    def test_relaxation_finds_the_minimum_that_ase_finds(self) -> None:
        """The same energy as ASE's BFGS, from a rattled start; calculator and constraints come back."""
        from ase.optimize import BFGS

        start = self.atoms()
        start.rattle(0.03, seed=2)
        atoms, other = start.copy(), start.copy()
        end = self.engine().relax(atoms, fmax=1e-4, max_steps=500)
        other.calc = self.calculator()
        BFGS(other, logfile=None).run(fmax=1e-4, steps=1000)
        energy = self.engine().evaluate([atoms], ["energy"])[0]["energy"]
        assert end.converged and end.fmax <= 1e-4
        assert abs(energy - other.get_potential_energy()) < 1e-5 * len(atoms)
        assert atoms.calc is None and not atoms.constraints

    def test_relaxation_leaves_fixed_atoms_where_they_are(self) -> None:
        """Mask and indices mean the same."""
        fixed = np.arange(len(self.atoms())) % 3 == 0
        for given in (fixed, np.flatnonzero(fixed)):
            atoms = self.atoms()
            atoms.rattle(0.03, seed=2)
            start = atoms.positions.copy()
            self.engine().relax(atoms, fmax=1e-2, fixed=given)
            assert np.array_equal(atoms.positions[fixed], start[fixed])
            assert not np.array_equal(atoms.positions[~fixed], start[~fixed])

    def test_trajectory_is_that_of_velocity_verlet(self) -> None:
        """Forty steps against ASE's integrator, from the same velocities, and the energies on the way."""
        from ase.md.verlet import VelocityVerlet

        atoms, other = self.atoms(), self.atoms()
        velocities = self._velocities(atoms)
        motion = self._dynamics(atoms, ensemble="nve", velocities=velocities)
        motion.run(20)
        motion.run(20)
        other.calc = self.calculator()
        other.set_velocities(velocities)
        VelocityVerlet(other, self.timestep * units.fs).run(40)
        moved = np.abs(other.positions - self.atoms().positions).max()
        assert moved > 0.01
        assert np.abs(atoms.positions - other.positions).max() < 1e-7 * moved
        assert np.abs(motion.velocities - other.get_velocities()).max() < 1e-6 * np.abs(velocities).max()
        assert abs(motion.energy - other.get_potential_energy()) < 1e-7 * max(1, abs(motion.energy))
        assert abs(motion.kinetic_energy - other.get_kinetic_energy()) < 1e-6 * motion.kinetic_energy
        assert motion.step == 40

    def test_energy_is_conserved_and_observers_come_in_time(self) -> None:
        """At constant energy; the observer sees every seventh step of a leg."""
        seen: list[tuple[int, float]] = []

        def observe(motion: Motion) -> None:
            seen.append((motion.step, motion.energy + motion.kinetic_energy))

        motion = self._dynamics(self.atoms(), ensemble="nve", timestep=0.5 * self.timestep)
        motion.run(200, observe=observe, every=7)
        motion.run(20, observe=observe, every=7)
        assert [step for step, _ in seen] == [*range(7, 201, 7), 207, 214]
        total = np.array([energy for _, energy in seen])
        assert np.ptp(total) < 0.02 * motion.kinetic_energy

    def test_thermostats_have_the_mean_temperature(self) -> None:
        """Equipartition, with and without held atoms; the temperature can be changed between legs."""
        for ensemble in ("langevin", "nose_hoover"):
            atoms = self.atoms()
            held = None if ensemble == "langevin" else np.arange(len(atoms)) < 2
            motion = self._dynamics(atoms, ensemble=ensemble, temperature=0.5 * self.temperature, held=held)
            seen: list[float] = []

            def observe(motion: Motion, seen: list[float] = seen) -> None:
                seen.append(motion.kinetic_temperature)

            motion.run(self.sampled_steps // 5, self.temperature)
            motion.run(self.sampled_steps, observe=observe)
            assert abs(np.mean(seen) / self.temperature - 1) < 0.1, ensemble

    def test_a_run_goes_on_to_the_same_bits(self) -> None:
        """From the state between two legs, in a fresh engine; with another seed it is another run."""
        for ensemble in ENSEMBLES:
            whole = self._dynamics(self.atoms(), ensemble=ensemble)
            whole.run(60)
            state = {name: np.array(value) for name, value in whole.state().items()}
            whole.run(60)
            rest = self._dynamics(self.atoms(), ensemble=ensemble, resume=state)
            rest.run(60)
            assert np.array_equal(rest.atoms.positions, whole.atoms.positions), ensemble
            assert np.array_equal(rest.velocities, whole.velocities), ensemble
            assert rest.step == whole.step == 120
        again, other = (self._dynamics(self.atoms(), ensemble="langevin", seed=seed) for seed in ([3], [4]))
        for motion in (again, other):
            motion.run(60)
        assert not np.array_equal(again.atoms.positions, other.atoms.positions)

    def test_external_force_moves_the_centre_of_mass(self) -> None:
        """s = F t² / 2M, which velocity Verlet has exactly; steps are counted from the start of the run."""
        atoms = self.atoms()
        push, steps = np.zeros((len(atoms), 3)), list[int]()
        push[0, 0] = 0.5

        def force(atoms: Atoms, step: int) -> np.ndarray:
            steps.append(step)
            return push

        start, mass = atoms.get_center_of_mass(), float(atoms.get_masses().sum())
        motion = self._dynamics(atoms, ensemble="nve", external_force=force)
        motion.run(20)
        motion.run(20)
        expected = 0.5 * 0.5 / mass * (40 * self.timestep * units.fs) ** 2
        assert np.abs(atoms.get_center_of_mass() - start - [expected, 0, 0]).max() < 1e-4 * expected
        assert steps == [*range(21), *range(20, 41)]

    def test_held_atoms_stay_and_the_structure_keeps_the_rest(self) -> None:
        """In every ensemble; cell, calculator and constraints are untouched."""
        for ensemble in ENSEMBLES:
            atoms = self.atoms()
            held = np.arange(len(atoms)) % 4 == 0
            before = atoms.copy()
            motion = self._dynamics(atoms, ensemble=ensemble, held=held)
            motion.run(30)
            assert np.array_equal(atoms.positions[held], before.positions[held]), ensemble
            assert not motion.velocities[held].any()
            assert np.abs(atoms.positions - before.positions)[~held].max() > 0.005
            assert np.array_equal(atoms.cell.array, before.cell.array) and np.array_equal(atoms.pbc, before.pbc)
            assert atoms.calc is None and not atoms.constraints

    def _velocities(self, atoms: Atoms) -> np.ndarray:
        return thermal_velocities(atoms, self.temperature, np.random.default_rng(7))

    def _dynamics(self, atoms: Atoms, **more: Any) -> Motion:
        settings: dict[str, Any] = {
            "temperature": self.temperature,
            "seed": [5],
            "timestep": self.timestep,
            "damping": self.damping,
        }
        return self.engine().dynamics(atoms, **settings | more)
