"""Open boundaries: published values, exact limits, derivatives."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from cd_structures import buckyball, model, rattled_cluster
from harness_charge_dipole.kernels import blocks, radial
from harness_charge_dipole.model import ChargeDipole
from harness_charge_dipole.parameters import Element, Parameters

from harness.units import COULOMB


def test_c60_polarizability_of_mayer_2007() -> None:
    """Width of PRB 75, 045407 ("Q+P ISO [R]"): 75.10 Å³. The bonds are known to 0.0005 Å, worth 0.08 Å³."""
    carbon = Parameters({"C": Element(0.68620399, 0.0)})
    alpha = ChargeDipole(carbon).calculate(buckyball(), ["polarizability"])["polarizability"]
    assert np.diag(alpha) == pytest.approx([75.10] * 3, abs=0.01)
    assert np.abs(alpha - np.diag(np.diag(alpha))).max() < 1e-3


def test_lone_atom_is_a_polarizable_point() -> None:
    """p = alpha E with alpha = 3 sqrt(pi/2) R³, energy -alpha E²/2; neutral, whatever its electronegativity."""
    width, field = 0.7, np.array([0.1, -0.2, 0.3])
    lone = ChargeDipole(Parameters({"B": Element(width, 4.0)}))
    words = ["dipole", "charges", "energy", "polarizability"]
    out = lone.calculate(Atoms("B", positions=[[1.0, 2.0, 3.0]]), words, field)
    alpha = 3 * np.sqrt(np.pi / 2) * width**3
    assert out["dipole"] == pytest.approx(alpha * field / COULOMB)
    assert out["charges"][0] == pytest.approx(0.0, abs=1e-14)
    assert out["energy"] == pytest.approx(-0.5 * alpha * field @ field / COULOMB)
    assert out["polarizability"] == pytest.approx(alpha * np.eye(3), abs=1e-12)


def test_far_apart_gaussians_are_point_charges_and_dipoles() -> None:
    r = np.array([3.0, -8.0, 9.0])
    d = np.linalg.norm(r)
    block = blocks(r[None], radial(np.array([d]), 1.1, 2))[0]
    assert block[0, 0] == pytest.approx(1 / d, rel=1e-12)
    assert block[0, 1:] == pytest.approx(r / d**3, rel=1e-12)
    assert block[1:, 1:] == pytest.approx(np.eye(3) / d**3 - 3 * np.outer(r, r) / d**5, rel=1e-12)


def test_far_molecules_interact_as_their_dipoles() -> None:
    """The energy of two polar pairs falls to that of point dipoles; what is left is of higher order."""
    cd = model()
    pair = Atoms("BN", positions=[[0, 0, 0], [0, 0, 1.4]])
    alone = cd.calculate(pair, ["energy", "dipole"])
    left = []
    for distance in (20.0, 40.0):
        other = pair.copy()
        other.positions[:, 0] += distance
        energy = cd.calculate(pair + other, ["energy"])["energy"] - 2 * alone["energy"]
        left.append(energy - COULOMB * alone["dipole"][2] ** 2 / distance**3)
    point = COULOMB * alone["dipole"][2] ** 2 / 20.0**3
    assert abs(left[0]) < 0.02 * point
    assert abs(left[1]) < abs(left[0]) / 16


def test_radial_functions_are_smooth_where_the_series_takes_over() -> None:
    a = 1.3
    below, above = (radial(np.array([0.6 * a * (1 + s)]), a, 3) for s in (-1e-9, 1e-9))
    for low, high in zip(below, above, strict=True):
        assert low[0] == pytest.approx(high[0], rel=1e-8)
    r = np.linspace(0.2, 4.0, 9)
    b, h = radial(r, a, 3), 1e-5
    for n in range(3):
        slope = (radial(r + h, a, 3)[n] - radial(r - h, a, 3)[n]) / (2 * h)
        assert b[n + 1] == pytest.approx(-slope / r, rel=1e-7)


def test_the_solution_is_the_minimum() -> None:
    cd, atoms = model(), rattled_cluster(8)
    system, rhs, _ = cd.system(atoms)
    x = system.solve(rhs)

    def energy(state: np.ndarray) -> float:
        return 0.5 * np.vdot(state, system.product(state)) - np.vdot(rhs, state)

    assert energy(x) == pytest.approx(cd.calculate(atoms, ["energy"])["energy"])
    rng = np.random.default_rng(3)
    for _ in range(20):
        away = rng.normal(size=x.shape)
        away[:, 0] -= away[:, 0].mean()
        rise, double = energy(x + 0.01 * away) - energy(x), energy(x + 0.02 * away) - energy(x)
        assert rise > 0 and double == pytest.approx(4 * rise, rel=1e-6)


def test_dipole_of_a_neutral_cluster_has_no_origin() -> None:
    cd, atoms = model(), rattled_cluster(8)
    before = cd.calculate(atoms, ["dipole", "energy", "charges"])
    atoms.positions += [11.0, -7.0, 3.0]
    after = cd.calculate(atoms, ["dipole", "energy"])
    assert after["dipole"] == pytest.approx(before["dipole"], abs=1e-10)
    assert after["energy"] == pytest.approx(before["energy"])
    assert before["charges"].sum() == pytest.approx(0.0, abs=1e-12)


def test_rotation_turns_every_property_with_it() -> None:
    cd, atoms = model(), rattled_cluster(6)
    turn = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]  # with or without a mirror
    field = np.array([0.05, 0.1, -0.2])
    words = cd.implemented_properties
    here = cd.calculate(atoms, words, field)
    atoms.positions = atoms.positions @ turn.T
    there = cd.calculate(atoms, words, turn @ field)
    assert there["energy"] == pytest.approx(here["energy"])
    assert there["dipole"] == pytest.approx(turn @ here["dipole"])
    assert there["forces"] == pytest.approx(here["forces"] @ turn.T)
    assert there["polarizability"] == pytest.approx(turn @ here["polarizability"] @ turn.T)
    assert there["born_effective_charges"] == pytest.approx(turn @ here["born_effective_charges"] @ turn.T)
