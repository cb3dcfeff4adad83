"""The fit: residuals, recovery of a known model, restarts, and what a fit leaves behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from harness_allegro_dream import fit, modelfile, trainer
from harness_allegro_dream.examples import batch, examples
from harness_allegro_dream.loss import Weights, energy_terms, objective, response_terms
from harness_allegro_dream.potential import AllegroDreamPotential

from harness.data.dataset import Dataset
from harness.errors import HarnessError

NETWORK = {"r_max": 5.0, "l_max": 1, "num_scalar_features": 8, "num_tensor_features": 2, "mlp_width": 8,
           "readout_width": 4, "num_bessels": 4}  # fmt: skip
REFERENCES = (-80.0, -270.0)


def quiet(description: str, total: float) -> Any:
    return nullcontext(SimpleNamespace(update=lambda n=1, note="": None))


@pytest.fixture
def labelled(calculator: Callable[..., Any], bilayer: Callable[..., Atoms]) -> list[Atoms]:
    """Frames labelled by a model with random weights."""
    frames = []
    for k in range(8):
        atoms, c = bilayer(1, rattle=0.1, seed=k), calculator()
        born = c.get_property("born_effective_charges", atoms)
        results = {p: c.get_property(p, atoms) for p in ("energy", "forces", "stress", "dipole")}
        atoms.arrays["born_charges"] = born.reshape(-1, 9)
        atoms.arrays["atomic_dipoles"] = c.get_property("atomic_dipoles", atoms)
        atoms.info |= {"name": f"bench-{k:03d}", "height": 20.0, "dipole_z": float(results["dipole"][2])}
        atoms.calc = SinglePointCalculator(atoms, **results)
        frames.append(atoms)
    return frames


@pytest.fixture
def dataset(labelled: list[Atoms]) -> Dataset:
    split = {"train": labelled[:4], "validation": labelled[4:6], "test": labelled[6:]}
    return Dataset.of("bench", {"energies": split, "responses": split})


def test_residuals_vanish_for_the_model_that_made_the_labels(model_file: Path, labelled: list[Atoms]) -> None:
    network = modelfile.load(model_file)
    some = batch(examples(labelled, ("B", "N"), REFERENCES, 5.0), torch.float64, responses=True)
    terms = {**energy_terms(network, some, Weights(), -1.0, False), **response_terms(network, some, Weights(), False)}
    assert set(terms) == {"energy", "forces", "virial", "born", "layer_born", "dipole_z", "atomic_dipoles"}
    for kind, values in terms.items():
        assert values.numel() and values.abs().max() < 1e-5, kind
    assert objective(terms, Weights()).item() < 1e-10
    with torch.no_grad():  # and do not for another
        network.requires_grad_(False)
        for p in network.parameters():
            p.mul_(1.01)
    terms = {**energy_terms(network, some, Weights(), -1.0, False), **response_terms(network, some, Weights(), False)}
    assert all(v.abs().max().item() > 1e-5 for v in terms.values())


def test_labels_that_are_missing_do_not_count(model_file: Path, labelled: list[Atoms]) -> None:
    network = modelfile.load(model_file).requires_grad_(True)
    atoms = labelled[0]
    del atoms.info["height"], atoms.info["dipole_z"]
    atoms.calc.results.pop("stress")
    some = batch(examples([atoms], ("B", "N"), REFERENCES, 5.0), torch.float64, responses=True)
    terms = {**energy_terms(network, some, Weights(), -1.0), **response_terms(network, some, Weights())}
    assert terms["virial"].numel() == 0 and terms["dipole_z"].numel() == 0
    assert terms["atomic_dipoles"].numel() == 2 * len(atoms)  # those in the plane
    objective(terms, Weights()).backward()
    assert all(p.grad is None or bool(torch.isfinite(p.grad).all()) for p in network.parameters())


def test_a_fit_learns_and_leaves_a_model_with_its_facts(dataset: Dataset, tmp_path: Path) -> None:
    settings = {"network": NETWORK, "epochs": 40, "minutes": None, "batch_frames": 1, "average": 0.9}
    start = fit.fit(dataset, tmp_path / "a", {**settings, "epochs": 1}, 1, quiet)
    facts = fit.fit(dataset, tmp_path / "b", settings, 1, quiet)
    assert facts["settings"]["objective"] < start["settings"]["objective"] - 0.3  # a logarithm
    assert facts["settings"]["stopped"] == "all epochs done" and facts["settings"]["epochs_done"] == 40
    assert {p.name for p in (tmp_path / "b").iterdir()} >= {
        "bn_bilayer.safetensors", "bn_bilayer.json", "bn_bilayer_parity.npz", "bn_bilayer_responses_parity.npz",
    }  # fmt: skip
    assert not list((tmp_path / "b").glob(".*checkpoint"))
    kept = json.loads((tmp_path / "b" / "bn_bilayer.json").read_text())
    assert kept["errors_of_responses"]["test"]["born_slide_rmse_e"] >= 0
    potential = AllegroDreamPotential(facts["potential"]["params"]["model"])
    assert potential.provenance()["level_of_theory"] == "PBE-D3(BJ)"
    found = potential.calculator().get_property("energy", dataset.frames("test")[0])
    assert np.isfinite(found)


def test_a_stopped_fit_goes_on_to_the_same_weights(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"network": NETWORK, "epochs": 6, "minutes": None, "batch_frames": 2, "precision": "float64"}
    whole = fit.fit(dataset, tmp_path / "whole", settings, 1, quiet)
    monkeypatch.setattr(trainer, "CHECKPOINT", 0.0)
    calls = []

    def stop(description: str, total: float) -> Any:
        def update(n: float = 1, note: str = "") -> None:
            calls.append(note)
            if len(calls) == 4:
                raise KeyboardInterrupt

        return nullcontext(SimpleNamespace(update=update))

    out = tmp_path / "stopped"
    with pytest.raises(KeyboardInterrupt):
        fit.fit(dataset, out, settings, 1, stop)
    assert [p.name for p in out.iterdir()] == [".bn_bilayer.safetensors.checkpoint"]
    again = fit.fit(dataset, out, settings, 1, stop)
    assert len(calls) == 4 + 3  # epochs 4 to 6: the checkpoint was of epoch 3
    assert again["errors"] == whole["errors"]
    assert (out / "bn_bilayer.safetensors").read_bytes() == (tmp_path / "whole" / "bn_bilayer.safetensors").read_bytes()


def test_a_fit_may_start_from_a_model(dataset: Dataset, model_file: Path, tmp_path: Path) -> None:
    settings = {"start": str(model_file), "epochs": 1, "minutes": None, "rate": 1e-6, "precision": "float64"}
    facts = fit.fit(dataset, tmp_path, settings, 1, quiet)
    assert facts["errors"]["test"]["force_rmse_meV_per_A"] < 1.0  # the model that made the labels
    assert len(facts["settings"]["start"]["sha256"]) == 64


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"epoch": 3}, "Did you mean 'epochs'"),
        ({"weights": {"force": 1}}, "Did you mean 'forces'"),
        ({"network": {"energy_scale": 2.0}}, "unknown hyperparameter to set"),
        ({"precision": "float16"}, "unknown precision"),
        ({"epochs": "many"}, "is no number"),
    ],
)
def test_wrong_settings_are_named(dataset: Dataset, tmp_path: Path, params: dict[str, Any], words: str) -> None:
    with pytest.raises(HarnessError, match=words):
        fit.fit(dataset, tmp_path, params, 0, quiet)
