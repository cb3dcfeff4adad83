"""Model files: what is refused, and in what words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from harness_allegro_dream import modelfile
from harness_allegro_dream.potential import AllegroDreamPotential
from safetensors.torch import load_file, save_file

from harness.errors import HarnessError


def test_round_trip(model_file: Path, tmp_path: Path) -> None:
    network = modelfile.load(model_file)
    modelfile.save(tmp_path / "again.safetensors", network)
    assert (tmp_path / "again.safetensors").read_bytes() == model_file.read_bytes()
    assert not any(p.requires_grad for p in network.parameters())


def test_provenance_and_capabilities(model_file: Path) -> None:
    potential = AllegroDreamPotential(str(model_file))
    assert potential.elements == {"B", "N"}
    assert {"dipole", "born_effective_charges", "atomic_dipoles"} <= set(potential.implemented_properties)
    facts = json.loads(json.dumps(potential.provenance()))
    assert len(facts["model"]["sha256"]) == 64 and facts["executes_code"] is False
    assert facts["hyperparameters"]["r_max"] == 5.0


def _change(model_file: Path, out: Path, drop: str = "", add: dict[str, object] | None = None, key: str = "") -> Path:
    tensors = load_file(model_file)
    tensors.pop(drop, None)
    hyper = {**modelfile.header(model_file).as_dict(), **(add or {})}
    save_file(tensors, out, {key or modelfile.FORMAT: json.dumps(hyper)})
    return out


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"drop": "energy_head.mlp_module.0.weight"}, "lacks the weights"),
        ({"add": {"num_bessels": 6}}, "have shape"),
        ({"add": {"cutof": 6}}, "unknown hyperparameter of allegro_dream 'cutof'"),
        ({"add": {"num_scalar_features": 7}}, "make no Allegro network"),
        ({"key": "other"}, "is not a model of allegro_dream"),
    ],
)
def test_a_wrong_model_is_named(model_file: Path, tmp_path: Path, change: dict[str, object], words: str) -> None:
    tensors = list(load_file(model_file))
    if "drop" in change:
        change = {"drop": next(name for name in tensors if name.startswith("energy_head"))}
    wrong = _change(model_file, tmp_path / "wrong.safetensors", **change)  # type: ignore[arg-type]
    with pytest.raises(HarnessError, match=words):
        modelfile.load(wrong)


def test_truncated_and_not_finite(model_file: Path, tmp_path: Path) -> None:
    short = tmp_path / "short.safetensors"
    short.write_bytes(model_file.read_bytes()[:-100])
    with pytest.raises(HarnessError, match="not a whole safetensors file"):
        AllegroDreamPotential(str(short))
    tensors = load_file(model_file)
    next(iter(tensors.values())).view(-1)[0] = torch.nan
    save_file(
        tensors, tmp_path / "nan.safetensors", {modelfile.FORMAT: json.dumps(modelfile.header(model_file).as_dict())}
    )
    with pytest.raises(HarnessError, match="not finite"):
        modelfile.load(tmp_path / "nan.safetensors")


@pytest.mark.parametrize("name", ["model.nequip.zip", "model.ckpt", "model.nequip.pt2", "model.pth", "model.mtp"])
def test_other_files_are_refused_before_anything_is_loaded(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"not a model")
    with pytest.raises(HarnessError, match=r"not a whole|no model that allegro_dream can run"):
        AllegroDreamPotential(str(tmp_path / name))


def test_unknown_names_are_answered_with_the_nearest(model_file: Path) -> None:
    with pytest.raises(HarnessError, match="Did you mean 'compiled'"):
        AllegroDreamPotential(str(model_file), engine="compield")
    with pytest.raises(HarnessError, match=r"model file 'bn_bilayr\.safetensors' does not exist"):
        AllegroDreamPotential("bn_bilayr.safetensors")
