"""Forces, Born charges and polarizability against finite differences; sum rules and parities."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from cd_structures import bilayer, model, rattled_cluster, rippled, slope

FIELD = np.array([0.03, -0.05, 0.1])


def cases() -> list:
    """A cluster, a wire along one axis and along a slanted one, a sheet."""
    wire = rattled_cluster(8)
    wire.cell, wire.pbc = [6.0, 1.0, 1.0], (True, False, False)
    wire.cell = [[6.0, 0, 0], [0, 0, 0], [0, 0, 0]]
    slanted = wire.copy()
    slanted.cell, slanted.pbc = [[0, 0, 0], [0, 0, 0], [2.0, 3.0, 6.0]], (False, False, True)
    return [
        pytest.param(rattled_cluster(8), id="cluster"),
        pytest.param(wire, id="wire"),
        pytest.param(slanted, id="slanted wire"),
        pytest.param(rippled(2, 2, 0.4), id="sheet"),
    ]


def projector(atoms: Atoms) -> np.ndarray:
    """Onto the periodic directions."""
    basis = np.linalg.qr(atoms.cell.array[atoms.pbc].T)[0] if atoms.pbc.any() else np.zeros((3, 0))
    return basis @ basis.T


@pytest.mark.parametrize("atoms", cases())
@pytest.mark.parametrize("constraint", ["total", "layer"])
def test_forces_are_the_slope_of_the_energy(atoms: Atoms, constraint: str) -> None:
    """Along periodic directions the field also pushes the charges, which the energy cannot contain."""
    cd = model(constraint)
    out = cd.calculate(atoms, ["forces", "charges"], FIELD)
    assert np.abs(out["forces"].sum(axis=0)).max() < 1e-9
    for atom, axis in ((0, 0), (3, 1), (5, 2)):
        push = out["charges"][atom] * (projector(atoms) @ FIELD)[axis]
        expected = push - slope(atoms, atom, axis, lambda a: cd.calculate(a, ["energy"], FIELD)["energy"])
        assert out["forces"][atom, axis] == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize("atoms", cases())
@pytest.mark.parametrize("field", [np.zeros(3), FIELD], ids=["no field", "field"])
def test_born_charges_are_the_slope_of_the_dipole(atoms: Atoms, field: np.ndarray) -> None:
    cd = model("layer")
    out = cd.calculate(atoms, ["born_effective_charges", "charges"], field)
    for atom, axis in ((0, 0), (3, 1), (5, 2)):
        expected = slope(atoms, atom, axis, lambda a: cd.calculate(a, ["dipole"], field)["dipole"])
        expected += out["charges"][atom] * projector(atoms)[axis]
        assert out["born_effective_charges"][atom, :, axis] == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize("atoms", cases())
def test_born_charges_are_the_slope_of_the_forces_by_the_field(atoms: Atoms) -> None:
    cd, step = model(), 1e-3
    born = cd.calculate(atoms, ["born_effective_charges"])["born_effective_charges"]
    for axis in range(3):
        e = step * np.eye(3)[axis]
        up, down = (cd.calculate(atoms, ["forces"], sign * e)["forces"] for sign in (1, -1))
        assert born[:, axis] == pytest.approx((up - down) / (2 * step), abs=1e-6)


@pytest.mark.parametrize("atoms", cases())
def test_polarizability_is_the_slope_of_the_dipole_by_the_field(atoms: Atoms) -> None:
    cd, step = model(), 1e-2
    alpha = cd.calculate(atoms, ["polarizability"])["polarizability"]
    assert alpha == pytest.approx(alpha.T, abs=1e-8)
    assert np.linalg.eigvalsh(alpha).min() > 0
    for axis in range(3):
        e = step * np.eye(3)[axis]
        up, down = (cd.calculate(atoms, ["dipole"], sign * e)["dipole"] for sign in (1, -1))
        # e/(V) Å = 14.3996 Å^3
        assert alpha[:, axis] == pytest.approx(14.3996454784 * (up - down) / (2 * step), rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("atoms", cases())
@pytest.mark.parametrize("constraint", ["total", "layer"])
def test_acoustic_sum_rule(atoms: Atoms, constraint: str) -> None:
    born = model(constraint).calculate(atoms, ["born_effective_charges"])["born_effective_charges"]
    assert np.abs(born.sum(axis=0)).max() < 1e-9
    assert np.abs(born).max() > 0.1


def test_mirror_turns_the_polarization_round() -> None:
    """AB and BA are mirror images in the plane between the layers: P_z is odd, the rest even."""
    cd = model()
    words = ["dipole", "energy", "polarizability"]
    ab, ba = (cd.calculate(bilayer(shift=s), words) for s in (1.0, 2.0))
    assert abs(ab["dipole"][2]) > 1e-6
    assert ba["dipole"][2] == pytest.approx(-ab["dipole"][2], rel=1e-6)
    assert ba["energy"] == pytest.approx(ab["energy"])
    assert ba["polarizability"] == pytest.approx(ab["polarizability"])


@pytest.mark.parametrize("shift", [0.0, 1.5])
def test_no_polarization_where_symmetry_forbids_it(shift: float) -> None:
    """AA has a mirror plane between its layers; the saddle point a twofold axis: P_z = 0."""
    assert model().calculate(bilayer(shift=shift), ["dipole"])["dipole"][2] == pytest.approx(0.0, abs=1e-9)


def test_inversion_makes_every_dipole_odd() -> None:
    cd, atoms = model(), rippled(2, 2, 0.4)
    here = cd.calculate(atoms, ["dipole", "atomic_dipoles", "born_effective_charges", "charges"])
    atoms.positions *= -1
    there = cd.calculate(atoms, ["dipole", "atomic_dipoles", "born_effective_charges", "charges"])
    assert there["dipole"] == pytest.approx(-here["dipole"], abs=1e-9)
    assert there["atomic_dipoles"] == pytest.approx(-here["atomic_dipoles"], abs=1e-9)
    assert there["charges"] == pytest.approx(here["charges"], abs=1e-9)
    assert there["born_effective_charges"] == pytest.approx(here["born_effective_charges"], abs=1e-9)
