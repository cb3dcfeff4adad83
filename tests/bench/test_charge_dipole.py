"""Time of a charge-dipole solution against the number of atoms: bent hBN bilayers of growing size.

Run with ``pytest tests/bench/test_charge_dipole.py --benchmark-only``; no assertion is timed. The last entry's
``extra_info`` holds the exponent fitted to all sizes from 1,000 atoms on.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import graphene

pytest.importorskip("harness_charge_dipole")

#: Cells along each side; four atoms each: 484 to 19,600 atoms.
SIDES = (11, 16, 24, 34, 49, 70)
AMPLITUDE = 6.0  # Å: the corrugation of a buckled sheet of 80 Å
_cpu: dict[int, float] = {}


def buckled(side: int) -> Atoms:
    """AB bilayer with one wave along its second cell vector, rattled by 0.03 Å."""
    lower = graphene("BN", a=2.511, size=(side, side, 1))
    lower.cell[2] = [0.0, 0.0, 60.0]
    upper = lower.copy()
    upper.positions += [0.0, 2.511 / np.sqrt(3), 3.35]
    atoms = lower + upper
    atoms.pbc = (True, True, False)
    atoms.positions[:, 2] += AMPLITUDE * np.cos(2 * np.pi * atoms.get_scaled_positions()[:, 1])
    atoms.positions += np.random.default_rng(0).normal(scale=0.03, size=atoms.positions.shape)
    return atoms


def exponent(seconds: dict[int, float], least: int = 1000) -> float | None:
    """Slope of log time against log size for sizes from `least` on."""
    sizes = sorted(n for n in seconds if n >= least)
    if len(sizes) < 2:
        return None
    return float(np.polyfit(np.log(sizes), np.log([seconds[n] for n in sizes]), 1)[0])


def timed(function: Callable[[], Any]) -> Callable[[], Any]:
    """`function`, leaving its processor time behind: on a shared machine it varies less than the wall time."""

    def call() -> Any:
        start = time.process_time()
        answer = function()
        call.cpu = min(getattr(call, "cpu", np.inf), time.process_time() - start)  # type: ignore[attr-defined]
        return answer

    return call


@pytest.mark.parametrize("side", SIDES)
def test_solution_from_scratch(benchmark: Any, side: int) -> None:
    """Set-up and solution for charges and dipole, cold."""
    from harness_charge_dipole.model import ChargeDipole

    atoms = buckled(side)
    iterations = []

    def solve() -> dict[str, np.ndarray]:
        model = ChargeDipole(model="bn_bilayer_cd.json", solver="mesh")
        out = model.calculate(atoms, ["dipole", "charges"])
        iterations.append(model.iterations)
        return out

    call = timed(solve)
    out = benchmark.pedantic(call, rounds=3 if side < 40 else 1, warmup_rounds=1 if side < 40 else 0)
    assert abs(out["charges"].sum()) < 1e-8
    _cpu[len(atoms)] = call.cpu  # type: ignore[attr-defined]
    benchmark.extra_info.update(
        natoms=len(atoms),
        cpu_seconds=_cpu[len(atoms)],
        cg_iterations=iterations[-1],
        cpu_exponent=exponent(_cpu),
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def test_step_of_a_trajectory(benchmark: Any) -> None:
    """4,624 atoms displaced by 0.001 Å since the last solution, which serves as the first guess."""
    from harness_charge_dipole.model import ChargeDipole

    atoms = buckled(34)
    model = ChargeDipole(model="bn_bilayer_cd.json")
    model.calculate(atoms, ["dipole"])
    cold, rng = model.iterations, np.random.default_rng(1)

    def step() -> None:
        atoms.positions += rng.normal(scale=1e-3, size=atoms.positions.shape)
        model.calculate(atoms, ["dipole"])

    call = timed(step)
    benchmark.pedantic(call, rounds=3)
    benchmark.extra_info.update(
        natoms=len(atoms),
        cpu_seconds=call.cpu,  # type: ignore[attr-defined]
        cg_iterations=model.iterations,
        cg_iterations_cold=cold,
    )


def test_dense_against_mesh(benchmark: Any) -> None:
    """The dense solver where the two meet."""
    from harness_charge_dipole.model import DENSE_UP_TO, ChargeDipole

    atoms = buckled(7)
    assert len(atoms) <= DENSE_UP_TO
    dense, mesh = (ChargeDipole(model="bn_bilayer_cd.json", solver=s) for s in ("dense", "mesh"))
    reference, call = mesh.calculate(atoms, ["charges"])["charges"], timed(lambda: dense.calculate(atoms, ["charges"]))
    out = benchmark.pedantic(call, rounds=3, warmup_rounds=1)
    benchmark.extra_info.update(
        natoms=len(atoms),
        cpu_seconds=call.cpu,  # type: ignore[attr-defined]
        relative_difference=float(np.linalg.norm(out["charges"] - reference) / np.linalg.norm(reference)),
    )
