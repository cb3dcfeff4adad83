"""Force calls of the shipped GAP through the harness against bare quippy, interleaved in one run.

``pytest plugins/gap/tests --benchmark-only`` in the plugin's environment: ``extra_info`` holds microseconds of
processor time per atom and call on both sides, and their ratio (harness / bare; aim: at most 1.02).
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import graphene
from harness_gap import gapfile

from harness.registry.lookup import build_potential

ROUNDS = {64: 6, 900: 2, 3600: 1}


def sheet(natoms: int) -> Atoms:
    n, m = {64: (8, 4), 900: (30, 15), 3600: (60, 30)}[natoms]
    atoms = graphene("BN", a=2.511, size=(n, m, 1), vacuum=10.0)
    atoms.pbc = (True, True, False)
    atoms.rattle(0.05, seed=0)
    assert len(atoms) == natoms
    return atoms


@pytest.mark.benchmark(group="GAP force call", disable_gc=True)
@pytest.mark.parametrize("natoms", [64, 900, 3600])
def test_force_call(benchmark: Any, natoms: int) -> None:
    from quippy.potential import Potential

    potential = build_potential("gap", {})
    arms = {"harness": sheet(natoms), "bare": sheet(natoms)}
    arms["harness"].calc = potential.calculator()
    with gapfile.unpacked(potential.file) as xml:  # type: ignore[attr-defined]
        arms["bare"].calc = Potential(param_filename=str(xml))
    rounds = ROUNDS[natoms]
    steps = iter(np.random.default_rng(1).normal(scale=0.003, size=(rounds + 1, natoms, 3)))
    seconds: dict[str, list[float]] = {name: [] for name in arms}

    def both() -> dict[str, np.ndarray]:
        """One step of a hot trajectory on both sides; whichever starts takes turns."""
        move, forces = next(steps), {}
        for name in sorted(arms, reverse=len(seconds["bare"]) % 2 == 1):
            arms[name].positions += move
            start = time.process_time()
            forces[name] = arms[name].get_forces()
            seconds[name].append(time.process_time() - start)
        return forces

    both()
    for samples in seconds.values():
        samples.clear()
    forces = benchmark.pedantic(both, rounds=rounds)
    np.testing.assert_allclose(forces["harness"], forces["bare"], atol=1e-9)
    cpu = {name: float(np.median(samples)) / natoms * 1e6 for name, samples in seconds.items()}
    benchmark.extra_info.update(
        natoms=natoms,
        harness_us_per_atom=cpu["harness"],
        bare_us_per_atom=cpu["bare"],
        ratio=cpu["harness"] / cpu["bare"],
    )
