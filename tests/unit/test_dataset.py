"""Reading a data set."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from ase.io import read, write

from harness.data.dataset import SPLITS, Dataset, family
from harness.data.dispersion import d2
from harness.errors import HarnessError
from harness.registry.files import sha256

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


def test_responses_that_break_the_sum_rule_are_no_labels(copy, data):
    """One that is shifted by 0.1 e an atom disappears from the responses and stays among the energies."""
    frames = read(copy / "responses.extxyz", ":")
    name = frames[0].info["name"]
    frames[0].arrays["born_charges"] += 0.1
    write(copy / "responses.extxyz", frames, format="extxyz")
    listing = (copy / "checksums.txt").read_text().splitlines()
    listing = [f"{sha256(copy / line.partition('  ')[2])}  {line.partition('  ')[2]}" for line in listing]
    (copy / "checksums.txt").write_text("\n".join(listing) + "\n")
    changed = Dataset.load(copy)
    assert name in data.names("all", "responses") and name not in changed.names("all", "responses")
    assert name in changed.names("all") and changed.version is None


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


def test_smaller_views_are_parts_of_larger_ones(data):
    """Every family keeps its share, and the other splits stay whole: points of a learning curve are comparable."""
    sizes = [10, 25, 50, 100, len(data.names("train"))]
    views = [set(data.view(n_train=n).names("train")) for n in sizes]
    assert [len(names) for names in views] == sizes
    assert all(small < large for small, large in zip(views, views[1:], strict=False))
    share = {kind: sum(family(name) == kind for name in data.names("train")) for kind in data.families()}
    half = Counter(map(family, data.view(n_train=sizes[-1] // 2).names("train")))
    for kind, number in share.items():
        assert abs(half[kind] - number / 2) <= 1.0, kind
    responses = [data.view(n_train=n).names("train", "responses") for n in sizes]
    whole = len(data.names("train", "responses"))
    assert len(responses[0]) == max(2, round(sizes[0] * whole / sizes[-1])) and len(responses[-1]) == whole
    assert all(set(small) <= set(large) for small, large in zip(responses, responses[1:], strict=False))
    assert data.view(n_train=10).names("test") == data.names("test")
    assert data.view(n_train=10).names("all") == data.names("all")


def test_a_view_says_what_it_is(data):
    view = data.view(dispersion="d2", n_train=30)
    assert (data.level_of_theory, view.level_of_theory) == ("PBE-D3(BJ)", "PBE-D2")
    facts = view.facts()
    assert facts["folder"] == "hbn" and facts["sha256"] == data.sha256 and facts["dispersion"] == "d2"
    assert facts["frames"]["energies"]["train"] == facts["n_train"] == 30
    assert facts["frames"]["responses"]["test"] == len(data.frames("test", "responses"))
    assert facts["version"] in json.loads((FOLDER / "versions.json").read_text())
    one, plain = view.frames("train")[0], view.frames("train", dispersion="none")[0]
    correction = d2(one)
    assert one.get_potential_energy() == pytest.approx(plain.get_potential_energy() + correction.energy)
    np.testing.assert_allclose(one.get_forces(), plain.get_forces() + correction.forces)
    np.testing.assert_allclose(one.get_stress(), plain.get_stress() + correction.stress)


def test_views_that_cannot_be_are_refused(data):
    for call, words in (
        (lambda: data.view(dispersion="d3b"), "Did you mean 'd3bj'"),
        (lambda: data.view(n_train=0), "n_train from 1 to"),
        (lambda: data.view(n_train=10**6), "training frames"),
    ):
        with pytest.raises(HarnessError, match=words):
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
