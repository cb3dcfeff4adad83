"""Force calls through the harness against the same driver loop written bare, interleaved in one run.

``pytest plugins/tersoff_ilp/tests --benchmark-only`` in the plugin's environment: ``extra_info`` holds microseconds of
processor time per atom and call on both sides, and their ratio (harness / bare; aim: at most 1.02).
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ase import Atoms

from harness.registry.lookup import build_potential

ROUNDS = 30
SHAPES = {64: (4, 1), 900: (15, 1), 3600: (30, 1)}


class Bare:
    """The wheel's own functions: scatter, one step without an integrator, gather."""

    def __init__(self, session: Any, atoms: Atoms) -> None:
        self.lammps, self.n = session._lammps, len(atoms)
        self.offset = atoms.positions - self._gather("x")

    def _gather(self, name: str) -> np.ndarray:
        return np.ctypeslib.as_array(self.lammps.gather_atoms(name, 1, 3)).reshape(self.n, 3).copy()

    def forces(self, atoms: Atoms) -> np.ndarray:
        x = np.ascontiguousarray(atoms.positions - self.offset)
        self.lammps.scatter_atoms("x", 1, 3, (ctypes.c_double * (3 * self.n)).from_buffer_copy(x))
        self.lammps.command("run 1 pre no post no")
        self.offset = atoms.positions - self._gather("x")
        return self._gather("f")


@pytest.mark.benchmark(group="Tersoff + ILP force call", disable_gc=True)
@pytest.mark.parametrize("natoms", [64, 900, 3600])
def test_force_call(benchmark: Any, stack: Callable[..., Atoms], natoms: int) -> None:
    harness, other = (stack(n=SHAPES[natoms][0], rattle=0.05) for _ in range(2))
    assert len(harness) == natoms
    harness.calc = build_potential("tersoff_ilp", {}).calculator()
    session_owner = build_potential("tersoff_ilp", {}).calculator()
    session_owner.get_property("forces", other)
    bare = Bare(session_owner._session, other)
    steps = iter(np.random.default_rng(1).normal(scale=0.003, size=(ROUNDS + 2, natoms, 3)))
    seconds: dict[str, list[float]] = {"harness": [], "bare": []}

    def timed(name: str, call: Callable[[], np.ndarray]) -> np.ndarray:
        start = time.process_time()
        forces = call()
        seconds[name].append(time.process_time() - start)
        return forces

    def both() -> tuple[np.ndarray, np.ndarray]:
        """One step of a hot trajectory on both sides; whichever starts takes turns."""
        move = next(steps)
        harness.positions += move
        other.positions += move
        if len(seconds["bare"]) % 2:
            theirs = timed("bare", lambda: bare.forces(other))
            return timed("harness", harness.get_forces), theirs
        return timed("harness", harness.get_forces), timed("bare", lambda: bare.forces(other))

    both()
    for samples in seconds.values():
        samples.clear()
    ours, theirs = benchmark.pedantic(both, rounds=ROUNDS, warmup_rounds=1)
    np.testing.assert_allclose(ours, theirs, atol=1e-9)
    cpu = {name: float(np.median(samples)) / natoms * 1e6 for name, samples in seconds.items()}
    benchmark.extra_info.update(
        natoms=natoms,
        harness_us_per_atom=cpu["harness"],
        bare_us_per_atom=cpu["bare"],
        ratio=cpu["harness"] / cpu["bare"],
        samples_us_per_atom={name: [s / natoms * 1e6 for s in samples] for name, samples in seconds.items()},
    )
