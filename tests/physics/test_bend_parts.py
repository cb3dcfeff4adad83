"""Geometry and strain behind the task `bend`, each against a closed form."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from harness_tasks.bend.analysis import at_flat_registry, inner_bins
from harness_tasks.bend.profiles import averages, bin_mean, gradient, shape_of, slip
from harness_tasks.mechanics.atomic_strain import AtomicStrain
from harness_tasks.polarization.bond_dipoles import LocalDipoles
from harness_tasks.structures.cells import rectangular
from harness_tasks.structures.ribbon import Ribbon, make_ribbon

from harness.materials.honeycomb import STACKINGS
from harness.registry.lookup import build_material

BILAYER = {"symbols": ["B", "N"], "layers": 2, "stacking": "AB", "a": 2.511, "distance": 3.35, "vacuum": 20.0}
MONOLAYER = BILAYER | {"layers": 1}


def ribbon(material: dict[str, Any] = BILAYER, periods: int = 12, boundary: str = "periodic", nx: int = 1) -> Ribbon:
    return make_ribbon(rectangular(build_material(material), nx, periods), periods, 4.0, boundary)


def bent(flat: Ribbon, height: float) -> np.ndarray:
    """Both layers follow the clamped buckle, without slip of their heights."""
    positions = flat.flat.positions.copy()
    positions[:, 2] += flat.bump(height)
    return positions


@pytest.mark.parametrize("stacking", STACKINGS)
@pytest.mark.parametrize("nx", [1, 3])
def test_every_bin_holds_the_same_atoms_of_each_layer(stacking: str, nx: int) -> None:
    made = ribbon(BILAYER | {"stacking": stacking}, nx=nx)
    for layer in (0, 1):
        for number in (5, 7):
            chosen = (made.layer == layer) & (made.flat.numbers == number)
            assert (np.bincount(made.bins[chosen], minlength=made.n_bins) == nx).all()
    centres = bin_mean(made, made.flat.positions[:, 1:2])[:, 0]
    assert np.diff(centres) == pytest.approx(np.full(made.n_bins - 1, made.spacing))


@pytest.mark.parametrize("boundary", ["periodic", "open"])
def test_edges_move_and_the_rest_follows(boundary: str) -> None:
    made = ribbon(boundary=boundary)
    atoms = made.loaded(made.flat.positions.copy(), 0.0, 0.5)
    moved = atoms.positions[:, 1] - made.flat.positions[:, 1]
    near = made.held & (made.bins < made.n_bins // 2)
    assert (moved[near] == 0).all()
    if boundary == "open":
        far = made.held & ~near
        assert far.any()
        assert moved[far] == pytest.approx(-0.5)
        assert atoms.cell[1, 1] == made.flat.cell[1, 1]
    else:
        assert atoms.cell[1, 1] == pytest.approx(made.flat.cell[1, 1] - 0.5)
    assert (np.diff(moved[np.argsort(made.follows)]) <= 1e-12).all()
    again = made.loaded(atoms.positions.copy(), 0.5, 0.0)
    assert again.positions == pytest.approx(made.flat.positions)


def test_curvature_of_a_circle_is_exact() -> None:
    made = ribbon(periods=20, boundary="open")
    radius = 60.0
    angle = made.flat.positions[:, 1] / radius
    depth = radius - (made.flat.positions[:, 2] - made.flat.positions[:, 2].mean())
    positions = made.flat.positions.copy()
    positions[:, 1], positions[:, 2] = depth * np.sin(angle), -depth * np.cos(angle)
    shape = shape_of(made, positions, 0.0)
    inner = made.free_bins.copy()
    inner[[np.argmax(inner), len(inner) - 1 - np.argmax(inner[::-1])]] = False
    assert shape.curvature[inner] == pytest.approx(1 / radius, rel=2e-3)


def test_clamped_buckle_has_the_averages_of_its_closed_form() -> None:
    made = ribbon(periods=30)
    height = 1.5
    shape = shape_of(made, bent(made, height), float(made.flat.cell[1, 1]))
    mean, rms = averages(made, shape)
    assert rms == pytest.approx(math.sqrt(2) * math.pi**2 * height / made.span**2, rel=0.01)
    assert mean / rms == pytest.approx(2 * math.sqrt(2) / math.pi, rel=0.01)
    assert made.amplitude_for(rms) == pytest.approx(height, rel=0.01)
    assert made.shortening_for(rms) == pytest.approx(math.pi**2 * height**2 / (4 * made.span), rel=0.02)
    middle = made.n_bins // 2 + 1
    assert shape.curvature[middle] < 0 < shape.curvature[np.argmax(made.free_bins)]  # a crest, and a valley


def test_layers_that_keep_their_places_slip_by_distance_times_slope() -> None:
    made = ribbon(periods=30)
    positions = bent(made, 1.0)
    shape = shape_of(made, positions, float(made.flat.cell[1, 1]))
    found = slip(made, positions, shape)
    assert found is not None
    slope = shape.tangent[:, 1] / shape.tangent[:, 0]
    assert found[0] == pytest.approx(3.35 * slope, abs=0.02)
    assert found[1] == pytest.approx(3.35, abs=0.03)
    single = ribbon(MONOLAYER)
    assert slip(single, single.flat.positions, shape_of(single, single.flat.positions, single.flat.cell[1, 1])) is None


def test_green_strain_of_a_homogeneous_deformation_and_of_none() -> None:
    atoms = rectangular(build_material(BILAYER), 3, 2)
    strain = AtomicStrain(atoms, 4.5)
    assert strain.defined
    deformation = np.array([[1.01, 0.02, 0.0], [0.0, 0.99, 0.03], [0.01, 0.0, 1.02]])
    green = strain.green(atoms.positions @ deformation.T, atoms.cell.array @ deformation.T)
    assert green == pytest.approx(np.broadcast_to(0.5 * (deformation.T @ deformation - np.eye(3)), green.shape))
    c, s = math.cos(0.4), math.sin(0.4)
    rotation = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    turned = strain.green(atoms.positions @ rotation.T, atoms.cell.array @ rotation.T)
    assert turned == pytest.approx(np.zeros_like(turned), abs=1e-12)


def test_green_strain_needs_a_second_layer() -> None:
    strain = AtomicStrain(rectangular(build_material(MONOLAYER), 3, 2), 4.5)
    assert not strain.defined
    with pytest.raises(ValueError, match="flat"):
        strain.green(np.zeros((24, 3)), np.eye(3))


def test_gradient_of_a_sine_along_the_ring() -> None:
    made = ribbon(periods=30)
    q = 2 * math.pi / made.n_bins
    k = np.arange(made.n_bins)
    assert gradient(made, np.sin(q * k)) == pytest.approx(q / made.spacing * np.cos(q * k), abs=1e-3)


@pytest.mark.parametrize("material", [MONOLAYER, BILAYER, BILAYER | {"stacking": "SP"}])
def test_shared_charges_add_up_to_the_whole_dipole(material: dict[str, Any]) -> None:
    """Σ q r = Σ (d + Q r) for any charges, up to lattice vectors, which the height does not know."""
    made = ribbon(material)
    rng = np.random.default_rng(0)
    positions = made.flat.positions + rng.normal(scale=0.05, size=made.flat.positions.shape)
    charges = rng.normal(size=len(positions))
    charges -= charges.mean()
    dipoles, net = LocalDipoles(made.flat).split(positions, made.flat.cell.array, charges)
    assert dipoles[:, 2].sum() + (net * positions[:, 2]).sum() == pytest.approx((charges * positions[:, 2]).sum())
    assert net.sum() == pytest.approx(0, abs=1e-9)


def test_shared_charges_of_a_flat_sheet_have_no_dipole_and_no_net_charge() -> None:
    made = ribbon()
    charges = np.where(made.flat.numbers == 5, 1.0, -1.0)
    dipoles, net = LocalDipoles(made.flat).split(made.flat.positions, made.flat.cell.array, charges)
    assert np.abs(dipoles).max() < 1e-9
    assert np.abs(net).max() < 1e-12


def test_polarization_of_slip_is_told_from_that_of_curvature() -> None:
    made = ribbon(periods=30)
    phase = 2 * np.pi * np.arange(made.n_bins) / made.n_bins
    amplitudes = np.array([[0.0], [0.3], [0.6], [1.0]])
    curvature, moved = 0.006 * amplitudes * np.cos(phase), amplitudes * (0.3 * np.sin(phase) + 0.02)
    polarization = 2e-4 - 0.02 * curvature + 3e-4 * moved + 5e-4 * moved**2
    inner = inner_bins(made)
    still = at_flat_registry(curvature, polarization, moved, [1, 2, 3], inner)
    assert still == pytest.approx(2e-4 - 0.02 * curvature, abs=1e-9)
    unknown_choice = np.full_like(moved, np.nan)
    assert at_flat_registry(curvature, polarization, unknown_choice, [1, 2, 3], inner) is polarization
