"""Force calls of a MACE model: through the harness against mace's own calculator, interleaved in one run.

In the environment of the plugin: ``pytest tests/bench/test_mace.py --benchmark-only``. ``extra_info`` holds
microseconds of processor time per atom and call on both sides, and their ratio. No time is asserted, the numbers are.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import graphene

pytest.importorskip("mace")
pytest.importorskip("harness_mace")

ROUNDS = {64: 15, 900: 5, 3600: 3}


def bilayer(natoms: int) -> Atoms:
    """Nearly square hBN bilayer with thermal displacements."""
    n, m = {64: (4, 4), 900: (15, 15), 3600: (30, 30)}[natoms]
    atoms = graphene("BN", a=2.511, size=(n, m, 1), vacuum=10.0)
    upper = atoms.copy()
    upper.positions += [0.0, 1.45, 3.35]
    atoms += upper
    atoms.pbc = (True, True, False)
    atoms.rattle(0.05, seed=0)
    assert len(atoms) == natoms
    return atoms


@pytest.mark.benchmark(group="MACE force call", disable_gc=True)
@pytest.mark.parametrize("natoms", sorted(ROUNDS))
def test_force_call(benchmark: Any, natoms: int) -> None:
    from harness_mace.modelfile import load
    from mace.calculators import MACECalculator

    from harness.registry.lookup import build_potential

    potential: Any = build_potential("mace", {}, ["mace"])
    sides = {"harness": bilayer(natoms), "bare": bilayer(natoms)}
    sides["harness"].calc = potential.calculator()
    sides["bare"].calc = MACECalculator(models=[load(potential.path)[0]], device="cpu", default_dtype="float64")
    rounds = ROUNDS[natoms]
    steps = iter(np.random.default_rng(1).normal(scale=0.003, size=(rounds + 2, natoms, 3)))
    seconds: dict[str, list[float]] = {name: [] for name in sides}

    def both() -> dict[str, np.ndarray]:
        """One step of a hot trajectory on both sides; whichever starts takes turns."""
        move = next(steps)
        calls: dict[str, Callable[[], np.ndarray]] = {}
        for name, atoms in sides.items():
            atoms.positions += move
            calls[name] = atoms.get_forces
        results = {}
        for name in sorted(calls, reverse=len(seconds["bare"]) % 2 == 1):
            start = time.process_time()
            results[name] = calls[name]()
            seconds[name].append(time.process_time() - start)
        return results

    both()
    for samples in seconds.values():
        samples.clear()
    forces = benchmark.pedantic(both, rounds=rounds, warmup_rounds=1)
    np.testing.assert_allclose(forces["harness"], forces["bare"], atol=1e-8)
    median = {name: float(np.median(samples)) for name, samples in seconds.items()}
    benchmark.extra_info.update(
        {f"{name}_us_per_atom": round(1e6 * value / natoms, 1) for name, value in median.items()}
    )
    benchmark.extra_info["ratio"] = round(median["harness"] / median["bare"], 3)
