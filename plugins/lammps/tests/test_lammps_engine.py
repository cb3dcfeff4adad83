"""The engine of LAMMPS passes the contract of engines, and says when it ran."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.calculator import BaseCalculator
from harness_lammps.engine import LammpsMotion
from lammps_support import ILP, LJ, TERSOFF

from harness.contracts.engine import Engine, Motion, UnphysicalError
from harness.engine.ase import make_engine
from harness.engine.dynamics import SteppedMotion
from harness.engine.watch import Watch
from harness.registry.lookup import build_potential
from harness.testing.engine import EngineContract


def engine(params: dict[str, Any]) -> Engine:
    potential = build_potential("lammps", params)
    return make_engine(potential, potential.calculator())


class TestArgon(EngineContract):
    """A crystal in a skewed cell, which LAMMPS has to turn."""

    temperature = 40.0
    timestep = 5.0
    damping = 100.0

    def engine(self) -> Engine:
        return engine(LJ)

    def calculator(self) -> BaseCalculator:
        return build_potential("lammps", LJ).calculator()

    def atoms(self) -> Atoms:
        return bulk("Ar", "fcc", a=5.26).repeat(3)


class TestRealUnits(TestArgon):
    """The same with energies in kcal/mol and times in fs."""

    PARAMS = {**LJ, "units": "real", "pair_coeff": "* * 0.24 3.4"}  # noqa: RUF012

    def engine(self) -> Engine:
        return engine(self.PARAMS)

    def calculator(self) -> BaseCalculator:
        return build_potential("lammps", self.PARAMS).calculator()


def dynamics(atoms: Atoms, params: dict[str, Any], **more: Any) -> Motion:
    return engine(params).dynamics(atoms, **{"ensemble": "nve", "temperature": 300.0, "seed": [1]} | more)


def test_the_record_says_what_ran_inside_lammps(stack: Callable[..., Atoms]) -> None:
    own = engine(TERSOFF)
    atoms = stack(n=2, layers=1)
    own.evaluate([atoms])
    assert own.name == "ase"
    settings: dict[str, Any] = {"temperature": 300.0, "seed": [1]}
    assert isinstance(own.dynamics(atoms, ensemble="nose_hoover", **settings), SteppedMotion)
    push = np.zeros((len(atoms), 3))
    assert isinstance(own.dynamics(atoms, ensemble="nve", external_force=lambda *_: push, **settings), SteppedMotion)
    motion = own.dynamics(atoms, ensemble="langevin", **settings)
    assert isinstance(motion, LammpsMotion) and own.name == "ase"
    motion.run(5)
    assert own.name == "ase+lammps" and own.force_calls == 7


def test_masses_are_those_of_the_structure(stack: Callable[..., Atoms]) -> None:
    """Heavy isotopes of a whole element in LAMMPS; of some of its atoms, in the default engine."""
    places = []
    for params in (TERSOFF, {**TERSOFF, "masses": {"B": 99.0}}):
        atoms = stack(n=2, layers=1)
        atoms.set_masses(np.where(atoms.numbers == 5, 30.0, 14.0))
        motion = dynamics(atoms, params)
        motion.run(20)
        assert isinstance(motion, LammpsMotion)
        places.append(atoms.positions)
    np.testing.assert_allclose(places[0], places[1], atol=1e-10)
    atoms.set_masses([20.0, *atoms.get_masses()[1:]])
    assert isinstance(dynamics(atoms, TERSOFF), SteppedMotion)


def test_atoms_on_the_edges_of_the_box_are_not_moved_by_periods(stack: Callable[..., Atoms]) -> None:
    for shift in (-1e-14, 0.0, 1e-14):
        atoms = stack(n=3, rattle=0.0)
        atoms.positions += shift - atoms.positions[0]
        start = atoms.positions.copy()
        dynamics(atoms, ILP).run(3)
        assert 0 < np.abs(atoms.positions - start).max() < 0.1


def test_a_sheet_that_flies_off_keeps_inside_its_box(stack: Callable[..., Atoms]) -> None:
    """Through the walls of an open direction, which follow it, and through periods, which do not show."""
    atoms = stack(n=2, layers=1, rattle=0.0)
    start = atoms.positions.copy()
    speed = np.array([0.03, 0.0, 0.2])
    motion = dynamics(atoms, TERSOFF, velocities=np.tile(speed, (len(atoms), 1)))
    motion.run(1000)
    moved = (atoms.positions - start).mean(axis=0)
    np.testing.assert_allclose(moved, speed * 1000 * units.fs, atol=1e-8)
    assert moved[2] > 15


def test_what_lammps_refuses_ends_the_trajectory(stack: Callable[..., Atoms]) -> None:
    """Here too many neighbours in a molten sheet."""
    atoms = stack(n=3)
    motion = dynamics(atoms, ILP, temperature=30000.0)
    with pytest.raises(UnphysicalError, match="step .*: the potential has no answer: LAMMPS says"):
        motion.run(1000)


def test_the_watch_looks_at_a_trajectory_inside_lammps(stack: Callable[..., Atoms]) -> None:
    atoms = stack(n=3, layers=1)
    motion = dynamics(atoms, TERSOFF, temperature=20000.0, watch=Watch(atoms, every=20))
    with pytest.raises(UnphysicalError, match="step .*0: a layer is torn"):
        motion.run(1000)
    assert motion.step % 20 == 0
