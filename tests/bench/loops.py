"""Molecular dynamics of one potential in several loops, in turn, in the backend's environment.

``python loops.py NAME CELLS STEPS ROUNDS PARAMS`` prints one JSON object: processor time per step (s) of each loop, and
of the time in `loop` the share that was not spent in the calculator. `test_dynamics.py` runs it.

loop
    `harness.engine.dynamics.Motion`: the task may act at every step.
ase
    The default engine, ASE's Langevin.
native
    LAMMPS by itself, ``fix nve`` and ``fix langevin``; for potentials that are LAMMPS underneath.
"""

from __future__ import annotations

import json
import sys
import time
from types import SimpleNamespace
from typing import Any

from ase import Atoms
from harness_tasks.structures.bilayers import bilayer
from harness_tasks.structures.registries import AB

from harness.engine.ase import Engine
from harness.engine.dynamics import Motion
from harness.registry.lookup import build_material, build_potential

A = {"tersoff_ilp": 2.498}
TEMPERATURE, TIMESTEP, DAMPING = 300.0, 1.0, 500.0


def sheet(name: str, cells: int) -> Atoms:
    """An AB bilayer of hBN, near its own lattice constant."""
    material = {"symbols": ["B", "N"], "stacking": "AB", "a": A.get(name, 2.511), "distance": 3.3, "vacuum": 25.0}
    return bilayer(build_material(material), AB, 3.3).repeat((cells, cells, 1))


class Loop:
    """The shared dynamics, with the time inside the calculator taken apart."""

    def __init__(self, potential: Any, atoms: Atoms) -> None:
        engine = Engine(potential.calculator())
        self.inside = self.total = 0.0
        inner: Any = engine.calculator.inner
        calculate = inner.calculate

        def timed(*args: Any, **kwargs: Any) -> None:
            start = time.process_time()
            calculate(*args, **kwargs)
            self.inside += time.process_time() - start

        inner.calculate = timed
        context: Any = SimpleNamespace(engine=engine, seed=0)
        self.motion = Motion(context, atoms, temperature=TEMPERATURE, timestep=TIMESTEP, damping=DAMPING)

    def __call__(self, steps: int) -> None:
        start = time.process_time()
        self.motion.run(steps)
        self.total += time.process_time() - start


class Native:
    """LAMMPS with its own integrator, on the session that the calculator made."""

    def __init__(self, potential: Any, atoms: Atoms) -> None:
        calculator = potential.calculator()
        calculator.get_property("forces", atoms)
        self.keep, self.lammps = calculator, calculator._session._lammps
        for line in (
            f"velocity all create {TEMPERATURE} 1",
            "fix move all nve",
            f"fix heat all langevin {TEMPERATURE} {TEMPERATURE} {DAMPING / 1000} 1",
            f"timestep {TIMESTEP / 1000}",
        ):
            self.lammps.command(line)

    def __call__(self, steps: int) -> None:
        self.lammps.command(f"run {steps} post no")


def main(name: str, cells: int, steps: int, rounds: int, params: dict[str, Any]) -> dict[str, Any]:
    """Every loop in every round; whichever starts takes turns."""
    potential: Any = build_potential(name, params)
    loop = Loop(potential, sheet(name, cells))
    other, engine = sheet(name, cells), Engine(potential.calculator())
    loops: dict[str, Any] = {
        "loop": loop,
        "ase": lambda steps: engine.dynamics(
            other, temperature=TEMPERATURE, timestep=TIMESTEP, steps=steps, damping=DAMPING
        ),
    }
    if hasattr(potential.calculator(), "_session"):
        loops["native"] = Native(potential, sheet(name, cells))
    seconds: dict[str, list[float]] = {arm: [] for arm in loops}
    for turn in range(rounds + 1):
        for arm in sorted(loops, reverse=turn % 2 == 1):
            start = time.process_time()
            loops[arm](steps)
            if turn:  # the first round compiles, builds lists and warms up
                seconds[arm].append((time.process_time() - start) / steps)
        if not turn:
            loop.inside = loop.total = 0.0
    return {"seconds": seconds, "own_share": 1 - loop.inside / loop.total, "natoms": len(other)}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], *(int(n) for n in sys.argv[2:5]), json.loads(sys.argv[5]))))
