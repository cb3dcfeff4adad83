"""Real fits, small enough for a test; and the models that ship."""

from __future__ import annotations

import json
from pathlib import Path

import harness_mace
import numpy as np
import pytest
from harness_mace import training
from harness_mace.fit import fit
from harness_mace.fit_dipole import fit as fit_dipole
from harness_mace.fit_dipole import frames_with_dipoles

from harness.data.dataset import Dataset
from harness.errors import HarnessError
from harness.execution.progress import TqdmProgress
from harness.fitting.parity import errors, predict

DATA = Dataset.load(Path(__file__).parents[3] / "datasets" / "hbn")
FEW = {
    "hidden": "4x0e+4x1o", "readout": "4x0e", "r_max": 3.5, "bessel": 4, "radial": [8, 8], "correlation": 2, "batch": 4,
}  # fmt: skip
MODELS = Path(harness_mace.__file__).parent / "models"


@pytest.fixture(scope="module")
def few():
    """A dozen small frames."""
    kinds = {"energies": ["rand-mono2"], "responses": ["rand-mono2"]}
    frames = {
        kind: {split: DATA.frames(split, kind, families)[:6] for split in ("train", "validation", "test")}
        for kind, families in kinds.items()
    }
    return Dataset.of("few", frames)


class Watched(TqdmProgress):
    """A progress bar that a test can stop at an epoch."""

    stop_at = 0

    def __init__(self, description, total):
        super().__init__(description, total)
        self.seen = 0

    def update(self, n=1, note=""):
        super().update(n, note)
        self.seen += n
        if self.seen == self.stop_at:
            raise KeyboardInterrupt


def test_fit_learns(few, tmp_path):
    facts = fit(few, tmp_path, {**FEW, "epochs": 120, "batch": 2, "step": 0.03}, 0, TqdmProgress)
    train = facts["errors"]["train"]
    assert train["force_rmse_meV_per_A"] < 0.5 * train["force_rms_meV_per_A"]
    assert facts["level_of_theory"] == "PBE-D3(BJ)"
    assert (facts["training"]["epochs"], facts["training"]["stopped"]) == (120, "epochs")
    potential = harness_mace.mace(model=str(tmp_path / "bn_bilayer.mace"))
    atoms = few.frames("test")[0]
    expected = atoms.get_potential_energy()
    atoms.calc = potential.calculator()
    assert atoms.get_potential_energy() == pytest.approx(expected, abs=1.0)  # of -542 eV
    assert json.loads((tmp_path / "bn_bilayer.json").read_text())["errors"] == facts["errors"]
    assert potential.provenance()["fit"]["data"]["sha256"] == few.sha256
    assert (tmp_path / "bn_bilayer_parity.npz").is_file()


def test_a_fit_goes_on_from_a_model(few, tmp_path):
    shipped = MODELS / "bn_bilayer.mace"
    facts = fit(few, tmp_path, {"start": str(shipped), "epochs": 1, "step": 1e-12, "dtype": "float64"}, 0, TqdmProgress)
    atoms = few.frames("test")[0]
    energies = []
    for path in (shipped, tmp_path / "bn_bilayer.mace"):
        atoms.calc = harness_mace.mace(model=str(path)).calculator()
        energies.append(atoms.get_potential_energy())
    assert energies[1] == pytest.approx(energies[0], abs=1e-6)
    assert facts["settings"]["start"].startswith("bn_bilayer.mace, sha256 ")
    with pytest.raises(HarnessError, match="no energy model of B, N"):
        fit(few, tmp_path, {"start": str(MODELS / "bn_bilayer_dipole.mace")}, 0, TqdmProgress)


def test_a_killed_fit_goes_on_as_if_nothing_had_been(few, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "SAVE_EVERY", -1.0)
    settings = {**FEW, "epochs": 6}
    straight = fit(few, tmp_path / "straight", settings, 1, TqdmProgress)
    out = tmp_path / "killed"
    out.mkdir()
    (out / "bn_bilayer.mace").write_text("old")
    Watched.stop_at = 4
    with pytest.raises(KeyboardInterrupt):
        fit(few, out, settings, 1, Watched)
    assert (out / "bn_bilayer.mace").read_text() == "old"
    Watched.stop_at = 0
    resumed = fit(few, out, settings, 1, Watched)
    assert resumed["errors"] == straight["errors"]
    assert (out / "bn_bilayer.mace").read_bytes() == (tmp_path / "straight" / "bn_bilayer.mace").read_bytes()
    assert not list(out.glob(".bn_bilayer*"))


def test_training_stops_early(few, tmp_path):
    facts = fit(few, tmp_path, {**FEW, "epochs": 50, "step": 1e-9, "patience": 2}, 0, TqdmProgress)
    assert facts["training"]["stopped"] == "no better validation error"
    assert facts["training"]["epochs"] < 50


def test_levels_have_names_of_their_own(tmp_path):
    facts = fit(DATA.view(dispersion="d2", n_train=3), tmp_path, {**FEW, "epochs": 1}, 0, TqdmProgress)
    assert facts["level_of_theory"] == "PBE-D2"
    assert facts["data"]["frames"]["energies"]["train"] == 3
    assert (tmp_path / "bn_bilayer_d2.mace").is_file()


def test_dipole_fit_learns_born_charges_and_dipoles(few, tmp_path):
    facts = fit_dipole(few, tmp_path, {**FEW, "epochs": 120, "batch": 2, "step": 0.03}, 0, TqdmProgress)
    size = np.sqrt(np.mean([a.arrays["born_charges"] ** 2 for a in few.frames("train", "responses")]))
    assert facts["errors"]["train"]["born_rmse_e"] < 0.2 * size
    size = np.sqrt(np.mean([a.calc.results["dipole"][:2] ** 2 for a in few.frames("train", "responses")]))
    assert facts["errors"]["train"]["dipole_xy_rmse_eA"] < 0.3 * size
    assert facts["level_of_theory"] == "PBE"
    model = harness_mace.mace_dipole(**facts["polarization"]["params"])
    again = errors(predict(frames_with_dipoles(few, "train"), model.calculate, ("dipole", "born_effective_charges")))
    assert again == pytest.approx(facts["errors"]["train"], nan_ok=True)


def test_dipole_fit_takes_frames_of_which_only_one_component_is_known(few, tmp_path):
    known = [a for a in DATA.frames("train", families=["flat-bilayer4"]) if "dipole_z" in a.info][:4]
    frames = {"energies": {"train": known}, "responses": {s: few.frames(s, "responses")[:2] for s in ("train", "test")}}
    facts = fit_dipole(Dataset.of("mixed", frames), tmp_path, {**FEW, "epochs": 8}, 0, TqdmProgress)
    assert np.isfinite(facts["errors"]["train"]["dipole_z_rmse_eA"]) and np.isfinite(facts["training"]["best"])


def test_wrong_settings(few, tmp_path):
    with pytest.raises(HarnessError, match="Did you mean 'epochs'"):
        fit(few, tmp_path, {"epoch": 3}, 0, TqdmProgress)
    with pytest.raises(HarnessError, match="batch=many is not a value like 5"):
        fit(few, tmp_path, {"batch": "many"}, 0, TqdmProgress)
    with pytest.raises(HarnessError, match="no MACE can be built"):
        fit(few, tmp_path, {**FEW, "hidden": "4x0q"}, 0, TqdmProgress)
    nothing = Dataset.of("few", {"energies": {"train": [a for a in DATA.frames("train") if "dipole_z" not in a.info]}})
    with pytest.raises(HarnessError, match="no frames with Born charges"):
        fit_dipole(nothing, tmp_path, FEW, 0, TqdmProgress)


@pytest.mark.parametrize("name", ["bn_bilayer", "bn_bilayer_dipole"])
def test_shipped_models_are_what_their_facts_say(name):
    """The numbers in the facts come out again, for test frames of few atoms."""
    facts = json.loads((MODELS / f"{name}.json").read_text())
    family = "rand-mono2"
    if name.endswith("dipole"):
        frames = [a for a in frames_with_dipoles(DATA, "test") if a.info["name"].startswith(family)]
        calculate = harness_mace.mace_dipole(model=f"{name}.mace").calculate
        properties, key = ("dipole", "born_effective_charges"), "born_rmse_e"
    else:
        frames = DATA.frames("test", families=[family])
        calculate = harness_mace.mace(model=f"{name}.mace").calculator()
        properties, key = ("energy", "forces", "stress"), "force_rmse_meV_per_A"
    if facts["data"]["sha256"] != DATA.sha256:
        pytest.skip("the data set has grown since the model was fitted")
    assert errors(predict(frames, calculate, properties))[key] == pytest.approx(
        facts["errors_by_family"]["test"][family][key], rel=1e-6
    )
