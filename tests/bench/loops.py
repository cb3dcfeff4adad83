"""Molecular dynamics of one potential in several loops, in turn, in the backend's environment.

``python loops.py NAME CELLS STEPS ROUNDS PARAMS`` prints one JSON object: processor time per step (s) of each loop, and
of the time in `loop` the share that was not spent in the calculator. `test_dynamics.py` runs it.

loop
    The default engine: the task may act at every step.
ase
    ASE's Langevin integrator.
native
    The engine that the potential brings, where it does.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution
from harness_tasks.structures.bilayers import bilayer
from harness_tasks.structures.registries import AB

from harness.contracts.engine import BringsEngine, Engine
from harness.engine.ase import ASEEngine, make_engine
from harness.registry.lookup import build_material, build_potential

A = {"tersoff_ilp": 2.498}
TEMPERATURE, TIMESTEP, DAMPING = 300.0, 1.0, 500.0


def sheet(name: str, cells: int) -> Atoms:
    """An AB bilayer of hBN, near its own lattice constant."""
    material = {"symbols": ["B", "N"], "stacking": "AB", "a": A.get(name, 2.511), "distance": 3.3, "vacuum": 25.0}
    return bilayer(build_material(material), AB, 3.3).repeat((cells, cells, 1))


class Loop:
    """The default engine, with the time inside the calculator taken apart."""

    def __init__(self, potential: Any, atoms: Atoms) -> None:
        calculator: Any = potential.calculator()
        self.inside = self.total = 0.0
        calculate = calculator.calculate

        def timed(*args: Any, **kwargs: Any) -> None:
            start = time.process_time()
            calculate(*args, **kwargs)
            self.inside += time.process_time() - start

        calculator.calculate = timed
        self.arm = Arm(ASEEngine(calculator), atoms)

    def __call__(self, steps: int) -> None:
        start = time.process_time()
        self.arm(steps)
        self.total += time.process_time() - start


class Arm:
    """Dynamics of one engine."""

    def __init__(self, engine: Engine, atoms: Atoms) -> None:
        self.motion = engine.dynamics(
            atoms, ensemble="langevin", temperature=TEMPERATURE, seed=[0], timestep=TIMESTEP, damping=DAMPING
        )

    def __call__(self, steps: int) -> None:
        self.motion.run(steps)


class ByASE:
    """ASE's own Langevin integrator."""

    def __init__(self, potential: Any, atoms: Atoms) -> None:
        atoms.calc = potential.calculator()
        MaxwellBoltzmannDistribution(atoms, temperature_K=TEMPERATURE, rng=np.random.default_rng(0))
        self.integrator = Langevin(
            atoms,
            timestep=TIMESTEP * units.fs,
            temperature_K=TEMPERATURE,
            friction=1 / (DAMPING * units.fs),
            fixcm=False,
            rng=np.random.default_rng(0),
        )

    def __call__(self, steps: int) -> None:
        self.integrator.run(steps)


def main(name: str, cells: int, steps: int, rounds: int, params: dict[str, Any]) -> dict[str, Any]:
    """Every loop in every round; whichever starts takes turns."""
    potential: Any = build_potential(name, params)
    loop = Loop(potential, sheet(name, cells))
    loops: dict[str, Any] = {"loop": loop, "ase": ByASE(potential, sheet(name, cells))}
    if isinstance(potential, BringsEngine):
        loops["native"] = Arm(make_engine(potential, potential.calculator()), sheet(name, cells))
    seconds: dict[str, list[float]] = {arm: [] for arm in loops}
    for turn in range(rounds + 1):
        for arm in sorted(loops, reverse=turn % 2 == 1):
            start = time.process_time()
            loops[arm](steps)
            if turn:  # the first round compiles, builds lists and warms up
                seconds[arm].append((time.process_time() - start) / steps)
        if not turn:
            loop.inside = loop.total = 0.0
    return {"seconds": seconds, "own_share": 1 - loop.inside / loop.total, "natoms": len(sheet(name, cells))}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], *(int(n) for n in sys.argv[2:5]), json.loads(sys.argv[5]))))
