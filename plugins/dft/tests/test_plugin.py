"""The potential and the polarization model `dft`, without and with the programs."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from harness_dft import harness_polarization_models, harness_potentials
from harness_dft.ground_state import ground_state
from harness_dft.plugin import DFTPolarization, DFTPotential
from harness_dft.settings import Settings

from harness.contracts.potential import PolarizationModel, Potential
from harness.errors import HarnessError

needs_pw = pytest.mark.skipif(shutil.which("pw.x") is None, reason="no pw.x here: apt-get install quantum-espresso")


def test_the_hooks_bring_what_the_protocols_ask_for():
    potential = harness_potentials()["dft"](dispersion="none")
    polarization = harness_polarization_models()["dft"]()
    assert isinstance(potential, Potential) and isinstance(polarization, PolarizationModel)
    assert json.loads(json.dumps(potential.provenance()))["level_of_theory"] == "PBE"
    assert DFTPotential().provenance()["level_of_theory"] == "PBE-D3(BJ)"


def test_parameters_are_checked():
    with pytest.raises(TypeError, match="ecutwfc"):
        DFTPotential(ecutwf=50)
    with pytest.raises(HarnessError, match="d3bj"):
        DFTPotential(dispersion="D3BJ")


def test_missing_programs_and_data_sets_name_the_packages(mono, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    mono.calc = DFTPotential().calculator()
    with pytest.raises(HarnessError, match="pw.x.*apt install quantum-espresso"):
        mono.get_potential_energy()
    for name in ("pw.x", "ph.x"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    with pytest.raises(HarnessError, match="pw2wannier90.x.*wannier90"):
        DFTPolarization().calculate(mono, ["dipole"])
    mono.calc = DFTPotential(pseudo_dir=str(tmp_path)).calculator()
    with pytest.raises(HarnessError, match="UPF.*quantum-espresso-data"):
        mono.get_potential_energy()


def test_a_program_that_fails_shows_its_last_words(mono, monkeypatch, tmp_path):
    (tmp_path / "pw.x").write_text("#!/bin/sh\necho ' Error in routine cdiaghg (159):'\nexit 3\n")
    (tmp_path / "pw.x").chmod(0o755)
    for name in DFTPotential().settings.pseudopotentials.values():
        (tmp_path / name).touch()
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    mono.calc = DFTPotential(pseudo_dir=str(tmp_path)).calculator()
    with pytest.raises(RuntimeError, match=r"code 3.*cdiaghg"):
        mono.get_potential_energy()


def test_a_field_and_an_unknown_property_are_refused(mono):
    with pytest.raises(HarnessError, match="field"):
        DFTPolarization().calculate(mono, ["dipole"], field=(0, 0, 0.1))
    with pytest.raises(HarnessError, match="'dipole'"):
        DFTPolarization().calculate(mono, ["dipoles"])
    alone = DFTPolarization(born_charges=False)
    assert set(DFTPolarization().implemented_properties) - set(alone.implemented_properties) == {
        "born_effective_charges", "polarizability"
    }  # fmt: skip
    with pytest.raises(HarnessError, match="born_effective_charges"):
        alone.calculate(mono, ["born_effective_charges"])


@pytest.mark.slow
@needs_pw
def test_forces_are_slopes_and_the_sheet_stress_knows_no_vacuum(mono):
    """At a low cut-off, with D3(BJ); tolerances are those of the coarse density grid."""
    potential = DFTPotential(ecutwfc=25, ecutrho=200, k_length=8.0, min_height=12.0, conv_thr=1e-9)
    mono.positions[1] += [0.05, -0.03, 0.08]
    atoms = mono.copy()
    atoms.calc = potential.calculator()
    forces, stress = atoms.get_forces(), atoms.get_stress()
    np.testing.assert_allclose(forces.sum(axis=0), 0, atol=5e-3)

    def energy(atoms):
        atoms.calc = potential.calculator()
        return atoms.get_potential_energy()

    step = 0.01
    for axis in (0, 2):
        up, down = mono.copy(), mono.copy()
        up.positions[1, axis] += step
        down.positions[1, axis] -= step
        slope = (energy(up) - energy(down)) / (2 * step)
        assert forces[1, axis] == pytest.approx(-slope, abs=0.02)
    assert np.isfinite(stress).all()
    moved = mono.copy()
    moved.positions[:, 2] += 9.0
    moved.cell[2, 2] = 50.0
    moved.calc = potential.calculator()
    np.testing.assert_allclose(moved.get_stress() * 50.0, stress * 25.0, atol=1e-4)


@pytest.mark.slow
@needs_pw
def test_symmetry_spares_k_points_and_nothing_else(mono, tmp_path):
    coarse = Settings(ecutwfc=25, ecutrho=200, k_length=8.0, min_height=12.0, conv_thr=1e-9)
    mono.positions[1, 2] += 0.1
    plain, symmetric = (ground_state(mono, coarse, tmp_path, symmetry) for symmetry in (False, True))
    assert symmetric.energy == pytest.approx(plain.energy, abs=1e-6)
    np.testing.assert_allclose(symmetric.forces, plain.forces, atol=2e-3)  # the grid in real space has less symmetry
    np.testing.assert_allclose(symmetric.sheet_stress, plain.sheet_stress, atol=2e-3)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("wannier90.x") is None or shutil.which("ph.x") is None, reason="needs the programs")
def test_born_charges_are_slopes_of_the_dipole(mono, tmp_path):
    """ph.x against the densities of displaced sheets; a flat sheet has no dipole along z."""
    coarse = {"ecutwfc": 40, "ecutrho": 320, "k_length": 8.0, "min_height": 12.0, "conv_thr": 1e-10}
    model = DFTPolarization(**coarse, tr2_ph=1e-13)
    found = model.calculate(mono, model.implemented_properties)
    assert set(found) == set(model.implemented_properties)
    born = found["born_effective_charges"]
    assert found["dipole"][2] == pytest.approx(0, abs=1e-4)
    assert found["atomic_dipoles"][1, 2] == pytest.approx(0, abs=2e-3), "0.02 without the extrapolation"

    def dipole(u):
        moved = mono.copy()
        moved.positions[0, 2] += u
        return ground_state(moved, Settings(**coarse), tmp_path).dipole_z

    slope = (dipole(0.05) - dipole(-0.05)) / 0.1
    assert born[0, 2, 2] == pytest.approx(slope, abs=0.006), "at 25 Ry they differ by 0.02"
    assert born[0, 0, 0] == pytest.approx(born[0, 1, 1], abs=0.02)
    assert 2.0 < born[0, 0, 0] < 3.5 and born[0, 2, 2] < 0.5
    alone = DFTPolarization(born_charges=False, **coarse).calculate(mono, ["dipole", "atomic_dipoles"])
    np.testing.assert_allclose(alone["atomic_dipoles"], found["atomic_dipoles"], atol=1e-6)
    np.testing.assert_allclose(alone["dipole"], found["dipole"], atol=1e-6)
    assert np.abs(born.sum(axis=0)).max() < 0.2, "acoustic sum rule, at a coarse k-mesh"
    assert found["polarizability"][0, 0] > 3 * found["polarizability"][2, 2] > 0
