"""Relaxation of one twisted cell by several routes, in turn, in the environment of a potential.

``python moire_arms.py POTENTIAL N A DISTANCE`` prints one JSON object: for each route the force calls and the processor
time (s) until the energy was within `GAP` of the lowest one found, and to the end. `test_moire.py` runs it.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from ase import Atoms
from harness_tasks.moire.cells import twisted
from harness_tasks.moire.continuum import displaced, relax_sheets
from harness_tasks.moire.landscape import measure_landscape
from harness_tasks.moire_relax.task import MoireParams, MoireRelax
from harness_tasks.sliding_path.path import SlidingState

from harness.engine.ase import ASEEngine
from harness.registry.lookup import build_material, build_potential
from harness.testing.trial import TrialContext

#: eV per atom: an energy this close to the lowest counts as the answer.
GAP = 5e-8
#: eV/Å: of the first route, which has to find the answer, and of the others.
TIGHT, LOOSE = 1e-5, 1e-4


def relax(calculator: Any, atoms: Atoms, optimizer: str, fmax: float, started: float) -> dict[str, Any]:
    """Energies per atom, force calls and seconds at each step; the clock runs from `started`."""
    engine, course = ASEEngine(calculator), []

    def observe(now: Atoms, state: Any) -> None:
        course.append((now.get_potential_energy() / len(now), engine.force_calls, time.process_time() - started))

    end = engine.relax(atoms, fmax=fmax, optimizer=optimizer, max_steps=1500, observe=observe)
    return {"course": course, "fmax": end.fmax, "optimizer": end.optimizer}


def main(name: str, n: int, a: float, distance: float, others: list[str]) -> dict[str, Any]:
    """The registry start and the rigid one with the optimiser of the task, then `others` from rigid layers."""
    material = build_material({"layers": 2, "stacking": "AB", "a": a, "distance": distance, "vacuum": 20.0})
    potential: Any = build_potential(name, {})
    moire = twisted(material, n)
    started = time.process_time()
    context = TrialContext(MoireRelax(), potential, None, material, MoireParams())
    with context.stages.stage("landscape") as stage:
        landscape = measure_landscape(context, SlidingState.of(context), 6, stage)
    assert landscape is not None
    start = displaced(moire, relax_sheets(moire, landscape))
    small = {"calls": context.engine.force_calls, "seconds": time.process_time() - started}
    arms = {"registry": relax(potential.calculator(), start, "stack_lbfgs", TIGHT, started)}
    for optimizer in ["stack_lbfgs", *others]:
        begin = time.process_time()
        arms[f"rigid, {optimizer}"] = relax(potential.calculator(), moire.atoms.copy(), optimizer, LOOSE, begin)
    lowest = min(energy for arm in arms.values() for energy, _, _ in arm["course"])
    result = {}
    for arm, found in arms.items():
        reached = next((entry for entry in found["course"] if entry[0] - lowest < GAP), None)
        result[arm] = {
            "calls_to_answer": reached and reached[1],
            "seconds_to_answer": reached and reached[2],
            "calls": found["course"][-1][1],
            "seconds": found["course"][-1][2],
            "above_lowest_ueV_per_atom": 1e6 * (found["course"][-1][0] - lowest),
            "fmax": found["fmax"],
        }
    return {"natoms": len(moire.atoms), "energy_per_atom": lowest, "four_atom_cells": small, "arms": result}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]), sys.argv[5:])))
