"""Time of kernel polynomials for the 11,164 sites of a bilayer twisted by 1.08°: moments, charges, dipoles.

Run with ``pytest tests/bench/test_tight_binding.py --benchmark-only``; no assertion is timed. The usual route, products
of SciPy's sparse matrix with blocks of 64 vectors, is timed on one block in the same run and extrapolated to all sites.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from harness.registry.lookup import build_material

pytest.importorskip("harness_tight_binding")

from harness_tasks.moire.cells import twisted
from harness_tight_binding.clusters import bounds
from harness_tight_binding.hoppings import Hoppings, Parameters, find_hoppings
from harness_tight_binding.kpm import KernelPolynomials, step

MATERIAL = build_material({"symbols": ["B", "N"], "a": 2.504, "stacking": "AB", "distance": 3.35, "vacuum": 20.0})
MOMENTS, BLOCK = 256, 64
#: Longest hop, Å: the model's own, and one that leaves about 21 entries a row.
CUTOFFS = (6.0, 3.9)


def hoppings(cutoff: float) -> Hoppings:
    return find_hoppings(twisted(MATERIAL, 30).atoms, Parameters(2.504, 3.624, cutoff, "printed"))


def usual_route(h: Hoppings, dtype: str, blocks: int = 1) -> tuple[float, np.ndarray]:
    """CPU seconds for all sites, extrapolated from the first `blocks`; their moments (blocks * BLOCK, MOMENTS)."""
    n = len(h)
    centre, half = bounds(h)
    sites = np.arange(n)
    matrix = (csr_array((h.values, (h.i, h.j)), shape=(n, n)) + csr_array((h.onsite - centre, (sites, sites)))) / half
    matrix = csr_array(matrix.astype(dtype))
    found = np.empty((blocks * BLOCK, MOMENTS))
    start = time.process_time()
    for block in range(blocks):
        rows = slice(block * BLOCK, (block + 1) * BLOCK)
        x = np.zeros((n, BLOCK), dtype=dtype)
        x[np.arange(rows.start, rows.stop), np.arange(BLOCK)] = 1.0
        y = matrix @ x
        first = np.einsum("ib,ib->b", x, y)
        found[rows, 0], found[rows, 1] = 1.0, first
        for m in range(1, MOMENTS // 2):
            x, y = y, 2 * (matrix @ y) - x
            found[rows, 2 * m] = 2 * np.einsum("ib,ib->b", x, x) - 1.0
            found[rows, 2 * m + 1] = 2 * np.einsum("ib,ib->b", x, y) - first
    return (time.process_time() - start) * n / (blocks * BLOCK), found


@pytest.mark.parametrize("cutoff", CUTOFFS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_moments_of_every_site(benchmark: Any, cutoff: float, dtype: str) -> None:
    """256 moments, the doubling trick in both arms; agreement where both have them."""
    h = hoppings(cutoff)
    usual, expected = usual_route(h, dtype)
    small = find_hoppings(twisted(MATERIAL, 2).atoms, Parameters(2.504, 3.624, cutoff, "printed"))
    KernelPolynomials(small, MOMENTS, 20.0, "jackson", dtype).moments()  # compiles
    seconds, polynomials = [], []

    def run() -> np.ndarray:
        start = time.process_time()
        polynomials[:] = [KernelPolynomials(h, MOMENTS, 20.0, "jackson", dtype)]
        found = polynomials[0].moments()
        seconds.append(time.process_time() - start)
        return found

    found = benchmark.pedantic(run, rounds=1)
    # A cluster's high moments are not those of the sheet, since they feel its edge; what is made of them is the same.
    filled = step(MOMENTS, polynomials[0].level(), "jackson")
    assert 2 * found[: len(expected)] @ filled == pytest.approx(2 * expected @ filled, abs=3e-6)
    benchmark.extra_info.update(
        sites=len(h),
        entries_per_row=len(h.i) / len(h) + 1,
        cpu_seconds=min(seconds),
        cpu_seconds_scipy=usual,
        speed_up=usual / min(seconds),
    )


@pytest.mark.parametrize("what", ["charges", "atomic_dipoles"])
def test_properties_of_11164_atoms(benchmark: Any, what: str) -> None:
    """As a task asks for them: coupled layers less layers apart, with the defaults of the model."""
    from harness_tight_binding.model import TightBinding

    atoms = twisted(MATERIAL, 30).atoms
    local = "charges" if what == "charges" else "dipoles"
    TightBinding(local=local, method="polynomials").calculate(twisted(MATERIAL, 2).atoms, [what])  # compiles
    seconds = []

    def run() -> np.ndarray:
        start = time.process_time()
        found = TightBinding(local=local).calculate(atoms, [what])[what]
        seconds.append(time.process_time() - start)
        return found

    found = benchmark.pedantic(run, rounds=1)
    assert np.abs(found.sum(axis=0)).max() < 1e-3
    benchmark.extra_info.update(natoms=len(atoms), cpu_seconds=min(seconds))
