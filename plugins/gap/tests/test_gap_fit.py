"""The fit: labels as gap_fit wants them, the choice by validation, what is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase.io import read as read_frames
from harness_gap import gapfile, sparse
from harness_gap.fit import free_atoms
from harness_gap.gapfit import write_labels
from harness_gap.settings import GRID, NEAR, Settings, candidates, read

from harness.errors import HarnessError
from harness.registry.lookup import build_potential


def test_a_small_fit_learns(fitted: Any) -> None:
    _, facts, bar = fitted
    assert facts["errors"]["test"]["force_rmse_meV_per_A"] < 0.2 * facts["errors"]["test"]["force_rms_meV_per_A"]
    assert facts["errors"]["test"]["energy_rmse_meV_per_atom"] < 10
    assert "meV/Å" in bar.notes[-1]


def test_validation_chooses(fitted: Any) -> None:
    _, facts, _ = fitted
    tried = facts["settings"]["tried"]
    assert [t["force_sigma"] for t in tried] == [0.3, 0.01]
    best = min(tried, key=lambda t: t["force_rmse_meV_per_A"] / 50 + t["energy_rmse_meV_per_atom"] / 2)
    assert facts["settings"]["force_sigma"] == best["force_sigma"]
    judged = facts["errors"]["validation"]["force_rmse_meV_per_A"]
    assert judged == pytest.approx(best["force_rmse_meV_per_A"], rel=1e-6)  # the model kept is the one that was chosen


def test_model_facts_and_parity_lie_together(fitted: Any) -> None:
    out, facts, _ = fitted
    names = {path.name for path in out.iterdir()}
    assert {"bn_bilayer.xml", "bn_bilayer.json", "bn_bilayer_parity.npz"} <= names
    assert all(name.startswith("bn_bilayer") for name in names)  # nothing of gap_fit's is left behind
    stored = json.loads((out / "bn_bilayer.json").read_text())
    assert stored["species"] == ["B", "N"] and stored["data"]["sha256"] == "0" * 64
    assert stored["settings"]["seed"] == 0 and stored["settings"]["near"]["cutoff"] == 3.5
    assert str(out) not in (out / "bn_bilayer.xml").read_text()
    provenance = build_potential("gap", facts["potential"]["params"]).provenance()
    assert provenance["level_of_theory"] == "PBE-D3(BJ)" and provenance["fit"]["errors"] == stored["errors"]
    assert len(provenance["sparse_points"]) == 5  # three pairs, two centres


def test_points_are_packed_in_few_digits_and_lose_nothing(fitted: Any) -> None:
    out, _, _ = fitted
    model = gapfile.read(out / "bn_bilayer.xml")
    with gapfile.unpacked(model) as xml:
        lines = (xml.parent / "bn_bilayer.xml.sparseX4").read_text().split()
    assert max(len(line.partition(".")[2]) for line in lines if "e" not in line) <= sparse.DIGITS
    packed = sum(path.stat().st_size for path in out.glob("*.xz"))
    assert packed < 4 * 2 * len(lines)


def test_labels_are_gap_fits(frames: Any, tmp_path: Path) -> None:
    made = frames.frames("train")
    write_labels(made, Settings(force_sigma=0.01, energy_sigma=0.002, hot=0.02), tmp_path / "t.extxyz")
    for frame, atoms in zip(made, read_frames(tmp_path / "t.extxyz", ":"), strict=True):
        np.testing.assert_allclose(atoms.info["dft_virial"], -frame.get_stress(voigt=False) * frame.get_volume(),
                                   atol=1e-6)  # fmt: skip
        np.testing.assert_allclose(atoms.arrays["dft_forces"], frame.get_forces(), atol=1e-7)
        size = max(1.0, 0.02 * np.sqrt(np.mean(frame.get_forces() ** 2)) / 0.01)
        assert atoms.info["force_sigma"] == pytest.approx(0.01 * size, rel=1e-6)
        assert atoms.info["energy_sigma"] == pytest.approx(0.002 * size * np.sqrt(8), rel=1e-6)
        assert list(atoms.pbc) == [True, True, False]


def test_free_atoms_carry_the_mean(frames: Any) -> None:
    made = frames.frames("train")
    free = free_atoms(made, ["B", "N"])
    mean = np.mean([f.get_potential_energy() for f in made]) / 4
    assert free["B"] + free["N"] == pytest.approx(mean)


def test_chosen_points_are_different_rounded_and_no_more_than_there_are(frames: Any) -> None:
    made = frames.frames("train")[:2]
    descriptor = NEAR.string("B", ["B", "N"])
    points = sparse.choose([*made, made[0]], descriptor, 100)  # a frame that is there twice adds nothing
    assert len(points) == 8
    np.testing.assert_array_equal(points, np.round(points, sparse.DIGITS))
    few = sparse.choose(made, descriptor, 3)
    assert len(few) == 3 and all((points == row).all(axis=1).any() for row in few)


def test_options() -> None:
    settings, grid = read({"near": {"atom_sigma": [0.2, 0.6], "sparse": 10}, "far": None, "energy_sigma": 0.002})
    assert settings.near.sparse == 10 and settings.far is None and grid == {"near.atom_sigma": [0.2, 0.6]}
    made = list(candidates(settings, grid))
    assert [s.near.atom_sigma for _, s in made] == [0.2, 0.6] and made[1][0] == {"near.atom_sigma": 0.6}
    assert read({})[1] == {name: list(values) for name, values in GRID.items()}
    with pytest.raises(HarnessError, match="Did you mean 'near.zeta'"):
        read({"near": {"zetta": 2}})
    with pytest.raises(HarnessError, match="is no positive number"):
        read({"force_sigma": "small"})


def test_gap_fits_own_words_reach_the_user(frames: Any, tmp_path: Path) -> None:
    from harness_gap.gapfit import Job, run

    job = Job(tmp_path, frames.frames("train")[:1], ["B", "N"], {"B": 0.0, "N": 0.0}, 0, {})
    with pytest.raises(HarnessError, match="gap_fit failed: .*energy_sigma"):
        run(job, Settings(energy_sigma=0.0, far=None), "x.xml")
