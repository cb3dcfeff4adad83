"""Two routes to the same electrons: eigenstates at wave vectors, and kernel polynomials in clusters."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from harness_tasks.moire.cells import twisted
from harness_tight_binding.clusters import bounds
from harness_tight_binding.exact import Exact
from harness_tight_binding.hoppings import find_hoppings
from harness_tight_binding.kpm import KERNELS, KernelPolynomials, step
from tb_structures import OTHER_SIGN, PARAMETERS, rattled, stacked

from harness.errors import HarnessError
from harness.registry.lookup import build_material


@pytest.mark.parametrize(("kernel", "count", "error"), [("jackson", 256, 1e-4), ("gaussian", 128, 1e-6)])
def test_the_step_is_one_below_the_level_and_zero_above(kernel: str, count: int, error: float) -> None:
    """Outside ±0.2 of the level, which is half the gap of hBN in units of half the width of its bands."""
    x = np.linspace(-0.99, 0.99, 500)
    x = x[np.abs(x + 0.4) > 0.2]
    values = np.polynomial.chebyshev.chebval(x, step(count, -0.4, kernel))
    assert values == pytest.approx((x < -0.4).astype(float), abs=error)


@pytest.mark.parametrize("parameters", [PARAMETERS, OTHER_SIGN])
def test_polynomials_agree_with_eigenstates(parameters: object) -> None:
    hoppings = find_hoppings(rattled(repeat=(2, 1)), parameters)  # type: ignore[arg-type]
    exact, polynomials = Exact(hoppings, 60.0), KernelPolynomials(hoppings, 128, 25.0)
    assert polynomials.occupations() == pytest.approx(exact.occupations(), abs=2e-7)
    assert polynomials.centres() == pytest.approx(exact.centres(), abs=5e-6)


def test_jackson_kernel_needs_more_moments() -> None:
    """256 of them resolve occupations to 10⁻⁵, as needed for induced charges of 10⁻² e; the error falls like M⁻³."""
    hoppings = find_hoppings(rattled(), PARAMETERS)
    exact = Exact(hoppings, 60.0).occupations()
    errors = [
        np.abs(KernelPolynomials(hoppings, count, 20.0, "jackson").occupations() - exact).max() for count in (128, 256)
    ]
    assert errors[1] < 1e-5
    assert errors[0] / errors[1] == pytest.approx(8.0, rel=0.3)


def test_single_precision() -> None:
    hoppings = find_hoppings(stacked("AB"), PARAMETERS)
    double, single = (KernelPolynomials(hoppings, 128, 20.0, dtype=d).occupations() for d in ("float64", "float32"))
    assert single == pytest.approx(double, abs=3e-6)


def test_a_twisted_cell() -> None:
    """76 atoms at 13.2°: both routes, and the three-fold axis at the origin, which neither is told of."""
    material = {"symbols": ["B", "N"], "a": 2.504, "stacking": "AB", "distance": 3.35, "vacuum": 20.0}
    cell = twisted(build_material(material), 2).atoms
    hoppings = find_hoppings(cell, PARAMETERS)
    exact, polynomials = Exact(hoppings, 60.0), KernelPolynomials(hoppings, 128, 20.0)
    occupations = polynomials.occupations()
    assert occupations == pytest.approx(exact.occupations(), abs=1e-5)
    centres = exact.centres()
    assert polynomials.centres() == pytest.approx(centres, abs=1e-5)
    turned = cell.copy()
    turned.rotate(120, "z")
    away = turned.positions[:, None] - cell.positions
    away -= np.round(away @ np.linalg.pinv(cell.cell.array[:2])) @ cell.cell.array[:2]
    image = np.linalg.norm(away, axis=-1).argmin(axis=1)
    assert sorted(image) == list(range(len(cell)))
    assert occupations[image] == pytest.approx(occupations, abs=1e-6)
    assert np.ptp(occupations[cell.symbols == "B"]) > 1e-2


def test_more_wave_vectors_change_nothing() -> None:
    hoppings = find_hoppings(rattled(), PARAMETERS)
    coarse, fine = (Exact(hoppings, length).centres().sum(axis=0) for length in (60.0, 90.0))
    assert coarse == pytest.approx(fine, abs=1e-8)


@pytest.mark.parametrize("periodic", [(True, False), (False, False)])
def test_any_periodicity(periodic: tuple[bool, bool]) -> None:
    """Flakes and ribbons have no wave vectors along their open directions, and edges."""
    atoms = rattled(repeat=(3, 3))
    atoms.pbc = (*periodic, False)
    hoppings = find_hoppings(atoms, PARAMETERS)
    exact, polynomials = Exact(hoppings, 60.0), KernelPolynomials(hoppings, 512, 40.0)
    assert polynomials.occupations() == pytest.approx(exact.occupations(), abs=1e-6)
    assert exact.occupations().sum() == pytest.approx(len(atoms), abs=1e-9)


@pytest.mark.parametrize("parameters", [PARAMETERS, OTHER_SIGN])
def test_the_spectrum_lies_within_its_bounds(parameters: object) -> None:
    for atoms in (stacked("AA"), rattled(repeat=(4, 3))):
        hoppings = find_hoppings(atoms, parameters)  # type: ignore[arg-type]
        centre, half = bounds(hoppings)
        energies = np.concatenate([s.energies for s in Exact(hoppings, 60.0).states()])
        assert np.abs(energies - centre).max() < half < 1.05 * np.abs(energies - centre).max()


def test_centres_add_up_to_the_dipole_of_the_occupations() -> None:
    atoms = rattled(scale=0.1)
    hoppings = find_hoppings(atoms, PARAMETERS)
    exact = Exact(hoppings, 60.0)
    heights = atoms.positions[:, 2]
    from_sites = exact.occupations() @ heights
    from_centres = 2 * (exact.centres()[:, 2] + heights[hoppings.nitrogen]).sum()
    assert from_centres == pytest.approx(from_sites, abs=1e-10)


def test_metals_are_refused() -> None:
    """Layers pushed into each other; both routes say so."""
    hoppings = find_hoppings(stacked("AA", distance=2.8), PARAMETERS)
    with pytest.raises(HarnessError, match="meet"):
        Exact(hoppings, 60.0).occupations()
    with pytest.raises(HarnessError, match="no gap"):
        KernelPolynomials(hoppings, 128, 20.0).occupations()


def test_without_electrons_nothing_is_filled() -> None:
    hoppings = find_hoppings(Atoms("B2", positions=[(0, 0, 0), (0, 0, 3.5)]), PARAMETERS)
    assert not Exact(hoppings, 60.0).occupations().any()
    assert set(KERNELS) == {"jackson", "gaussian"}
