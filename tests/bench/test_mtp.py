"""Force calls of an MTP: through the harness against bare motep, and kernel against kernel, interleaved in one run.

``pytest tests/bench/test_mtp.py --benchmark-only``: ``extra_info`` holds microseconds of processor time per atom and
call on both sides, and their ratio. No time is asserted, the numbers are.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import graphene

pytest.importorskip("motep")
pytest.importorskip("harness_mtp")

ROUNDS = 30
CUTOFF = 5.0


def sheet(natoms: int) -> Atoms:
    """Nearly square hBN monolayer with thermal displacements."""
    n, m = {64: (8, 4), 900: (30, 15), 3600: (60, 30)}[natoms]
    atoms = graphene("BN", a=2.511, size=(n, m, 1), vacuum=10.0)
    atoms.pbc = (True, True, False)
    atoms.rattle(0.05, seed=0)
    assert len(atoms) == natoms
    return atoms


def in_turn(arms: dict[str, Callable[[], Any]], seconds: dict[str, list[float]]) -> dict[str, Any]:
    """One call on each side; whichever starts takes turns. Adds the processor time of each to `seconds`."""
    results = {}
    for name in sorted(arms, reverse=len(next(iter(seconds.values()))) % 2 == 1):
        start = time.process_time()
        results[name] = arms[name]()
        seconds[name].append(time.process_time() - start)
    return results


@pytest.mark.benchmark(group="MTP force call", disable_gc=True)
@pytest.mark.parametrize("natoms", [64, 900, 3600])
def test_force_call(benchmark: Any, natoms: int) -> None:
    from motep.calculator import MTP

    from harness.registry.lookup import build_potential

    potential: Any = build_potential("mtp", {})
    sides = {"harness": sheet(natoms), "bare": sheet(natoms)}
    sides["harness"].calc = potential.calculator()
    sides["bare"].calc = MTP(potential.data, engine="cext")
    steps = iter(np.random.default_rng(1).normal(scale=0.003, size=(ROUNDS + 2, natoms, 3)))
    seconds: dict[str, list[float]] = {name: [] for name in sides}

    def both() -> dict[str, np.ndarray]:
        """One step of a hot trajectory on both sides."""
        move = next(steps)
        for atoms in sides.values():
            atoms.positions += move
        return in_turn({name: atoms.get_forces for name, atoms in sides.items()}, seconds)

    both()  # builds the neighbour lists
    for samples in seconds.values():
        samples.clear()
    forces = benchmark.pedantic(both, rounds=ROUNDS, warmup_rounds=1)
    np.testing.assert_allclose(forces["harness"], forces["bare"], atol=1e-10)
    _report(benchmark, seconds, natoms, potential.data)


@pytest.mark.benchmark(group="MTP kernel", disable_gc=True)
@pytest.mark.parametrize("level", [8, 12, 16, 20])
def test_kernel(benchmark: Any, level: int) -> None:
    """Energies and forces from given neighbours: no list, no vectors, no ASE."""
    from harness_mtp.kernel import evaluate
    from harness_mtp.neighbours import Neighbours
    from harness_mtp.tables import Tables
    from harness_mtp.templates import template
    from motep.potentials.mtp.cext import _mtp_cext

    data = template(level, 2, CUTOFF, 1.0, 8)
    data.species = [5, 7]
    data.initialize(np.random.default_rng(0))
    atoms = sheet(900)
    types = (atoms.numbers == 7).astype(np.int32)
    neighbours, tables, none = Neighbours(CUTOFF), Tables.of(data), np.zeros((0, 0))
    rows, (js, rs) = neighbours.rows(atoms, types), neighbours.padded(atoms, types)

    def motep() -> np.ndarray:
        basis = SimpleNamespace(vatoms=np.zeros((data.alpha_scalar_moments, len(atoms))))
        _, gradient = _mtp_cext.calc_run(js, rs, types, types[js], data, basis)
        forces: np.ndarray = _mtp_cext.calc_forces_from_gradient(gradient, js)
        return forces

    arms = {"harness": lambda: evaluate(tables, atoms.positions, types, *rows, none)[1], "bare": motep}
    seconds: dict[str, list[float]] = {name: [] for name in arms}
    forces = benchmark.pedantic(lambda: in_turn(arms, seconds), rounds=ROUNDS // 2, warmup_rounds=1)
    scale = np.abs(forces["bare"]).max()
    np.testing.assert_allclose(forces["harness"], forces["bare"], atol=1e-13 * scale)
    _report(benchmark, seconds, len(atoms), data)


def _report(benchmark: Any, seconds: dict[str, list[float]], natoms: int, data: Any) -> None:
    cpu = {name: float(np.median(samples)) / natoms * 1e6 for name, samples in seconds.items()}
    total = {name: float(np.sum(samples)) / len(samples) / natoms * 1e6 for name, samples in seconds.items()}
    benchmark.extra_info.update(
        natoms=natoms,
        cutoff=float(data.radial_basis.max),
        functions=int(data.alpha_scalar_moments),
        harness_us_per_atom=cpu["harness"],
        bare_us_per_atom=cpu["bare"],
        ratio=cpu["harness"] / cpu["bare"],
        ratio_with_list_builds=total["harness"] / total["bare"],
        samples_us_per_atom={name: [s / natoms * 1e6 for s in samples] for name, samples in seconds.items()},
    )
