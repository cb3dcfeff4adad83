"""Born charges are derivatives of the dipole; the dipole has the symmetry of a vector and no branches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import graphene
from harness_deep_wannier.cores import Cores
from harness_deep_wannier.systems import centroid_labels

from harness.data.dataset import Dataset
from harness.errors import HarnessError

EVERYTHING = ("dipole", "atomic_dipoles", "born_effective_charges")
DATA = Path(__file__).parents[3] / "datasets" / "hbn"


def largest(x) -> float:
    return float(np.abs(x).max())


def test_born_charges_are_derivatives(polarization, atoms):
    """A scrambled array would pass no component of an asymmetric structure."""
    born = polarization.calculate(atoms, ["born_effective_charges"])["born_effective_charges"]
    step = 1e-4
    for i in (0, 3, 10, 13):
        for axis in range(3):
            ends = []
            for sign in (1, -1):
                moved = atoms.copy()
                moved.positions[i, axis] += sign * step
                ends.append(polarization.calculate(moved, ["dipole"])["dipole"])
            assert largest((ends[0] - ends[1]) / (2 * step) - born[i, :, axis]) < 1e-6
    assert largest(born.sum(axis=0)) < 1e-10


def test_vector_under_rotation_and_mirror(polarization, atoms):
    one = polarization.calculate(atoms, EVERYTHING)
    turn = np.array([[0.6, -0.8, 0], [0.8, 0.6, 0], [0, 0, -1.0]])  # a rotation times the mirror in the plane
    other = atoms.copy()
    other.set_cell(atoms.cell.array @ turn.T, scale_atoms=False)
    other.positions = atoms.positions @ turn.T
    two = polarization.calculate(other, EVERYTHING)
    assert largest(two["dipole"] - turn @ one["dipole"]) < 1e-10
    assert largest(two["atomic_dipoles"] - one["atomic_dipoles"] @ turn.T) < 1e-10
    turned = np.einsum("ab,nbc,dc->nad", turn, one["born_effective_charges"], turn)
    assert largest(two["born_effective_charges"] - turned) < 1e-10


def test_no_branches(polarization, atoms):
    """Wrapping, another origin, repeating, and vacuum change nothing."""
    one = polarization.calculate(atoms, EVERYTHING)
    other = atoms.copy()
    other.positions += [1.7, -5.2, 2.0]
    other.wrap()
    other.cell[2, 2] += 7.0
    two = polarization.calculate(other, EVERYTHING)
    assert all(largest(two[key] - one[key]) < 1e-9 for key in EVERYTHING)
    double = polarization.calculate(atoms.repeat((1, 2, 1)), ["dipole"])["dipole"]
    assert largest(double - 2 * one["dipole"]) < 1e-9


def test_symmetric_sheets_have_none(polarization):
    layer = graphene(formula="BN", a=2.51, vacuum=8.0)
    layer.pbc = (True, True, False)
    assert largest(polarization.calculate(layer, ["dipole"])["dipole"]) < 1e-10
    aa = layer + Atoms(layer.symbols, layer.positions + [0, 0, 3.4])
    assert largest(polarization.calculate(aa, ["dipole"])["dipole"]) < 1e-10
    born = polarization.calculate(layer, ["born_effective_charges"])["born_effective_charges"]
    assert born[0, 0, 0] == pytest.approx(2.7, abs=0.1)  # B of hBN in the plane: +2.7 e


def test_ab_and_ba_are_opposite(polarization):
    found = []
    for one, two in ((1, 2), (2, 1)):
        layer = graphene(formula="BN", a=2.511)
        upper = layer.copy()
        upper.positions += (one * layer.cell[0] + two * layer.cell[1]) / 3 + [0, 0, 3.35]
        both = layer + upper
        both.pbc = (True, True, False)
        found.append(polarization.calculate(both, ["dipole"])["dipole"])
    assert largest(found[0] + found[1]) < 1e-9
    assert largest(found[0][:2]) < 1e-9
    assert 0.002 < largest(found[0][2]) < 0.0045  # e Å


def test_sliding_polarization(polarization):
    """Along AB-SP-BA, P_z of the data goes from -0.0032 to 0.0032 e Å a cell (-0.93 to 0.93 pC/m)."""
    frames = Dataset.load(DATA).frames("train", kind="responses", families=["path-bilayer4"])
    for atoms in frames:
        model = polarization.calculate(atoms, ["dipole"])["dipole"]
        assert model[2] == pytest.approx(atoms.info["dipole_z"], abs=6e-4)


def test_field_acts_through_born_charges(polarization, atoms):
    field = np.array([0.1, -0.2, 0.3])
    found = polarization.calculate(atoms, [*EVERYTHING, "energy", "forces"], field)
    assert float(found["energy"]) == pytest.approx(-float(found["dipole"] @ field))
    assert largest(found["forces"] - np.einsum("a,iab->ib", field, found["born_effective_charges"])) == 0
    with pytest.raises(HarnessError, match="unknown property"):
        polarization.calculate(atoms, ["quadrupole"])


def test_potential_and_polarization_model_agree(potential, polarization, atoms):
    calculator = potential.calculator()
    model = polarization.calculate(atoms, EVERYTHING)
    for key in EVERYTHING:
        assert largest(calculator.get_property(key, atoms) - model[key]) == 0
    atoms.positions[0] += 0.1
    assert largest(calculator.get_property("dipole", atoms) - model["dipole"]) > 1e-3  # no stale results


def test_cores_and_centres_make_the_dipoles_of_the_data():
    """Signs, units and bonds of the labels: with the labelled centroids, `Cores` gives the labelled dipoles."""
    for atoms in Dataset.load(DATA).frames("train", kind="responses")[:12]:
        nitrogen = atoms.symbols == "N"
        centroid = atoms.arrays["wannier_centres"][nitrogen].reshape(-1, 4, 3).mean(axis=1)
        ionic, charge = Cores().of(atoms)
        dipoles = ionic[nitrogen] - 8 * (centroid - atoms.positions[nitrogen])
        assert largest(dipoles - atoms.arrays["atomic_dipoles"][nitrogen]) < 1e-6
        assert set(charge) == {3.0, -3.0}
        labels = centroid_labels(atoms, Cores())
        assert labels["dipole"] * -8 + ionic.sum(axis=0) == pytest.approx(atoms.calc.results["dipole"], abs=1e-9)


def test_charged_edges_still_give_the_dipole_of_all_charges():
    """A finite flake: cores and centroids on the atoms have the dipole of point charges."""
    flake = graphene(formula="BN", a=2.5).repeat((3, 3, 1))
    flake.pbc = False
    ionic, charge = Cores().of(flake)
    assert ionic.sum(axis=0) == pytest.approx(charge @ flake.positions, abs=1e-9)
