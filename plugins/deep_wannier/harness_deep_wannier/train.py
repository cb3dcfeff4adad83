"""One training as a process of its own: written down, started, watched, frozen, taken up again after a kill."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ase import Atoms

from harness.contracts.fitter import MakeProgress
from harness.contracts.task import Progress
from harness.errors import HarnessError
from harness_deep_wannier.backend import variables
from harness_deep_wannier.cores import Cores
from harness_deep_wannier.settings import Settings, deepmd_input, watch
from harness_deep_wannier.systems import write_systems
from harness_deep_wannier.trainer import BEST, DONE, HISTORY, PASS

__all__ = ["train"]


def train(
    frames: Mapping[str, Sequence[Atoms]],
    settings: Settings,
    species: Sequence[str],
    seed: int,
    cores: Cores | None,
    work: Path,
    progress: MakeProgress,
) -> tuple[Path, dict[str, Any]]:
    """Train and freeze; returns the frozen model in a folder under `work`, and how training went.

    The folder is named by a hash of the input and the labels, so that the same fit goes on in it after a kill, and
    another one does not.

    Parameters
    ----------
    frames
        Labelled structures, by split.
    settings
        Of the fit.
    species
        Chemical symbols, in the order of the model's types.
    seed
        Of the initial weights and of the order of batches.
    cores
        Of a dipole model; None for an energy model.
    work
        Folder for intermediate files.
    progress
        Makes a progress bar.

    Raises
    ------
    HarnessError
        When training fails; names the log.
    """
    folder = _prepare(frames, settings, species, seed, cores, work)
    if not (folder / DONE).exists():
        what = "energy" if cores is None else "Wannier"
        with progress(f"{what} model", settings.steps + PASS * settings.passes) as bar:
            _run([sys.executable, "-m", "harness_deep_wannier.trainer", str(folder)], folder, bar)
    model = folder / "model.pb"
    if not model.exists():
        _run([sys.executable, "-m", "deepmd", "--tf", "freeze", "-c", BEST, "-o", "frozen.pb"], folder)
        (folder / "frozen.pb").rename(model)
    history = [json.loads(line) for line in (folder / HISTORY).read_text().splitlines()]
    best = min(history, key=lambda row: row["score"])
    done = json.loads((folder / DONE).read_text())
    return model, {
        "stop_reason": done["reason"],
        "steps_done": history[-1]["step"],
        "best_step": best["step"],
        "best_validation": {key: value for key, value in best.items() if key not in ("step", "seconds")},
        "wall_seconds": round(done["seconds"], 1),
    }


def _prepare(
    frames: Mapping[str, Sequence[Atoms]],
    settings: Settings,
    species: Sequence[str],
    seed: int,
    cores: Cores | None,
    work: Path,
) -> Path:
    """The training's folder with its input, labels and all; made whole or not at all."""
    aside = work / f".{os.getpid()}"
    shutil.rmtree(aside, ignore_errors=True)
    systems = {
        split: [f"{split}/{name}" for name in write_systems(some, aside / split, species, settings.cutoff, cores)]
        for split, some in frames.items()
    }
    lowest = 0.0 if cores else min(a.get_potential_energy() / len(a) for a in frames["train"])
    told = {
        "input.json": deepmd_input(settings, species, systems, seed, cores),
        "watch.json": watch(settings, seed, cores, lowest),
    }
    for name, content in told.items():
        (aside / name).write_text(json.dumps(content, indent=1))
    digest = hashlib.sha256()
    for path in sorted(path for path in aside.rglob("*") if path.is_file()):
        digest.update(str(path.relative_to(aside)).encode() + path.read_bytes())
    folder = work / digest.hexdigest()[:16]
    if folder.exists():
        shutil.rmtree(aside)
    else:
        aside.rename(folder)
    return folder


def _run(command: list[str], folder: Path, bar: Progress | None = None) -> None:
    """Run to the end, telling the bar what the history says; the process ends with this one."""
    log = folder / "log.txt"
    with log.open("ab") as stream:
        process = subprocess.Popen(
            command, cwd=folder, stdout=stream, stderr=subprocess.STDOUT, env={**os.environ, **variables()}
        )
        seen = 0
        try:
            while process.poll() is None:
                time.sleep(0.5)
                seen = _tell(folder / HISTORY, seen, bar)
        except BaseException:
            process.terminate()
            process.wait()
            raise
    _tell(folder / HISTORY, seen, bar)
    if process.returncode:
        with log.open(errors="replace") as lines:
            tail = [line.strip() for line in deque(lines, 40) if "Error" in line] or ["no reason given"]
        raise HarnessError(f"deepmd's training failed: {tail[-1][:300]}.", f"The whole story is in {log}.")


def _tell(history: Path, seen: int, bar: Progress | None) -> int:
    if bar is None or not history.exists():
        return seen
    lines = history.read_text().splitlines()
    if not lines:
        return seen
    row = json.loads(lines[-1])
    if row["step"] > seen:
        errors = ", ".join(f"{key.removeprefix('rmse_')} {value:.3g}" for key, value in row.items() if "rmse" in key)
        bar.update(row["step"] - seen, f"validation: {errors}")
    return max(seen, int(row["step"]))
