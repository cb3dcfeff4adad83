"""What the analysis of a polarization pattern costs beside the dipoles themselves, at 1.085° (11,164 atoms).

``pytest tests/bench/test_polarization_pattern.py --benchmark-only``: ``extra_info`` holds the processor time of one
solution of `charge_dipole` for the same atoms, and the ratio: about a tenth.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import harness_charge_dipole
import numpy as np
from harness_charge_dipole.model import ChargeDipole
from harness_tasks.moire.cells import twisted
from harness_tasks.polarization.local_dipoles import Groups, Waves
from harness_tasks.polarization_pattern.winding import winding

from harness.registry.lookup import build_material

MATERIAL = build_material({"symbols": ["B", "N"], "a": 2.511, "stacking": "AB", "distance": 3.35, "vacuum": 25.0})
MODEL = Path(harness_charge_dipole.__file__).parent / "models" / "bn_bilayer_cd.json"
GRID = 96


def test_analysis_costs_little_beside_the_dipoles(benchmark: Any) -> None:
    moire = twisted(MATERIAL, 30)
    started = time.process_time()
    values = ChargeDipole(str(MODEL)).calculate(moire.atoms, ["charges", "atomic_dipoles"])
    solved = time.process_time() - started

    def analyse() -> float:
        groups = Groups.of(moire.atoms, moire.layer, "N")
        dipoles = groups.dipoles(moire.atoms, values)
        total = np.zeros((GRID, GRID, 3))
        for layer in (0, 1):
            mine = groups.layer == layer
            waves = Waves(moire.atoms.positions[groups.centre[mine], :2], moire.plane)
            total += waves.on_grid(waves.fit(dipoles[mine])[0], GRID)
        return winding(total, moire.plane).number()

    started = time.process_time()
    number = analyse()
    spent = time.process_time() - started
    benchmark.pedantic(analyse, rounds=1)
    benchmark.extra_info.update(atoms=len(moire.atoms), solved=solved, analysed=spent, ratio=spent / solved)
    assert abs(number - round(number)) < 1e-6
