"""The queue: restart, locks, failures, merging; with a labeller that costs nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ase.io import read
from harness_dft.ground_state import GroundState
from harness_dft.settings import slab
from pipeline.assemble import add_dipoles, collect, compare, merge
from pipeline.frames import frame
from pipeline.structures import build
from pipeline.work import take, work_through

from harness.data.dataset import Dataset

pytest.importorskip("dftd3")

FOLDER = Path(__file__).resolve().parents[1]
QUEUE = [("energies", "rand-mono2-100"), ("energies", "rand-mono2-101")]


def label(name, kind, work, height=16.0):
    """A frame whose 'DFT' is made-up numbers: energy −1 eV an atom, sheet stress 0.5 eV/Å²."""
    atoms = build(name)
    forces = np.full((len(atoms), 3), 0.25)
    out = frame(name, atoms, GroundState(slab(atoms, height), -1.0 * len(atoms), forces, np.full(6, 0.5), 0.125))
    if kind == "responses":
        out.arrays["born_charges"] = np.ones((len(atoms), 9))
        out.arrays["atomic_dipoles"] = np.zeros((len(atoms), 3))
        out.arrays["wannier_centres"] = np.zeros((len(atoms), 12))
        out.info.update(dipole=np.zeros(3), dielectric=np.eye(3).ravel(), max_spread=1.0)
    return out


def test_a_second_start_goes_on_where_the_first_stopped(tmp_path):
    done = []

    def labeller(name, kind, work):
        if name.endswith("101") and not done:
            done.append(name)
            raise KeyboardInterrupt
        return label(name, kind, work)

    with pytest.raises(KeyboardInterrupt):
        work_through(QUEUE, tmp_path, labeller)
    assert not list(tmp_path.glob("energies/*.lock"))
    assert work_through(QUEUE, tmp_path, labeller) == {"done": 1, "failed": 0, "skipped": 1}
    assert work_through(QUEUE, tmp_path, labeller) == {"done": 0, "failed": 0, "skipped": 2}
    assert not list(tmp_path.rglob("*.part"))


def test_a_failure_is_kept_and_the_queue_goes_on(tmp_path, capsys):
    def labeller(name, kind, work):
        if name.endswith("100"):
            raise RuntimeError("pw.x did not converge")
        return label(name, kind, work)

    assert work_through(QUEUE, tmp_path, labeller) == {"done": 1, "failed": 1, "skipped": 0}
    assert "did not converge" in capsys.readouterr().err
    kept = tmp_path / "energies" / "rand-mono2-100.failed"
    assert "did not converge" in kept.read_text()
    assert work_through(QUEUE, tmp_path, label)["skipped"] == 2
    kept.unlink()
    assert work_through(QUEUE, tmp_path, label)["done"] == 1


def test_locks_of_living_processes_hold_and_those_of_dead_ones_do_not(tmp_path):
    lock = tmp_path / "a.lock"
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    lock.write_text(str(sleeper.pid))
    assert not take(lock)
    sleeper.kill()
    sleeper.wait()
    assert take(lock)
    assert lock.read_text() == str(os.getpid())
    lock.write_text("")
    assert take(lock), "an unreadable lock is stale"
    assert [p.name for p in tmp_path.iterdir()] == ["a.lock"]


def test_stress_is_stored_for_the_cell_of_the_frame():
    """Whatever the height of the calculation, stress times 25 Å is the sheet stress."""
    low, high = label("rand-mono2-100", "energies", None, 16.0), label("rand-mono2-100", "energies", None, 30.0)
    np.testing.assert_allclose(low.info["stress"], high.info["stress"], rtol=1e-12)
    np.testing.assert_allclose(low.info["pbe_stress"] * 25.0, 0.5)
    assert low.cell[2, 2] == 25.0 and low.info["energy"] < low.info["pbe_energy"] == -2.0


def test_merging_appends_and_leaves_the_old_text_alone(tmp_path):
    data, out = tmp_path / "data", tmp_path / "out"
    data.mkdir()
    for name in ("energies.extxyz", "responses.extxyz", "split.json", "checksums.txt", "versions.json"):
        shutil.copy(FOLDER / name, data)
    before = {p.name: p.read_text() for p in data.iterdir()}
    counts = {kind: len(read(data / f"{kind}.extxyz", ":")) for kind in ("energies", "responses")}
    work_through([*QUEUE, ("responses", "rand-mono2-102")], out, label)
    merge(out, data)
    for kind, new in (("energies", 3), ("responses", 1)):
        assert (data / f"{kind}.extxyz").read_text().startswith(before[f"{kind}.extxyz"])
        assert len(read(data / f"{kind}.extxyz", ":")) == counts[kind] + new
    old, now = json.loads(before["split.json"]), json.loads((data / "split.json").read_text())
    assert all(set(old[where]) <= set(now[where]) for where in old)
    loaded = Dataset.load(data)
    added = [f for f in loaded.frames("all", "energies") if f.info["name"] == "rand-mono2-102"]
    assert len(added) == 1 and "born_charges" not in added[0].arrays and "dipole" not in added[0].calc.results
    former, versions = json.loads(before["versions.json"]), json.loads((data / "versions.json").read_text())
    assert list(versions.items())[: len(former)] == list(former.items()), "versions are history"
    assert loaded.version == list(versions)[-1] == f"v{len(former) + 1}"
    assert versions[loaded.version]["frames"]["energies"] == counts["energies"] + 3
    text = (data / "energies.extxyz").read_text()
    merge(out, data)
    assert (data / "energies.extxyz").read_text() == text, "merging twice adds nothing"
    assert Dataset.load(data).version == loaded.version
    assert "rand-mono2-102: energy 0.000" in compare(out, data)


def test_collected_frames_wait_outside_the_version_until_the_next_merge(tmp_path):
    data, out = tmp_path / "data", tmp_path / "out"
    data.mkdir()
    for name in ("energies.extxyz", "responses.extxyz", "split.json", "checksums.txt", "versions.json", "README.md"):
        shutil.copy(FOLDER / name, data)
    before = Dataset.load(data)
    work_through([QUEUE[0], ("energies", "rand-mono2-000")], out, label)
    assert collect(out, data) == "1 pending (1 new)", "rand-mono2-000 is in the data set"
    work_through(QUEUE, out, label)
    assert collect(out, data) == "2 pending (1 new)"
    assert collect(out, data) == "2 pending (0 new)"
    assert "<!--pending-->2<!---->" in (data / "README.md").read_text()
    waiting = Dataset.load(data)
    assert waiting.sha256 == before.sha256 and waiting.version == before.version
    pending, energies = (data / "pending.extxyz").read_text(), (data / "energies.extxyz").read_text()
    merge(folder=data)
    assert (data / "energies.extxyz").read_text() == energies + pending
    assert not (data / "pending.extxyz").exists()
    assert "<!--pending-->0<!---->" in (data / "README.md").read_text()
    assert {name for _, name in QUEUE} <= {f.info["name"] for f in Dataset.load(data).frames("all")}


def test_dipoles_of_relabelled_frames_are_added_and_nothing_else_changes(tmp_path):
    data, out = tmp_path / "data", tmp_path / "out"
    data.mkdir()
    for name in ("energies.extxyz", "responses.extxyz", "split.json"):
        shutil.copy(FOLDER / name, data)
    work_through([("energies", "rand-mono2-000")], out, label)
    old = (data / "energies.extxyz").read_text()
    assert add_dipoles(out, data) == "dipole_z added to 1 frames"
    now = (data / "energies.extxyz").read_text()
    assert now.replace(" dipole_z=0.125", "", 1) == old
    frame = next(f for f in Dataset.load(data).frames("all") if f.info["name"] == "rand-mono2-000")
    assert frame.info["dipole_z"] == 0.125
    assert add_dipoles(out, data) == "dipole_z added to 0 frames"
