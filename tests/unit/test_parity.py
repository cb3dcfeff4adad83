"""Labels against predictions: errors that are known beforehand, files that come back, pictures that are drawn."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from harness.fitting import parity_plot
from harness.fitting.atomic_output import atomic_output
from harness.fitting.parity import Parity, by_family, errors, in_plane_stress, predict, thermal
from harness.fitting.parity_plot import draw

A = 2.5


def bilayer(name: str, seed: int) -> Atoms:
    """Two flat layers of BN with labels; Born charges of ±1 e, so that each layer is neutral."""
    cell = [[A, 0, 0], [-A / 2, A * 3**0.5 / 2, 0], [0, 0, 20.0]]
    atoms = Atoms("BNBN", cell=cell, pbc=(True, True, False))
    atoms.set_scaled_positions([[0, 0, 0.4], [1 / 3, 2 / 3, 0.4], [1 / 3, 2 / 3, 0.57], [2 / 3, 1 / 3, 0.57]])
    rng = np.random.default_rng(seed)
    atoms.info.update(name=name, dipole_z=0.1)
    born = np.array([1, -1, 1, -1])[:, None, None] * np.eye(3)
    atoms.arrays["born_charges"] = born.reshape(4, 9)
    atoms.calc = SinglePointCalculator(atoms, energy=-10.0 * seed, forces=rng.normal(size=(4, 3)),
                                       stress=rng.normal(size=6) * 1e-2, dipole=np.array([0.0, 0.0, 0.1]))  # fmt: skip
    return atoms


def off(frames: list[Atoms], **by: float):
    """A model that answers with the labels plus constants."""
    labels = {tuple(a.get_forces().ravel()): a for a in frames}
    queue = iter(list(labels.values()))

    def calculate(atoms, properties):
        truth = next(queue)
        known = {**truth.calc.results, "born_effective_charges": truth.arrays["born_charges"].reshape(-1, 3, 3)}
        return {key: np.asarray(known[key]) + by.get(key, 0.0) for key in properties}

    return calculate


@pytest.fixture
def frames() -> list[Atoms]:
    return [bilayer("cold-000", 1), bilayer("cold-001", 2), bilayer("hot-000", 3)]


def test_errors_are_those_that_were_put_in(frames):
    model = off(frames, energy=0.02, forces=0.03, stress=1e-3, dipole=0.04, born_effective_charges=0.05)
    parity = predict(frames, model, ["energy", "forces", "stress", "dipole", "born_effective_charges"])
    found = errors(parity)
    assert found["frames"] == 3
    for word, value in {
        "energy_rmse_meV_per_atom": 5.0,
        "force_rmse_meV_per_A": 30.0,
        "force_z_mae_meV_per_A": 30.0,
        "stress_rmse_N_per_m": 1e-3 * 20.0 * 16.02176634,
        "dipole_z_mae_eA": 0.04,
        "dipole_xy_rmse_eA": 0.04,
        "born_mae_e": 0.05,
        "born_layers_rmse_e": 0.1,
        "born_slide_mae_e": 0.1,
        "born_slide_rms_e": 0.0,
    }.items():
        assert found[word] == pytest.approx(value, rel=1e-6), word
    assert by_family(parity)["hot"]["frames"] == 1 and list(by_family(parity)) == ["cold", "hot"]


def test_frames_that_no_simulation_visits_are_told_apart():
    """2000 K: half a degree of freedom's k T for each of three coordinates, 0.2585 eV an atom."""
    sizes = np.array([4, 4, 2])
    labels = sizes * (-270.0 + np.array([0.0, 0.2584, 0.2587]))
    forces = [np.zeros((n, 3)) for n in sizes]
    wrong = [f + e for f, e in zip(forces, (0.01, 0.01, 9.0), strict=True)]
    values = {"energy": (list(labels), list(labels + 4e-3)), "forces": (forces, wrong)}
    parity = Parity(["flat", "warm", "clash"], sizes, values)
    assert thermal(parity).names == ["flat", "warm"]
    found = errors(parity)
    assert found["thermal_frames"] == 2
    assert found["thermal_force_rmse_meV_per_A"] == pytest.approx(10.0)
    assert found["thermal_energy_rmse_meV_per_atom"] == pytest.approx(1.0)
    assert found["force_rmse_meV_per_A"] > 3000


def test_a_calculator_serves_as_well_as_a_function(frames):
    calculator = frames[0].calc
    parity = predict(frames[:1], calculator, ["energy", "forces"])
    assert errors(parity)["force_rmse_meV_per_A"] == 0.0


def test_dipoles_in_the_plane_count_modulo_a_lattice_vector(frames):
    quantum = 2 * frames[0].cell[0] - frames[0].cell[1]
    parity = predict(frames[:1], lambda atoms, names: {"dipole": quantum + [0.01, 0.0, 0.3]}, ["dipole"])
    assert errors(parity)["dipole_xy_mae_eA"] == pytest.approx(0.005)
    assert errors(parity)["dipole_z_mae_eA"] == pytest.approx(0.2)


def test_missing_labels_are_left_out_but_a_model_that_answers_nan_is_not_flattered(frames):
    del frames[0].arrays["born_charges"]
    answers = lambda atoms, names: {"born_effective_charges": np.zeros((4, 3, 3))}  # noqa: E731
    assert errors(predict(frames, answers, ["born_effective_charges"]))["born_rmse_e"] == pytest.approx(3**-0.5)
    broken = lambda atoms, names: {"forces": np.full((4, 3), np.nan)}  # noqa: E731
    assert np.isnan(errors(predict(frames, broken, ["forces"]))["force_rmse_meV_per_A"])


def test_dipoles_across_from_plain_wannier_centres_are_no_labels(frames):
    del frames[0].info["dipole_z"]
    frames[0].arrays["wannier_centres"] = np.zeros((4, 12))
    parity = predict(frames[:2], lambda atoms, names: {"dipole": np.array([0.0, 0.0, 0.2])}, ["dipole"])
    assert np.isnan(parity.values["dipole"][0][0][2])
    assert errors(parity)["dipole_z_mae_eA"] == pytest.approx(0.1)


def test_in_plane_stress_does_not_depend_on_the_vacuum(frames):
    tall = frames[0].copy()
    tall.cell[2, 2] *= 2
    stress = np.arange(6) * 1e-3
    np.testing.assert_allclose(in_plane_stress(stress / 2, tall), in_plane_stress(stress, frames[0]))
    assert np.isnan(in_plane_stress(None, tall)).all()


def test_files_hold_what_was_compared_and_the_picture_can_wait(frames, tmp_path):
    names = ["energy", "forces", "stress", "dipole", "born_effective_charges"]
    parities = {"train": predict(frames, off(frames, forces=0.1), names), "validation": predict([], off([]), names)}
    with atomic_output(tmp_path / "fit") as folder:
        draw(parities, folder / "x_parity.png", "a model")
    data = tmp_path / "fit" / "x_parity.npz"
    back, title = parity_plot.load(data)
    assert title == "a model" and list(back) == ["train", "validation"]
    assert errors(back["train"]) == errors(parities["train"]) and back["validation"].names == []
    assert [f.shape for f in back["train"].values["forces"][1]] == [(4, 3)] * 3
    picture = data.with_suffix(".png")
    assert picture.read_bytes().startswith(b"\x89PNG")
    picture.unlink()  # as in an environment without matplotlib
    np.savez(tmp_path / "fit" / "other.npz", weights=np.zeros(2))
    assert parity_plot.draw_missing(tmp_path / "fit") == [picture]
    assert parity_plot.draw_missing(tmp_path / "fit") == []


def test_what_is_published_appears_together_or_not_at_all(tmp_path: Path):
    out = tmp_path / "out"
    with atomic_output(out) as folder:
        (folder / "model").write_text("old")
        (folder / "deep").mkdir()
        (folder / "deep" / "part").write_text("old")
    with pytest.raises(KeyboardInterrupt), atomic_output(out) as folder:
        (folder / "model").write_text("new")
        raise KeyboardInterrupt
    assert (out / "model").read_text() == "old"
    with atomic_output(out) as folder:
        (folder / "model").write_text("new")
        (folder / "deep").mkdir()
    assert (out / "model").read_text() == "new" and not list((out / "deep").iterdir())
    assert {p.name for p in out.iterdir()} == {"model", "deep"}


def test_what_a_killed_process_left_is_swept_up(tmp_path: Path):
    """The old file stays through the kill; the next block removes the remains, but not those of a living process."""
    (tmp_path / "model").write_text("old")
    code = (
        "import os, signal, sys; from harness.fitting.atomic_output import atomic_output\n"
        "with atomic_output(sys.argv[1]) as folder:\n"
        "    (folder / 'model').write_text('new'); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)]).returncode == -signal.SIGKILL
    assert (tmp_path / "model").read_text() == "old" and len(list(tmp_path.iterdir())) == 2
    with atomic_output(tmp_path) as outer, atomic_output(tmp_path) as inner:
        (outer / "a").write_text("")
        (inner / "b").write_text("")
    assert {p.name for p in tmp_path.iterdir()} == {"model", "a", "b"}


def test_a_parity_of_no_frames_has_no_errors():
    assert errors(Parity([], np.zeros(0, int), {"energy": ([], [])})) == {"frames": 0}
