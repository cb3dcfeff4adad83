"""The calculator and its kernel against bare motep, finite differences, and the symmetries of space."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress
from harness_mtp.calculator import MTPCalculator
from harness_mtp.grade import ActiveSet
from harness_mtp.potential import MTPPotential
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import HarnessError

Sheet = Callable[..., Atoms]


@pytest.fixture
def calculator(random_data: Callable[..., Any]) -> MTPCalculator:
    return MTPCalculator(random_data(12))


def bare(data: Any, atoms: Atoms) -> Any:
    from motep.calculator import MTP

    copy = atoms.copy()
    copy.calc = MTP(data, engine="cext")
    return copy


@pytest.mark.parametrize("pbc", [(True, True, False), (True, True, True), (False, False, False), (True, False, False)])
def test_equals_bare_motep_along_a_trajectory(random_data: Callable[..., Any], sheet: Sheet, pbc: Any) -> None:
    data = random_data(12)
    atoms = sheet(4, 3)
    atoms.pbc = pbc
    atoms.positions[3] += atoms.cell[0]  # outside the cell
    atoms.calc = MTPCalculator(data)
    rng = np.random.default_rng(0)
    for _ in range(12):  # moves of up to 1 Å in all: the list is rebuilt on the way
        atoms.positions += rng.normal(scale=0.05, size=atoms.positions.shape)
        other = bare(data, atoms)
        assert atoms.get_potential_energy() == pytest.approx(other.get_potential_energy(), abs=1e-10)
        np.testing.assert_allclose(atoms.get_forces(), other.get_forces(), atol=1e-10)
        np.testing.assert_allclose(atoms.get_stress(), other.get_stress(), atol=1e-12)
        np.testing.assert_allclose(atoms.get_potential_energies(), other.get_potential_energies(), atol=1e-10)
    assert atoms.calc._neighbours.builds > 1


def test_forces_and_stress_are_derivatives(calculator: MTPCalculator, sheet: Sheet) -> None:
    atoms = sheet()
    atoms.calc = calculator
    scale = np.abs(atoms.get_forces()).max()
    np.testing.assert_allclose(atoms.get_forces(), calculate_numerical_forces(atoms, eps=1e-4), atol=1e-6 * scale)
    numerical = calculate_numerical_stress(atoms, eps=1e-5)
    np.testing.assert_allclose(atoms.get_stress(), numerical, atol=1e-6 * np.abs(numerical).max())


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**31), angle=st.floats(0, 360), shift=st.floats(-50, 50))
def test_invariances(random_data: Callable[..., Any], sheet: Sheet, seed: int, angle: float, shift: float) -> None:
    rng = np.random.default_rng(seed)
    atoms = sheet(3, 3, 0.1, seed)
    atoms.calc = MTPCalculator(random_data())
    energy, forces = atoms.get_potential_energy(), atoms.get_forces()
    np.testing.assert_allclose(forces.sum(axis=0), 0.0, atol=1e-9)
    turned = atoms.copy()
    axis = rng.normal(size=3)
    turned.rotate(angle, axis, rotate_cell=True)
    turned.positions += shift * rng.normal(size=3)
    order = rng.permutation(len(atoms))
    turned = turned[order]
    turned.calc = MTPCalculator(random_data())
    assert turned.get_potential_energy() == pytest.approx(energy, abs=1e-8)
    probe = Atoms("H" * len(atoms), positions=forces)
    probe.rotate(angle, axis)
    np.testing.assert_allclose(turned.get_forces(), probe.positions[order], atol=1e-8)


def test_extensive_and_continuous_at_the_cutoff(random_data: Callable[..., Any], sheet: Sheet) -> None:
    data = random_data()
    atoms = sheet(2, 2)
    atoms.calc = MTPCalculator(data)
    double = atoms.repeat((2, 3, 1))
    double.calc = MTPCalculator(data)
    assert double.get_potential_energy() == pytest.approx(6 * atoms.get_potential_energy(), rel=1e-12)
    pair = Atoms("BN", positions=[[0, 0, 0], [0, 0, 0]])
    energy = []
    for r in (3.9999, 4.0001, 5.0):
        pair.positions[1, 0] = r
        pair.calc = MTPCalculator(data)
        energy.append(pair.get_potential_energy())
    assert energy[0] == pytest.approx(energy[2], abs=1e-6)
    assert energy[1] == energy[2]
    assert "stress" not in pair.calc.results


def test_a_lone_atom_has_its_species_energy(random_data: Callable[..., Any]) -> None:
    data = random_data()
    atom = Atoms("N", calculator=MTPCalculator(data))
    # the constant of motep's species plus what the scalar basis makes of no neighbours: nothing
    assert atom.get_potential_energy() == pytest.approx(data.species_coeffs[1], abs=1e-12)
    assert np.all(atom.get_forces() == 0.0)


def test_the_number_of_atoms_may_change(calculator: MTPCalculator, sheet: Sheet) -> None:
    values = [calculator.get_property("energy", sheet(n, 2)) for n in (3, 2, 3)]
    assert values[0] == values[2] != values[1]


def test_unknown_element_is_one_line(calculator: MTPCalculator) -> None:
    with pytest.raises(HarnessError, match=r"does not know the element C; it knows B, N") as caught:
        calculator.get_property("energy", Atoms("BCN", positions=np.diag([0.0, 1.5, 3.0])))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("level", [2, 8, 16, 20])
@pytest.mark.parametrize("size", [(1, 1), (4, 3)])  # (1, 1): the cell is smaller than the cutoff
def test_both_engines_give_the_same(random_data: Callable[..., Any], sheet: Sheet, level: int, size: Any) -> None:
    data, atoms = random_data(level), sheet(*size)
    own, motep = (MTPCalculator(data, engine) for engine in ("numba", "cext"))
    for name in ("energies", "forces", "stress"):
        expected = motep.get_property(name, atoms)
        np.testing.assert_allclose(own.get_property(name, atoms), expected, atol=1e-13 * np.abs(expected).max() + 1e-15)


def test_lone_atoms_and_one_species(random_data: Callable[..., Any]) -> None:
    data = random_data(12)
    for symbols, x in (("B", [0.0]), ("BB", [0.0, 1.6]), ("NN", [0.0, 1.6]), ("BN", [0.0, 30.0])):
        atoms = Atoms(symbols, positions=[(a, 0.1 * a, 0.0) for a in x])
        own, motep = (MTPCalculator(data, engine) for engine in ("numba", "cext"))
        np.testing.assert_allclose(own.get_property("energies", atoms), motep.get_property("energies", atoms))
        np.testing.assert_allclose(own.get_property("forces", atoms), motep.get_property("forces", atoms), atol=1e-12)
    assert not np.any(own.results["forces"])  # beyond the cutoff


def test_grades_equal_moteps(random_data: Callable[..., Any], sheet: Sheet, tmp_path: Path) -> None:
    """Neighbourhood grades for the linear coefficients, by motep's Grader on the same training set."""
    from motep.grade.grader import Grader

    data = random_data(8)
    data.optimized = ["moment_coeffs", "species_coeffs"]
    train = [sheet(2, 2, 0.1, seed) for seed in range(6)]
    grader = Grader(data, seed=1, mode="neighborhood", maxvol_setting={"threshold": 1e-3})
    grader.update(train)
    probe = sheet(2, 2, 0.25, 77)
    expected = grader.grade([probe])[0].calc.results["nbh_grades"]

    model = tmp_path / "m.mtp"
    ActiveSet(grader.maxvol_result.submatrix, ["x"] * len(grader.maxvol_result.submatrix)).save(model)
    calculator = MTPCalculator(data, active_set=ActiveSet.beside(model))
    calculator.get_property("forces", probe)
    assert "extrapolation_grades" not in calculator.results  # force calls do not pay for it
    np.testing.assert_allclose(calculator.get_property("extrapolation_grades", probe), expected, rtol=1e-6)
    assert calculator.get_property("extrapolation_grade", probe) == pytest.approx(expected.max(), rel=1e-6)
    assert max(calculator.get_property("extrapolation_grade", a) for a in train) < 1.01
    # the two programs sum in different orders: some units in the last place of the energy
    expected_energy = bare(data, probe).get_potential_energy()
    assert calculator.get_property("energy", probe) == pytest.approx(expected_energy, rel=1e-12)


class TestPotential:
    def test_species_from_tag_sidecar_or_parameter(self, model_file: Path) -> None:
        assert MTPPotential(str(model_file)).elements == {"B", "N"}
        model_file.with_suffix(".json").write_text('{"species": ["N", "B"]}')
        assert MTPPotential(str(model_file)).species == ["N", "B"]
        assert MTPPotential(str(model_file), species=["C", "B"]).species == ["C", "B"]

    def test_species_must_be_known(self, model_file: Path, random_data: Callable[..., Any]) -> None:
        from harness_mtp import mtpfile

        with pytest.raises(HarnessError, match="unknown element 'Bn'"):
            MTPPotential(str(model_file), species=["Bn", "N"])
        with pytest.raises(HarnessError, match="has 2 species"):
            MTPPotential(str(model_file), species=["B"])
        mtpfile.write(model_file, random_data())
        with pytest.raises(HarnessError, match=r"potential.params.species=\[...\] with 2 elements"):
            MTPPotential(str(model_file))

    def test_species_order_matters_and_is_obeyed(self, model_file: Path, sheet: Sheet) -> None:
        atoms = sheet()
        swapped = atoms.copy()
        swapped.numbers = np.where(atoms.numbers == 5, 7, 5)
        a = MTPPotential(str(model_file), species=["B", "N"]).calculator().get_property("energy", atoms)
        b = MTPPotential(str(model_file), species=["N", "B"]).calculator().get_property("energy", swapped)
        assert a == pytest.approx(b, abs=1e-10)

    def test_unknown_engine_and_broken_neighbours_of_the_model(self, model_file: Path) -> None:
        with pytest.raises(HarnessError, match="Did you mean 'cext'"):
            MTPPotential(str(model_file), engine="cxt")
        model_file.with_suffix(".json").write_text("{")
        with pytest.raises(HarnessError, match="facts beside the model"):
            MTPPotential(str(model_file))
        model_file.with_suffix(".json").unlink()
        model_file.with_suffix(".active.npz").write_bytes(b"PK")
        with pytest.raises(HarnessError, match="active set"):
            MTPPotential(str(model_file)).calculator()

    def test_provenance_names_file_and_hash(self, model_file: Path) -> None:
        from hashlib import sha256

        provenance = MTPPotential(str(model_file)).provenance()
        assert provenance["model"] == {"file": "random.mtp", "sha256": sha256(model_file.read_bytes()).hexdigest()}
        assert provenance["versions"]["motep"] == "0.2.0"
