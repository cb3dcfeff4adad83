"""Force calls of an MTP through the harness against bare motep, interleaved in one run.

``pytest tests/bench/test_mtp.py --benchmark-only``: ``extra_info`` holds microseconds of processor time per atom and
call on both sides, and their ratio (harness / bare; aim: at most 1.02). No time is asserted, the numbers are.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import graphene

pytest.importorskip("motep")
pytest.importorskip("harness_mtp")

ROUNDS = 30


def sheet(natoms: int) -> Atoms:
    """Nearly square hBN monolayer with thermal displacements."""
    n, m = {64: (8, 4), 900: (30, 15), 3600: (60, 30)}[natoms]
    atoms = graphene("BN", a=2.511, size=(n, m, 1), vacuum=10.0)
    atoms.pbc = (True, True, False)
    atoms.rattle(0.05, seed=0)
    assert len(atoms) == natoms
    return atoms


@pytest.mark.benchmark(group="MTP force call", disable_gc=True)
@pytest.mark.parametrize("natoms", [64, 900, 3600])
def test_force_call(benchmark: Any, natoms: int) -> None:
    from motep.calculator import MTP

    from harness.registry import build_potential

    potential = build_potential("mtp", {})
    arms = {"harness": sheet(natoms), "bare": sheet(natoms)}
    arms["harness"].calc = potential.calculator()
    arms["bare"].calc = MTP(potential.data, engine="cext")  # type: ignore[attr-defined]
    steps = iter(np.random.default_rng(1).normal(scale=0.003, size=(ROUNDS + 2, natoms, 3)))
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

    both()  # builds the neighbour lists
    for samples in seconds.values():
        samples.clear()
    forces = benchmark.pedantic(both, rounds=ROUNDS, warmup_rounds=1)
    np.testing.assert_allclose(forces["harness"], forces["bare"], atol=1e-10)
    cpu = {name: float(np.median(samples)) / natoms * 1e6 for name, samples in seconds.items()}
    total = {name: float(np.sum(samples)) / len(samples) / natoms * 1e6 for name, samples in seconds.items()}
    benchmark.extra_info.update(
        natoms=natoms,
        cutoff=float(potential.data.radial_basis.max),  # type: ignore[attr-defined]
        functions=int(potential.data.alpha_scalar_moments),  # type: ignore[attr-defined]
        harness_us_per_atom=cpu["harness"],
        bare_us_per_atom=cpu["bare"],
        ratio=cpu["harness"] / cpu["bare"],
        ratio_with_list_builds=total["harness"] / total["bare"],
        samples_us_per_atom={name: [s / natoms * 1e6 for s in samples] for name, samples in seconds.items()},
    )
