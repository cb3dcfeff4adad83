"""Dynamics inside LAMMPS, which keeps lists and a box: neither may show after a restart."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import BaseCalculator
from harness_lammps.engine import LammpsEngine
from harness_tasks.structures.bilayers import bilayer
from harness_tasks.structures.registries import AB

from harness.contracts.engine import Engine
from harness.engine.ase import ASEEngine, make_engine
from harness.registry.lookup import build_material, build_potential
from harness.testing.engine import EngineContract

MATERIAL = build_material(
    {"symbols": ["B", "N"], "layers": 2, "a": 2.498, "stacking": "AB", "distance": 3.25, "vacuum": 25.0}
)
ROUNDS, STEPS = 6, 50


def stack(n: int) -> Atoms:
    return bilayer(MATERIAL, AB, 3.25).repeat((n, n, 1))


class TestBilayer(EngineContract):
    def engine(self) -> Engine:
        potential = build_potential("tersoff_ilp", {})
        return make_engine(potential, potential.calculator())

    def calculator(self) -> BaseCalculator:
        return build_potential("tersoff_ilp", {}).calculator()

    def atoms(self) -> Atoms:
        return stack(2)


@pytest.mark.parametrize("native", [True, False])
def test_a_new_process_goes_on_to_the_same_bits(native: bool) -> None:
    """Hot, and for so long that neighbour lists were rebuilt."""

    def motion(**more: Any) -> Any:
        calculator = build_potential("tersoff_ilp", {}).calculator()
        engine = LammpsEngine(calculator) if native else ASEEngine(calculator)
        settings: dict[str, Any] = {"ensemble": "langevin", "temperature": 600.0, "seed": [0], "damping": 200.0}
        return engine.dynamics(stack(4), **settings | more)

    first = motion()
    for _ in range(3):
        first.run(80)
    second = motion(resume=first.state())
    for run in (first, second):
        run.run(80)
        run.run(80)
    assert np.array_equal(first.atoms.positions, second.atoms.positions)
    assert np.array_equal(first.velocities, second.velocities)
    assert np.ptp(first.atoms.positions[:, 0] - stack(4).positions[:, 0]) > 0.05


@pytest.mark.benchmark(group="Tersoff + ILP time step", disable_gc=True)
@pytest.mark.parametrize("natoms", [64, 900])
def test_time_step(benchmark: Any, natoms: int) -> None:
    """Time steps inside LAMMPS against those of the default engine, in turns; ``extra_info`` holds ms per step."""
    motions, seconds = {}, {"lammps": list[float](), "ase": list[float]()}
    for name, kind in (("lammps", LammpsEngine), ("ase", ASEEngine)):
        atoms = stack(round((natoms / 4) ** 0.5))
        assert len(atoms) == natoms
        engine = kind(build_potential("tersoff_ilp", {}).calculator())
        motions[name] = engine.dynamics(atoms, ensemble="langevin", temperature=300.0, seed=[0])
        motions[name].run(STEPS)

    def both() -> None:
        for name in sorted(motions, reverse=bool(len(seconds["ase"]) % 2)):
            start = time.process_time()
            motions[name].run(STEPS)
            seconds[name].append(time.process_time() - start)

    benchmark.pedantic(both, rounds=ROUNDS)
    cpu = {name: float(np.median(samples)) / STEPS * 1e3 for name, samples in seconds.items()}
    benchmark.extra_info.update(natoms=natoms, **cpu, ratio=cpu["lammps"] / cpu["ase"])
