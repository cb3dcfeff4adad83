"""Reading a data set."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from harness import HarnessError
from harness.dataset import SPLITS, Dataset, family

FOLDER = Path(__file__).resolve().parents[2] / "datasets" / "hbn"


@pytest.fixture(scope="module")
def data() -> Dataset:
    return Dataset.load(FOLDER)


@pytest.fixture
def copy(tmp_path) -> Path:
    for name in ("energies.extxyz", "responses.extxyz", "split.json", "versions.json", "checksums.txt"):
        shutil.copy(FOLDER / name, tmp_path)
    return tmp_path


def test_levels_of_theory_differ_by_the_dispersion_alone(data):
    """D3 binds: the energy is lower with it, and the two levels share everything else."""
    for with_d3, without in zip(data.frames("all"), data.frames("all", dispersion="none"), strict=True):
        assert with_d3.info["name"] == without.info["name"]
        per_atom = (with_d3.get_potential_energy() - without.get_potential_energy()) / len(with_d3)
        assert -0.15 < per_atom < -0.05
        assert with_d3.get_stress().shape == without.get_stress().shape == (6,)
        assert np.abs(with_d3.get_forces() - without.get_forces()).max() < 0.5
        for frame in (with_d3, without):
            assert "pbe_energy" not in frame.info and "pbe_forces" not in frame.arrays


def test_forces_are_the_slope_of_the_energy_along_the_interlayer_curve(data):
    """Nothing of energy, force and their units is mixed up: the force between the layers is −dE/dh."""
    for dispersion in ("d3bj", "none"):
        curve = data.frames("all", families=["curve-bilayer4"], dispersion=dispersion)[:9]
        h = np.array([np.ptp(frame.positions[:, 2]) for frame in curve])
        energy = np.array([frame.get_potential_energy() for frame in curve])
        pull = np.array([frame.get_forces()[2:, 2].sum() for frame in curve])
        work = np.diff(h) * (pull[1:] + pull[:-1]) / 2
        np.testing.assert_allclose(np.diff(energy), -work, atol=0.012)


def test_response_frames_hold_their_labels(data):
    frames = data.frames("all", "responses")
    assert len(frames) >= 13
    for frame in frames:
        born = frame.arrays["born_charges"].reshape(-1, 3, 3)
        assert np.abs(born.sum(axis=0)).max() < 0.03, "acoustic sum rule"
        from_centres = frame.arrays["atomic_dipoles"].sum(axis=0)
        np.testing.assert_allclose(frame.get_dipole_moment()[:2], from_centres[:2], atol=1e-6)
        assert frame.get_dipole_moment()[2] == pytest.approx(frame.info.get("dipole_z", from_centres[2]), abs=1e-6)
        assert frame.get_dipole_moment()[2] == pytest.approx(from_centres[2], abs=0.02)


def test_selection_by_family_and_split(data):
    named = {frame.info["name"] for where in SPLITS for frame in data.frames(where)}
    assert len(named) == sum(len(data.frames(where)) for where in SPLITS) <= len(data.frames("all"))
    assert {family(f.info["name"]) for f in data.frames("train", families=["rand-mono8"])} == {"rand-mono8"}
    for call in (
        lambda: data.frames("tran"),
        lambda: data.frames("train", "energy"),
        lambda: data.frames("train", families=["rand-mono"]),
        lambda: data.frames("train", dispersion="d3"),
    ):
        with pytest.raises(HarnessError, match="Did you mean"):
            call()


def test_frames_are_copies(data):
    data.frames("train")[0].positions += 1.0
    assert np.abs(data.frames("train")[0].positions[:, 2].mean()) < 1e-6


def test_changed_missing_and_foreign_files_are_named(copy):
    with (copy / "responses.extxyz").open("a") as stream:
        stream.write("\n")
    with pytest.raises(HarnessError, match="responses.extxyz differs"):
        Dataset.load(copy)
    (copy / "energies.extxyz").unlink()
    with pytest.raises(HarnessError, match="lacks energies.extxyz"):
        Dataset.load(copy)
    with pytest.raises(HarnessError, match="no data set"):
        Dataset.load(copy / "elsewhere")


def test_the_hash_is_of_the_content(copy, data):
    assert Dataset.load(copy).sha256 == data.sha256
