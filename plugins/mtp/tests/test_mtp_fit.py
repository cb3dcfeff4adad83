"""The regression: derivatives by finite differences, recovery of a known potential, what a stopped fit leaves."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from harness_mtp import fit, mtpfile, regression
from harness_mtp.calculator import MTPCalculator
from harness_mtp.examples import LEFT_BEHIND, examples
from harness_mtp.potential import MTPPotential

from harness.data.dataset import Dataset
from harness.errors import HarnessError
from harness.fitting import parity_plot


@pytest.fixture
def bench(random_data: Callable[..., Any], sheet: Callable[..., Atoms]) -> Dataset:
    """A data set labelled by a known random potential."""
    data = random_data(6, 5, 5.0)
    data.moment_coeffs = 0.003 * data.moment_coeffs  # forces of about 1 eV/Å
    frames: dict[str, list[Atoms]] = {"train": [], "validation": [], "test": []}
    for k in range(14):
        atoms = sheet(2, 2, 0.1, k)
        atoms.set_cell(atoms.cell * (1 + 0.01 * np.sin(k)), scale_atoms=True)
        atoms.info["name"] = f"bench-{k:03d}"
        c = MTPCalculator(data)
        results = {p: c.get_property(p, atoms) for p in ("energy", "forces", "stress")}
        atoms.calc = SinglePointCalculator(atoms, **results)
        frames["train" if k < 10 else "validation" if k < 12 else "test"].append(atoms)
    return Dataset.of("bench", {"energies": frames})


@pytest.fixture
def progress() -> Callable[..., Any]:
    return lambda description, total: nullcontext(SimpleNamespace(update=lambda n=1, note="": None))


PARAMS = {"level": 6, "cutoff": 5.0, "radial_size": 6, "interlayer": None, "starts": 4, "model": "bench.mtp",
          "weights": {"force_scale": 10.0}}  # fmt: skip


def test_predictions_are_those_of_the_calculator(random_data: Callable[..., Any], bench: Dataset) -> None:
    data = random_data(12)
    example = examples(bench.frames("train")[:1], None)[0]
    energy, forces, stress = regression.predict(data, example)
    calculator = MTPCalculator(data)
    assert energy == pytest.approx(calculator.get_property("energy", example.atoms), abs=1e-9)
    np.testing.assert_allclose(forces, calculator.get_property("forces", example.atoms), atol=1e-9)
    np.testing.assert_allclose(stress, calculator.get_property("stress", example.atoms), atol=1e-11)


def test_rows_are_the_derivatives_of_the_residuals(random_data: Callable[..., Any], bench: Dataset) -> None:
    data = random_data(6, cutoff=5.0)
    example = examples(bench.frames("train")[:1], None)[0]
    weights = regression.Weights()
    linear, radial, _ = regression._rows(data, example, weights)
    c = np.concatenate([data.moment_coeffs, data.species_coeffs])
    base, h = data.radial_coeffs.copy(), 1e-5
    rng = np.random.default_rng(0)
    for k in rng.choice(base.size, 6, replace=False):
        values = []
        for sign in (1, -1):
            data.radial_coeffs = base.copy()
            data.radial_coeffs.ravel()[k] += sign * h
            values.append(regression._rows(data, example, weights)[0] @ c)
        numerical = (values[0] - values[1]) / (2 * h)
        np.testing.assert_allclose(radial[:, k], numerical, atol=1e-6 * max(np.abs(numerical).max(), 1.0))


def test_the_fit_recovers_a_known_potential(tmp_path: Path, bench: Dataset, progress: Any) -> None:
    """Same form, other starting point: test errors fall to the level of the regularisation."""
    report = fit.fit(bench, tmp_path, PARAMS, 3, progress)
    assert report["errors"]["test"]["force_rms_meV_per_A"] > 100.0
    assert report["errors"]["test"]["force_rmse_meV_per_A"] < 0.02 * report["errors"]["test"]["force_rms_meV_per_A"]
    stored = json.loads((tmp_path / "bench.json").read_text())
    assert stored["errors"] == report["errors"]
    assert stored["data"]["sha256"] == bench.sha256 and stored["data"]["frames"]["energies"]["train"] == 10
    assert stored["level_of_theory"] == bench.level_of_theory
    assert str(tmp_path) not in json.dumps(stored)
    names = {p.name for p in tmp_path.iterdir()}
    assert names == {"bench.mtp", "bench.json", "bench.active.npz", "bench_parity.npz", "bench_parity.png"}
    # what was written is what was judged, and every training neighbourhood lies within its own active set
    potential = MTPPotential(str(tmp_path / "bench.mtp"))
    frame = bench.frames("test")[0]
    error = potential.calculator().get_property("forces", frame) - frame.get_forces()
    kept = parity_plot.load(tmp_path / "bench_parity.npz")[0]["test"].values["forces"]
    kept = kept[1][0] - kept[0][0]
    np.testing.assert_allclose(error, kept, atol=1e-9)
    grades = [potential.calculator().get_property("extrapolation_grade", a) for a in bench.frames("train")]
    assert max(grades) < 1.01


def test_of_several_starts_the_one_that_predicts_best_is_kept(tmp_path: Path, bench: Dataset, progress: Any) -> None:
    scores = {}
    for starts in (1, 4):
        report = fit.fit(bench, tmp_path / str(starts), {**PARAMS, "starts": starts, "steps": 12}, 1, progress)
        scores[starts] = report["errors"]["validation"]["force_rmse_meV_per_A"]
    assert scores[4] < 0.5 * scores[1]


def test_a_seed_fixes_the_model(tmp_path: Path, bench: Dataset, progress: Any) -> None:
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        fit.fit(bench, tmp_path / folder, {**PARAMS, "starts": 1, "steps": 4}, seed, progress)
    models = {f: (tmp_path / f / "bench.mtp").read_bytes() for f in "abc"}
    assert models["a"] == models["b"] != models["c"]


def test_a_stopped_fit_leaves_the_old_model(
    tmp_path: Path, bench: Dataset, progress: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit.fit(bench, tmp_path, {**PARAMS, "starts": 1, "steps": 2}, 1, progress)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

    def stop(*args: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fit, "draw", stop)  # the last thing before the files are moved
    with pytest.raises(KeyboardInterrupt):
        fit.fit(bench, tmp_path, {**PARAMS, "starts": 1, "steps": 2}, 2, progress)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_unknown_settings_are_named(tmp_path: Path, bench: Dataset, progress: Any) -> None:
    for params, message in (
        ({"levle": 8}, "Did you mean 'level'"),
        ({"weights": {"force": 1}}, "Did you mean 'forces'"),
        ({"level": 7}, "unknown MTP level '7'"),
    ):
        with pytest.raises(HarnessError, match=message):
            fit.fit(bench, tmp_path, {**PARAMS, **params}, 1, progress)
    assert not list(tmp_path.iterdir())


def test_stacks_are_trained_without_their_interlayer_part(random_data: Callable[..., Any], sheet: Any) -> None:
    """Two layers whose labels are MTP inside plus Lennard-Jones between give back the MTP part, layer by layer."""
    lj = pytest.importorskip("harness_layered.lennard_jones").LennardJones({5: (0.003, 3.1), 7: (0.006, 3.35)})
    data, lower = random_data(8), sheet(2, 2)
    upper = sheet(2, 2, seed=9)
    upper.positions[:, 2] += 3.3
    both = lower + upper
    inside = {p: sum(MTPCalculator(data).get_property(p, a) for a in (lower, upper)) for p in ("energy", "stress")}
    forces = np.concatenate([MTPCalculator(data).get_property("forces", a) for a in (lower, upper)])
    between = {p: lj.get_property(p, both) for p in ("energy", "forces", "stress")}
    both.calc = SinglePointCalculator(both, energy=inside["energy"] + between["energy"],
                                      forces=forces + between["forces"],
                                      stress=inside["stress"] + between["stress"])  # fmt: skip
    (example,) = examples([both], lj)
    assert example.stacked
    assert example.noise == LEFT_BEHIND
    energy, model_forces, stress = regression.predict(data, example)
    assert energy == pytest.approx(example.energy, abs=1e-8)
    np.testing.assert_allclose(model_forces, example.forces, atol=1e-9)
    np.testing.assert_allclose(stress, example.stress, atol=1e-10)
    assert examples([both], None) == []
    both.info["name"] = "curve-bilayer4-000"  # rigid flat sheets teach nothing about the inside of a layer
    assert examples([both], lj) == []


def test_written_models_keep_their_species_in_the_file(tmp_path: Path, bench: Dataset, progress: Any) -> None:
    fit.fit(bench, tmp_path, {**PARAMS, "starts": 1, "steps": 1}, 0, progress)
    assert mtpfile.species_of_tag(mtpfile.read(tmp_path / "bench.mtp")) == ["B", "N"]


def test_a_fit_goes_on_from_an_earlier_model(tmp_path: Path, bench: Dataset, progress: Any) -> None:
    """From the end of one fit, another on the same data has nothing left to do."""
    first = fit.fit(bench, tmp_path / "first", {**PARAMS, "starts": 1, "steps": 8}, 0, progress)
    model = tmp_path / "first" / "bench.mtp"
    again = {**PARAMS, "starts": 1, "steps": 1, "start_from": str(model), "level": 2}
    second = fit.fit(bench, tmp_path / "second", again, 5, progress)
    errors = [facts["errors"]["train"]["force_rmse_meV_per_A"] for facts in (first, second)]
    assert errors[1] <= errors[0] * 1.01
    assert second["settings"]["start_from"]["file"] == "bench.mtp" and str(tmp_path) not in json.dumps(
        second["settings"]
    )
    with pytest.raises(HarnessError, match="does not exist"):
        fit.fit(bench, tmp_path / "third", {**again, "start_from": "lost.mtp"}, 0, progress)
