"""Fits from the command line: like for like, in the plugin's own environment, one or a learning curve."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness import fit as fit_module
from harness import learning
from harness.data.dataset import Dataset
from harness.errors import HarnessError

CommandLine = Callable[..., Any]
HBN = Path(__file__).parents[2] / "datasets" / "hbn"
FIT = ("potential=tether", "material=bn_monolayer")


@pytest.fixture
def fit(tmp_path: Path, cache: Path, outside: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """The fit command in this process, in a fresh folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_CACHE", str(cache))
    return lambda *arguments: fit_module.main(list(arguments))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("dataset=hbm",), ("unknown data set 'hbm'", "Did you mean 'hbn'")),
        (("dataset.dispersion=d3",), ("unknown dispersion 'd3'", "Did you mean 'd3bj'")),
        (("dataset.folde=hbn",), ("'folde'", "Did you mean 'folder'")),
        (("n_train=0",), ("n_train=0", "Give n_train from 1 to")),
        (("n_train=many",), ("n_train", "Integer")),
        (("n_trian=5",), ("Did you mean 'n_train'",)),
    ],
)
def test_mistakes_are_named_before_an_environment_is_made(
    fit: Callable[..., int], capfd: Any, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    assert fit(*FIT, *arguments) == 2
    lines = capfd.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: ")
    assert all(word in lines[0] for word in words), lines


@pytest.mark.install
def test_a_fit_in_another_environment_gets_the_same_frames_and_its_picture(
    fit: Callable[..., int], tmp_path: Path, capfd: Any
) -> None:
    """There is no matplotlib there; the parity plot is drawn here."""
    assert fit(*FIT, f"dataset={HBN}", "dataset.dispersion=d2", "n_train=40", "out=models", "seed=3") == 0
    assert {p.name for p in (tmp_path / "models").iterdir()} == {
        "tether.json",
        "tether_parity.npz",
        "tether_parity.png",
        "fit.json",
    }
    facts = json.loads((tmp_path / "models" / "tether.json").read_text())
    expected = Dataset.load(HBN, "d2", 40)
    assert facts["data"] == expected.facts() and facts["level_of_theory"] == "PBE-D2"
    assert facts["settings"]["seed"] == 3
    record = json.loads((tmp_path / "models" / "fit.json").read_text())
    assert record["results"]["tether"]["errors"] == facts["errors"] and record["data"] == facts["data"]
    assert "test force_rmse_meV_per_A" not in capfd.readouterr().err


@pytest.mark.install
def test_a_sweep_over_training_sizes_ends_in_a_learning_curve(
    fit: Callable[..., int], tmp_path: Path, capfd: Any
) -> None:
    assert fit("-m", *FIT, "n_train=20,80", "seed=0,1", "out=curve") == 0
    out = capfd.readouterr().out
    assert len(list((tmp_path / "curve").glob("*/tether.json"))) == 4, "each fit has a folder of its own"
    (head, *lines) = [line.split() for line in out[out.index("potential ") :].splitlines()[:5]]
    assert head[:5] == ["potential", "part", "dispersion", "n_train", "seed"]
    assert [line[3:5] for line in lines] == [["20", "0"], ["20", "1"], ["80", "0"], ["80", "1"]]
    assert (tmp_path / "curve" / "learning_curve.png").is_file()
    with (tmp_path / "curve" / "learning_curve.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    test = [r for r in rows if r["split"] == "test" and r["quantity"] == "force_rmse_meV_per_A" and r["seed"] == "0"]
    assert [r["n_train"] for r in test] == ["20", "80"] and {r["dataset"] for r in rows} == {"hbn"}
    assert f"{float(test[0]['value']):.3g}" in lines[0]
    assert learning.main([str(tmp_path / "curve")]) == 0, "the same from the folders, later"
    assert out.splitlines()[-3] in capfd.readouterr().out


def test_folders_without_a_fit_are_named(tmp_path: Path, capsys: Any) -> None:
    with pytest.raises(HarnessError, match="no fit.json"):
        learning.gather([tmp_path])
    assert learning.main([str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_default_folders_tell_apart_what_a_sweep_can_vary() -> None:
    base: dict[str, Any] = {
        "potential": {"name": "mtp", "params": {}},
        "polarization": {"name": "none"},
        "material": {"name": "bn_bilayer"},
        "dataset": {"folder": "hbn", "dispersion": "d3bj"},
        "n_train": None,
        "parts": None,
        "options": {},
        "seed": 0,
        "out": None,
    }
    assert fit_module._out(base) == "fits/mtp-bn_bilayer-seed0"
    others = [
        {"dataset": {"folder": "hbn", "dispersion": "d2"}},
        {"dataset": {"folder": "/data/mine", "dispersion": "d3bj"}},
        {"n_train": 25},
        {"seed": 1},
        {"options": {"mtp": {"level": 12}}},
        {"options": {"mtp": {"level": 16}}},
    ]
    assert len({fit_module._out(base | change) for change in [{}, *others]}) == len(others) + 1


@pytest.mark.install
def test_accuracy_in_another_environment_leaves_a_record_with_pictures(command: CommandLine, tmp_path: Path) -> None:
    """The worker has neither Hydra nor matplotlib; springs that know nothing of BN are far off, and it says at what."""
    process = command("task=accuracy", "potential=tether", "material=bn_monolayer", f"task.params.dataset={HBN}")
    assert process.returncode == 0, process.stderr
    (path,) = (tmp_path / "runs" / "accuracy").glob("*/record.json")
    record = json.loads(path.read_text())
    found = record["observables"]
    assert found["force_rmse"]["value"] == pytest.approx(found["force_size"]["value"], rel=0.05)
    assert record["provenance"]["files"]["task.params.dataset"] == Dataset.load(HBN).sha256
    assert any("LEVEL MISMATCH" in note for note in record["notes"])
    assert {p.name for p in (path.parent / "figures").iterdir()} == {"parity.png", "families.png"}
