"""Fit a GAP with gap_fit: ``python -m harness.fit potential=gap``."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms

from harness.contracts.fitter import Fitted, Fitter, MakeProgress
from harness.data.dataset import SPLITS
from harness.fitting.atomic_output import atomic_output
from harness.fitting.parity import Parity, by_family, errors, predict
from harness.fitting.parity_plot import draw
from harness.registry.provenance import package_versions
from harness_gap.gapfit import Job, pack, run
from harness_gap.potential import GAPPotential
from harness_gap.settings import Settings, candidates, read

if TYPE_CHECKING:
    from harness.contracts.task import Progress
    from harness.data.dataset import Dataset

__all__ = ["fit"]

#: Errors that weigh the same in the choice: what is aimed at, meV/atom and meV/Å.
AIM = {"energy_rmse_meV_per_atom": 2.0, "force_rmse_meV_per_A": 50.0}


def fit(
    dataset: Dataset,
    out: Path,
    params: Mapping[str, Any],
    seed: int,
    progress: MakeProgress,
    fitted: Fitted | None = None,
) -> dict[str, Any]:
    """Fit once for every combination of the values to try; the one that predicts the validation frames best is kept.

    A sparse Gaussian process is fitted in one step, so that this takes the place of stopping early.

    Parameters
    ----------
    out
        Folder. Files there are replaced together, when all are whole.
    params
        ``model``: file name; fields of `settings.Settings`, nested (``near.zeta``), each a value or a list to try.

    Returns
    -------
    dict
        The facts (settings, hash of the data, errors by split, versions), and the ``potential`` made.
    """
    start = time.perf_counter()
    settings, grid = read(params)
    name = Path(str(params.get("model") or f"bn_bilayer{'_d2' if dataset.dispersion == 'd2' else ''}.xml")).name
    frames = {s: dataset.frames(s) for s in SPLITS}
    species = sorted({str(s) for atoms in frames["train"] for s in atoms.symbols})
    tried = list(candidates(settings, grid))
    with atomic_output(out) as folder, tempfile.TemporaryDirectory(prefix="harness-gap-fit-") as work:
        job = Job(Path(work), frames["train"], species, free_atoms(frames["train"], species), seed, {})
        with progress("gap", len(tried) + 1) as bar:
            best, scores = _best(job, tried, frames["validation"] or frames["train"], folder / name, bar)
            calculator = GAPPotential(str(folder / name)).calculator()
            parities = {s: predict(frames[s], calculator) for s in SPLITS}
            bar.update(1, f"test {_words(errors(parities['test']))}")
        facts = {
            "species": species,
            "level_of_theory": dataset.level_of_theory,
            "licence": "MIT",
            "data": dataset.facts(),
            "settings": {**asdict(best), "seed": seed, "free_atoms": dict(job.free), "tried": scores,
                         "stop": f"least validation errors over {AIM}, summed, of {len(tried)} fits",
                         "wall_seconds": round(time.perf_counter() - start)},
            "errors": {s: errors(p) for s, p in parities.items()},
            "errors_by_family": {s: by_family(p) for s, p in parities.items()},
            "versions": package_versions("quippy-ase", "numpy", "ase"),
        }  # fmt: skip
        model = folder / name
        model.with_suffix(".json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        draw(parities, model.with_name(f"{model.stem}_parity.png"), f"{name}, {len(frames['train'])} frames")
    return {**facts, "potential": {"name": "gap", "params": {"model": str(out / name)}}}


def _best(
    job: Job, tried: Sequence[tuple[dict[str, Any], Settings]], judge: Sequence[Atoms], target: Path, bar: Progress
) -> tuple[Settings, list[dict[str, Any]]]:
    """Fit and score every candidate; leaves the best model at `target`."""
    scores: list[dict[str, Any]] = []
    kept: tuple[float, Settings] | None = None
    for number, (chosen, settings) in enumerate(tried, start=1):
        start = time.perf_counter()
        pack(run(job, settings, "model.xml"), job.folder / target.name)
        calculator = GAPPotential(str(job.folder / target.name)).calculator()
        found = errors(_energies_and_forces(judge, calculator))
        score = sum(found[key] / aim for key, aim in AIM.items())
        scores.append({**chosen, "score": score, **{k: v for k, v in found.items() if "rmse" in k},
                       "wall_seconds": round(time.perf_counter() - start)})  # fmt: skip
        if kept is None or score < kept[0]:
            kept = (score, settings)
            for path in job.folder.glob(f"{target.name}*"):
                path.replace(target.with_name(path.name))
        bar.update(1, f"fit {number}: validation {_words(found)}")
    assert kept is not None
    return kept[1], scores


def _energies_and_forces(frames: Sequence[Atoms], calculator: Any) -> Parity:
    return predict(frames, calculator, ("energy", "forces"))


def _words(found: Mapping[str, float]) -> str:
    return f"{found['energy_rmse_meV_per_atom']:.1f} meV/atom, {found['force_rmse_meV_per_A']:.0f} meV/Å"


def free_atoms(frames: Sequence[Atoms], species: Sequence[str]) -> dict[str, float]:
    """Energy of each element (eV) by least squares; the shortest solution where compositions do not tell them apart."""
    counts = np.array([[np.sum(atoms.symbols == s) for s in species] for atoms in frames], dtype=float)
    energies = np.array([atoms.get_potential_energy() for atoms in frames])
    return dict(zip(species, (float(e) for e in np.linalg.lstsq(counts, energies, rcond=None)[0]), strict=True))


if TYPE_CHECKING:
    _: Fitter[Dataset] = fit
