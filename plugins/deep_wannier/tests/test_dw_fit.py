"""A real fit, small enough for a test: labels, training, early end, going on after a kill."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from harness_deep_wannier import settings, trainer
from harness_deep_wannier.cores import Cores
from harness_deep_wannier.fit import fit
from harness_deep_wannier.kalman import Filter, _blocks
from harness_deep_wannier.systems import write_systems
from harness_deep_wannier.train import _prepare

from harness.data.dataset import Dataset
from harness.errors import HarnessError
from harness.execution.progress import TqdmProgress

DATA = Dataset.load(Path(__file__).parents[3] / "datasets" / "hbn")
TINY = {"cutoff": 4.0, "neighbours": 24, "embedding": [4, 8], "axis": 2, "fitting": [8]}


def test_systems_hold_the_labels(tmp_path):
    """Energy, forces and virial come back out of deepmd's arrays; atoms are sorted and forces with them."""
    frames = DATA.frames("train", families=["rand-mono8", "rand-bilayer4"])[:6]
    names = write_systems(frames, tmp_path, ["B", "N"], 6.0)
    sizes = {name: len((tmp_path / name / "type.raw").read_text().split()) for name in names}
    count = 0
    for name, size in sizes.items():
        load = lambda key, place=tmp_path / name / "set.000": np.load(place / f"{key}.npy")  # noqa: E731
        for k, (energy, virial, box) in enumerate(zip(load("energy"), load("virial"), load("box"), strict=True)):
            atoms = [a for a in frames if len(a) == size][k]
            order = np.argsort(atoms.symbols == "N", kind="stable")
            assert energy[0] == atoms.get_potential_energy()
            assert load("coord")[k].reshape(-1, 3) == pytest.approx(atoms.positions[order])
            assert load("force")[k].reshape(-1, 3) == pytest.approx(atoms.get_forces()[order])
            assert virial.reshape(3, 3) / -atoms.get_volume() == pytest.approx(atoms.get_stress(voigt=False))
            assert box.reshape(3, 3)[:2] == pytest.approx(atoms.cell.array[:2])
            count += 1
    assert count == len(frames)


def test_fit_and_go_on(tmp_path, monkeypatch):
    """A dipole model that sees Born charges learns them; when it is started again, it goes on."""
    told = {"parts": ["wannier"], "wannier": {**TINY, "steps": 20, "passes": 3}}
    out = tmp_path / "out"
    facts = fit(DATA, out, told, 0, TqdmProgress)["wannier"]
    assert facts["settings"]["stop_reason"] == "all steps done"
    assert facts["errors"]["train"]["born_rmse_e"] < 0.3  # 2.2 e without a model
    assert facts["level_of_theory"] == "PBE"
    assert {path.name for path in out.iterdir()} == {
        f"bn_bilayer_wannier{end}" for end in (".pb", ".json", "_parity.npz")
    } | {path.name for path in out.glob("*.png")}
    assert json.loads((out / "bn_bilayer_wannier.json").read_text())["errors"] == facts["errors"]


def test_filter_is_least_squares():
    """Linear measurements, any number at a time: the weights are those of regularised least squares, to rounding."""
    random = np.random.default_rng(0)
    jacobian, truth = random.normal(size=(40, 7)), random.normal(size=7)
    measured = jacobian @ truth + 0.1 * random.normal(size=40)
    kalman = Filter(np.zeros(7), [slice(0, 7)], spread=2.0, memory=1.0, doubt=9.0)
    for rows in np.split(np.arange(40), [3, 11, 30]):
        kalman.update(jacobian[rows], measured[rows] - jacobian[rows] @ kalman.weights, noise=0.1)
    normal = jacobian.T @ jacobian / 0.1**2 + np.eye(7) / 2.0**2
    assert kalman.weights == pytest.approx(np.linalg.solve(normal, jacobian.T @ measured / 0.1**2), rel=1e-9)
    # entries near zero are differences of the prior, 4, which rounding leaves at 3e-12 on one processor
    assert kalman.covariance[0] == pytest.approx(np.linalg.inv(normal), rel=1e-8, abs=1e-10)


def test_filter_forgets_and_goes_on(tmp_path):
    """With a fading memory it follows what changed; from its file it goes on to the same bits."""
    random = np.random.default_rng(1)
    one = Filter(np.zeros(5), _blocks(np.array([2, 3, 5]), 3), spread=1.0, memory=0.7, doubt=9.0)
    for k in range(60):
        jacobian = random.normal(size=(2, 5))
        one.update(jacobian, jacobian @ (np.full(5, 1.0 if k < 20 else -1.0) - one.weights), noise=0.1)
        if k == 40:
            one.save(tmp_path / "filter.npz", 3, 0.1)
            other = Filter(np.zeros(5), one.blocks, 1.0, 0.7, 9.0)
            assert other.load(tmp_path / "filter.npz") == (3, 0.1)
        if k >= 41:
            other.update(jacobian, jacobian @ (np.full(5, -1.0) - other.weights), noise=0.1)
    assert one.weights == pytest.approx(-1.0, abs=0.01)
    assert (one.weights == other.weights).all()
    before = one.weights.copy()
    one.update(jacobian, np.array([1e3, 1e3]), noise=0.1)  # nothing that was expected: it moves the weights little
    assert np.abs(one.weights - before).max() < 10.0


def test_covariance_stays_below_the_prior():
    """What is never measured is not forgotten for ever, and what is measured stays as well known as it was."""
    one = Filter(np.zeros(3), [slice(0, 3)], spread=0.5, memory=0.9, doubt=9.0)
    for _ in range(200):
        one.update(np.array([[1.0, 1.0, 0.0]]), np.array([0.0]), noise=0.1)
    known = one.covariance[0][:2, :2].sum()
    one.bound()
    assert one.covariance[0].diagonal() == pytest.approx(0.25)
    assert np.linalg.eigvalsh(one.covariance[0]).min() >= 0.0
    assert one.covariance[0][:2, :2].sum() <= known + 1e-12


@pytest.mark.parametrize("largest", [3, 4, 100])
def test_blocks_cover_the_weights(largest):
    blocks = _blocks(np.array([2, 3, 10, 11]), largest)
    assert [i for b in blocks for i in range(b.start, b.stop)] == list(range(11))
    assert max(b.stop - b.start for b in blocks) <= largest


def test_what_a_kill_left_is_taken_up(tmp_path):
    chosen = settings.read(settings.WANNIER, TINY, "Wannier")
    frames = {split: DATA.frames(split, kind="responses") for split in ("train", "validation")}
    one = _prepare(frames, chosen, ["B", "N"], 0, Cores(), tmp_path)
    (one / "kept").touch()
    assert _prepare(frames, chosen, ["B", "N"], 0, Cores(), tmp_path) == one
    assert (one / "kept").exists()
    assert _prepare(frames, chosen, ["B", "N"], 1, Cores(), tmp_path) != one  # another seed, another fit
    (tmp_path / "history").write_text('{"step": 1, "score": 2.0}\n{"step": 2, "sc')
    assert trainer._rows(tmp_path / "history") == [{"step": 1, "score": 2.0}]


def test_early_end_keeps_the_best(tmp_path):
    """Validation errors that grow end the training; the best state is what is kept."""

    class Base:
        stop_batch = 100

        def train(self, train_data, valid_data):
            for self.cur_batch in range(10, 101, 10):
                self.save_checkpoint(self.cur_batch)

        def save_checkpoint(self, step):
            (tmp_path / f"{trainer.CHECKPOINT}-{step}.index").write_text(str(step))

    told = {"patience": 0.6, "goals": {"rmse_f": 0.05}}  # passes, of which one counts as fifty steps
    watching = trainer.trainer(Base, told, tmp_path)
    watching._validation = lambda self: {"rmse_f": abs(self.cur_batch - 40) / 100 + 0.05}
    with pytest.raises(trainer.Finished, match="0.6 passes"):
        watching().train()
    assert (tmp_path / trainer.BEST / f"{trainer.CHECKPOINT}.index").read_text() == "40"
    rows = trainer._rows(tmp_path / trainer.HISTORY)
    assert rows[-1]["step"] == 70
    assert rows[3]["score"] == pytest.approx(1.0)


def test_bad_options(tmp_path):
    for told, words in (
        ({"energy": {"cutof": 6}}, "Did you mean 'cutoff'"),
        ({"wannier": {"weights": {"layers": 1}}}, "Did you mean 'layer'"),
        ({"parts": ["dipole"]}, "unknown part"),
        ({"steps": 3}, "unknown option"),
    ):
        with pytest.raises(HarnessError, match=words):
            fit(DATA, tmp_path, told, 0, TqdmProgress)
