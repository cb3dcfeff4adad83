"""Dynamics through the shared loop: LAMMPS keeps lists and a box, and neither may show after a restart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from harness_tasks.structures.bilayers import bilayer
from harness_tasks.structures.registries import AB

from harness.contracts.engine import Motion
from harness.engine.ase import ASEEngine
from harness.registry.lookup import build_material, build_potential

MATERIAL = build_material(
    {"symbols": ["B", "N"], "layers": 2, "a": 2.498, "stacking": "AB", "distance": 3.25, "vacuum": 25.0}
)


def motion(resume: Mapping[str, Any] | None = None) -> Motion:
    atoms = bilayer(MATERIAL, AB, 3.25).repeat((4, 4, 1))
    engine = ASEEngine(build_potential("tersoff_ilp", {}).calculator())
    return engine.dynamics(atoms, ensemble="langevin", temperature=600.0, seed=[0], damping=200.0, resume=resume)


def test_a_new_process_goes_on_to_the_same_bits() -> None:
    first = motion()
    for _ in range(3):
        first.run(80)
    second = motion(first.state())
    for run in (first, second):
        run.run(80)
        run.run(80)
    assert np.array_equal(first.atoms.positions, second.atoms.positions)
    assert np.array_equal(first.velocities, second.velocities)
    assert np.ptp(first.atoms.positions[:, 0] - bilayer(MATERIAL, AB, 3.25).repeat((4, 4, 1)).positions[:, 0]) > 0.05
