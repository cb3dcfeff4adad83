"""Fit an energy model and a model of Wannier centroids: ``python -m harness.fit potential=deep_wannier``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.contracts.fitter import Fitted, Fitter, MakeProgress
from harness.data.dataset import SPLITS
from harness.errors import HarnessError, unknown_choice
from harness.fitting.atomic_output import atomic_output
from harness.fitting.parity import by_family, errors, predict
from harness.fitting.parity_plot import draw
from harness_deep_wannier import settings as defaults
from harness_deep_wannier.calculator import DeepWannierCalculator
from harness_deep_wannier.cores import Cores
from harness_deep_wannier.evaluate import Energies, Polarization
from harness_deep_wannier.frozen import open_model
from harness_deep_wannier.potential import versions
from harness_deep_wannier.train import train

if TYPE_CHECKING:
    from ase import Atoms

    from harness.data.dataset import Dataset

__all__ = ["fit"]

PARTS = ("energy", "wannier")


def fit(
    dataset: Dataset,
    out: Path,
    params: Mapping[str, Any],
    seed: int,
    progress: MakeProgress,
    fitted: Fitted | None = None,
) -> dict[str, Any]:
    """Fit; writes ``<name>.pb`` and ``<name>_wannier.pb``, each with facts (.json), parity data (.npz) and plot (.png).

    Training goes on where it was when the same fit is started again after a kill; until it is done, the files in `out`
    stay as they are.

    Parameters
    ----------
    params
        ``model``: name of the energy model (``bn_bilayer.pb``, with the data set's suffix); ``parts``: ``[energy]``,
        ``[wannier]`` or both; ``energy``, ``wannier``: fields of `harness_deep_wannier.settings.Settings`.

    Returns
    -------
    dict
        Facts of each part.

    Raises
    ------
    HarnessError
        For an unknown setting, a data set without the labels, or when deepmd fails.
    """
    for key in params:
        if key not in ("model", "parts", *PARTS):
            raise unknown_choice("option of deep_wannier", key, ("model", "parts", *PARTS))
    parts = list(params.get("parts") or PARTS)
    for part in parts:
        if part not in PARTS:
            raise unknown_choice("part of deep_wannier", part, PARTS)
    chosen = {
        part: defaults.read(default, params.get(part) or {}, part)
        for part, default in (("energy", defaults.ENERGY), ("wannier", defaults.WANNIER))
        if part in parts or part in params
    }
    stem = Path(str(params.get("model") or f"bn_bilayer{dataset.suffix}.pb")).stem
    work = Path(out) / ".deep_wannier"
    work.mkdir(parents=True, exist_ok=True)
    facts = {}
    if "energy" in parts:
        facts["energy"] = _fit(dataset, out, stem, chosen["energy"], None, seed, work, progress)
    if "wannier" in parts:
        facts["wannier"] = _fit(dataset, out, f"{stem}_wannier", chosen["wannier"], Cores(), seed, work, progress)
    shutil.rmtree(work, ignore_errors=True)
    return facts


def _fit(
    dataset: Dataset,
    out: Path,
    stem: str,
    chosen: defaults.Settings,
    cores: Cores | None,
    seed: int,
    work: Path,
    progress: MakeProgress,
) -> dict[str, Any]:
    kind = "energies" if cores is None else "responses"
    frames = {split: dataset.frames(split, kind=kind) for split in SPLITS}
    used = {split: [a for a in frames[split] if _usable(a, chosen)] for split in ("train", "validation")}
    for split, some in used.items():
        if not some:
            raise HarnessError(f"the data set has no {kind} to use in '{split}'.", "Take more frames (n_train).")
    species = sorted({str(s) for a in used["train"] for s in a.symbols})
    model, story = train(used, chosen, species, seed, cores, work, progress)
    if cores is None:
        calculator = DeepWannierCalculator(Energies(open_model(model, "energy")))
        properties: tuple[str, ...] = ("energy", "forces", "stress")
        calculate: Any = calculator
    else:
        calculate = _asked(Polarization(open_model(model, "dipole"), cores))
        properties = ("dipole", "born_effective_charges")
    parities = {split: predict(frames[split], calculate, properties) for split in SPLITS}
    facts = {
        "species": species,
        "level_of_theory": dataset.level_of_theory if cores is None else "PBE",
        "licence": "MIT",
        **({} if cores is None else {"centroids": _plain(cores)}),
        "data": {**dataset.facts(), "used": {split: len(some) for split, some in used.items()}},
        "settings": {**defaults.plain(chosen), "seed": seed, **story},
        "errors": {split: errors(parity) for split, parity in parities.items()},
        "errors_by_family": {split: by_family(parity) for split, parity in parities.items()},
        "versions": versions(),
    }
    with atomic_output(out) as folder:
        shutil.copyfile(model, folder / f"{stem}.pb")
        text = json.dumps(facts, indent=1, ensure_ascii=False, default=_number)
        (folder / f"{stem}.json").write_text(text + "\n", encoding="utf-8")
        draw(parities, folder / f"{stem}_parity.png", f"deep_wannier, {stem}")
    return facts


def _usable(atoms: Atoms, chosen: defaults.Settings) -> bool:
    if chosen.force_max is not None and np.abs(atoms.get_forces()).max() > chosen.force_max:
        return False
    return chosen.sum_max is None or np.abs(atoms.arrays["born_charges"].sum(axis=0)).max() <= chosen.sum_max


def _asked(evaluate: Polarization) -> Any:
    def call(atoms: Atoms, properties: Any) -> dict[str, np.ndarray]:
        found = evaluate(atoms)
        return {key: found[key] for key in properties}

    return call


def _plain(cores: Cores) -> dict[str, Any]:
    return {
        "charges": dict(cores.charges),
        "centroid": cores.centroid,
        "carriers": list(cores.carriers),
        "bond": cores.bond,
    }


def _number(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} in the facts of a fit")


if TYPE_CHECKING:
    _: Fitter[Dataset] = fit
