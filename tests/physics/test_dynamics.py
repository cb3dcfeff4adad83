"""The dynamics that tasks share: external forces, going on to the same bits, the end of unphysical motion."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ase import Atoms, units
from ase.calculators.calculator import BaseCalculator
from harness_tasks.oracles.plate import PlatePotential
from harness_tasks.structures.bilayers import bilayer
from harness_tasks.structures.registries import AB

from harness.contracts.engine import ENSEMBLES, Motion, UnphysicalError
from harness.engine.ase import ASEEngine
from harness.engine.extrapolation import PROPERTY
from harness.engine.watch import Watch
from harness.errors import HarnessError
from harness.registry import lookup
from harness.testing.free_atoms import FreeAtoms

from .rigid_layers import MATERIAL, RigidLayers

PARTS = {"intralayer": {"name": "mtp", "params": {}}, "interlayer": {"name": "lj", "params": {}}}


def sheet(cells: int = 2) -> Atoms:
    return bilayer(MATERIAL, AB, 3.35).repeat((cells, cells, 1))


def start(calculator: BaseCalculator, **more: Any) -> Motion:
    atoms = sheet()
    settings: dict[str, Any] = {"ensemble": "langevin", "temperature": 10.0, "seed": [0, 0], "watch": Watch(atoms)}
    return ASEEngine(calculator).dynamics(atoms, **settings | more)


def moved(motion: Motion, legs: int, steps: int = 60) -> np.ndarray:
    for _ in range(legs):
        motion.run(steps)
    return motion.atoms.positions.copy()


def layered() -> BaseCalculator:
    return lookup.build_potential("layered", PARTS).calculator()


@pytest.mark.parametrize("ensemble", ENSEMBLES)
@pytest.mark.parametrize("make", [layered, lambda: PlatePotential().calculator()], ids=["layered", "plate"])
def test_a_new_process_goes_on_to_the_same_bits(make: Any, ensemble: str) -> None:
    """The neighbour lists of a calculator that has come a long way must not show."""
    run = {"temperature": 800.0, "ensemble": ensemble, "damping": 50.0}
    first = start(make(), **run)
    moved(first, 2)
    state = {name: value.copy() for name, value in first.state().items()}
    second = start(make(), **run, resume=state)
    assert np.array_equal(moved(first, 2), moved(second, 2))
    assert np.array_equal(first.velocities, second.velocities)
    assert second.step == 240


def test_external_force_moves_layers_as_newton_says() -> None:
    """A constant force per mass on the upper layer of free atoms: s = a t² / 2, exactly in velocity Verlet."""
    upper = np.arange(16) % 4 >= 2
    push = np.zeros((16, 3))
    atoms = sheet()
    push[upper, 0] = 0.02 * atoms.get_masses()[upper]
    steps: list[int] = []

    def force(atoms: Atoms, step: int) -> np.ndarray:
        steps.append(step)
        return push

    before = atoms.positions.copy()
    motion = ASEEngine(FreeAtoms()).dynamics(atoms, ensemble="nve", temperature=0.0, seed=[0], external_force=force)
    motion.run(20)
    motion.run(20)
    away = (motion.atoms.positions - before)[upper, 0]
    assert away == pytest.approx(0.01 * (40 * units.fs) ** 2)
    assert steps == [*range(21), *range(20, 41)]  # each leg starts with the forces where it stands


def test_observer_sees_every_so_many_steps() -> None:
    seen: list[int] = []
    motion = start(RigidLayers(0.004))
    motion.run(20, observe=lambda m: seen.append(m.step), every=6)
    motion.run(10, 50.0, observe=lambda m: seen.append(m.step), every=6)
    assert seen == [6, 12, 18, 26]
    assert motion.temperature == 50.0


def test_force_calls_are_counted() -> None:
    engine = ASEEngine(RigidLayers(0.004))
    engine.dynamics(sheet(), ensemble="langevin", temperature=10.0, seed=[0]).run(20)
    assert engine.force_calls == 22  # two more in each leg: lists anew, and the forces to begin with


class Explosive(RigidLayers):
    """Gives energy to the atoms for ever."""

    def calculate(self, *args: Any, **kwargs: Any) -> None:
        """Forces along the velocities of a spring that is pushed out."""
        super().calculate(*args, **kwargs)
        self.results["forces"] = -3.0 * self.results["forces"]


class NotANumber(RigidLayers):
    """Has no energy once the layers have moved."""

    def calculate(self, *args: Any, **kwargs: Any) -> None:
        """NaN."""
        super().calculate(*args, **kwargs)
        if np.abs(self.atoms.positions - sheet().positions)[:, :2].max() > 0.05:
            self.results["energy"] = np.nan


class Refusing(NotANumber):
    """Says so in words."""

    def calculate(self, *args: Any, **kwargs: Any) -> None:
        """An error as that of a backend which lost an atom."""
        super().calculate(*args, **kwargs)
        if np.isnan(self.results["energy"]):
            raise HarnessError("Lost atoms: original 16 current 15.")


class Grading(RigidLayers):
    """Extrapolates further and further."""

    implemented_properties = [*RigidLayers.implemented_properties, PROPERTY]  # noqa: RUF012

    def calculate(self, *args: Any, **kwargs: Any) -> None:
        """A grade that grows with the displacement."""
        super().calculate(*args, **kwargs)
        self.results[PROPERTY] = 400 * float(np.abs(self.atoms.positions - sheet().positions).max())


@pytest.mark.parametrize(
    ("potential", "reason"),
    [
        (Explosive, "explodes|torn"),
        (NotANumber, "not a number"),
        (Refusing, "no answer: Lost atoms"),
        (Grading, "extrapolation grade .* beyond 10"),
    ],
)
def test_unphysical_motion_ends_with_step_and_reason(potential: type[RigidLayers], reason: str) -> None:
    motion = start(potential(0.004), temperature=300.0)
    with pytest.raises(UnphysicalError, match=reason) as end:
        for _ in range(100):
            motion.run(100)
    assert end.value.step == motion.step
    assert 0 < motion.step < 10000


def test_watch_sees_what_is_wrong_and_nothing_else() -> None:
    watch = Watch(sheet())
    hot = sheet()
    hot.rattle(0.12, seed=0)  # as at 2000 K
    assert watch.reason(hot, -1.0, 2000.0, 2300.0) is None
    slipped = sheet()
    slipped.positions += [30.0, -40.0, 7.0]
    slipped.positions[np.arange(16) % 4 >= 2] += [1.2, 0.4, 0.2]
    assert watch.reason(slipped, -1.0, 2000.0, 1800.0) is None
    for what, change in (("came apart", 4.0), ("collapsed", -1.8)):
        wrong = sheet()
        wrong.positions[np.arange(16) % 4 >= 2, 2] += change
        assert what in str(watch.reason(wrong, -1.0, 300.0, 300.0))
    torn = sheet()
    torn.positions[0, 0] += 1.5
    assert "torn" in str(watch.reason(torn, -1.0, 300.0, 300.0))
    assert "explodes" in str(watch.reason(sheet(), -1.0, 300.0, 9000.0))
    assert "explodes" in str(watch.reason(sheet(), -50.0, 300.0, 300.0))
    lost = sheet()
    lost.positions[3] = np.nan
    assert "not numbers" in str(watch.reason(lost, -1.0, 300.0, 300.0))
