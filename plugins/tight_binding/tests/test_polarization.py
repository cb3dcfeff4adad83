"""What symmetry says of the polarization of stackings, Born charges, the field, and the command line's parameters."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from harness_tight_binding.model import TightBinding
from tb_structures import rattled, stacked

from harness.errors import HarnessError
from harness.materials.sheets import area
from harness.units import PC_PER_M


def sheet(atoms: Atoms, **params: object) -> np.ndarray:
    dipole = TightBinding(**params).calculate(atoms, ["dipole"])["dipole"]  # type: ignore[arg-type]
    return PC_PER_M / area(atoms) * dipole


@pytest.mark.parametrize(("method", "sign"), [("exact", "slater_koster"), ("polynomials", "printed")])
def test_symmetry_of_the_stackings(method: str, sign: str) -> None:
    """AB points down and BA up by as much; AA, AA' and SP have none across the layers, AA, AB and AA' none along."""
    p = {s: sheet(stacked(s), method=method, sign=sign) for s in ("AA", "AB", "SP", "BA", "AA'")}
    assert p["AB"][2] < -1.0
    assert p["AB"] == pytest.approx(-p["BA"], abs=2e-3)
    for stacking in ("AA", "AB", "AA'"):
        assert p[stacking][:2] == pytest.approx(0.0, abs=2e-3)
    for stacking in ("AA", "AA'", "SP"):
        assert p[stacking][2] == pytest.approx(0.0, abs=2e-3)
    along = np.array([np.sqrt(3) / 2, -0.5])  # from AB to BA
    assert p["SP"][:2] == pytest.approx(along * (p["SP"][:2] @ along), abs=2e-3)
    assert abs(p["SP"][:2] @ along) > 0.1


def test_charge_goes_to_the_upper_layer_in_ab() -> None:
    """There N of the lower layer lies below B of the upper one, and gives to it; most of what is moved is on B."""
    atoms = stacked("AB")
    model = TightBinding(local="charges")
    found = model.calculate(atoms, ["charges", "dipole"])
    lower_b, lower_n, upper_b, upper_n = found["charges"]
    assert found["charges"].sum() == pytest.approx(0.0, abs=1e-12)
    assert lower_b + lower_n > 1e-3
    assert min(abs(lower_b), abs(upper_b)) > 3 * max(abs(lower_n), abs(upper_n))
    assert found["charges"] @ atoms.positions[:, 2] == pytest.approx(found["dipole"][2], abs=1e-10)
    assert "atomic_dipoles" not in model.implemented_properties


def test_decay_with_distance_is_that_of_the_square_of_the_hops() -> None:
    """Between those of states at Γ and at K: a wave k in the plane turns the decay κ into (κ² + k²)^½."""
    p = [sheet(stacked("AB", distance=d), cutoff=9.0)[2] for d in (3.8, 4.0)]
    decay, corner = TightBinding().parameters.decay, 4 * np.pi / (3 * 2.504)
    assert 2 * decay < np.log(p[0] / p[1]) / 0.2 < 2 * np.hypot(decay, corner)


def test_single_layers_have_none() -> None:
    layer = stacked("AB", layers=1).repeat((2, 2, 1))
    layer.positions += np.random.default_rng(1).normal(scale=0.1, size=layer.positions.shape)
    found = TightBinding().calculate(layer, ["dipole", "born_effective_charges"])
    assert not found["dipole"].any() and not found["born_effective_charges"].any()


def test_born_charges_are_derivatives_of_the_dipole() -> None:
    model, atoms, step = TightBinding(), rattled("SP"), 1e-3
    born = model.calculate(atoms, ["born_effective_charges"])["born_effective_charges"]
    found = np.empty_like(born)
    for atom in range(len(atoms)):
        for axis in range(3):
            sides = []
            for sign in (1, -1):
                moved = atoms.copy()
                moved.positions[atom, axis] += sign * step
                sides.append(model.calculate(moved, ["dipole"])["dipole"])
            found[atom, :, axis] = (sides[0] - sides[1]) / (2 * step)
    assert np.abs(born).max() > 0.05
    assert born == pytest.approx(found, abs=1e-5)
    assert born.sum(axis=0) == pytest.approx(0.0, abs=1e-12)


def test_a_field_across_pulls_electrons_against_it() -> None:
    """The dipole follows the field, in proportion while it is weak, and SP gets one that it has not by itself."""
    model, atoms = TightBinding(), stacked("SP")
    weak, double = (model.calculate(atoms, ["dipole"], (0.0, 0.0, e))["dipole"][2] for e in (0.01, 0.02))
    assert weak > 1e-4
    assert double == pytest.approx(2 * weak, rel=1e-3)
    with pytest.raises(HarnessError, match="periodic direction"):
        model.calculate(atoms, ["dipole"], (0.1, 0.0, 0.0))


def test_moved_atoms_are_calculated_anew() -> None:
    model, atoms = TightBinding(), stacked("AB")
    before = model.calculate(atoms, ["dipole"])["dipole"]
    atoms.positions[2:, 2] += 0.1
    after = model.calculate(atoms, ["dipole"])["dipole"]
    assert abs(after[2]) < 0.8 * abs(before[2])
    assert after == pytest.approx(TightBinding().calculate(atoms, ["dipole"])["dipole"], abs=1e-14)


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"method": "exakt"}, "Did you mean 'exact'"),
        ({"local": "charge"}, "Did you mean 'charges'"),
        ({"kernel": "lorentz"}, "unknown kernel"),
        ({"dtype": "float16"}, "unknown number type"),
        ({"moments": 127}, "even number"),
        ({"reach": 5.0}, "out of range"),
    ],
)
def test_parameters_are_checked(params: dict[str, object], match: str) -> None:
    with pytest.raises(HarnessError, match=match):
        TightBinding(**params)  # type: ignore[arg-type]


def test_what_it_cannot_give_it_says() -> None:
    with pytest.raises(HarnessError, match="Did you mean 'dipole'"):
        TightBinding().calculate(stacked("AB"), ["dipoles"])
    with pytest.raises(HarnessError, match="1600 atoms are too many"):
        TightBinding().calculate(stacked("AB").repeat((20, 20, 1)), ["born_effective_charges"])
