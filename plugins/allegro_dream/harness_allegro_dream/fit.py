"""Fit Allegro with its polarization head: ``python -m harness.fit potential=allegro_dream``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.contracts.fitter import Fitted, Fitter, MakeProgress
from harness.data.dataset import SPLITS
from harness.errors import HarnessError, unknown_choice
from harness.fitting import parity, parity_plot
from harness.fitting.atomic_output import atomic_output
from harness.registry.files import resolve_model, sha256
from harness_allegro_dream import modelfile
from harness_allegro_dream.calculator import AllegroDreamCalculator
from harness_allegro_dream.examples import Example, examples, reference_energies
from harness_allegro_dream.loss import Weights
from harness_allegro_dream.network import DTYPES, AllegroDream, Hyperparameters, build
from harness_allegro_dream.trainer import Outcome, Schedule, train

if TYPE_CHECKING:
    from harness.data.dataset import Dataset

__all__ = ["fit"]

_MEASURED = {"type_names", "energy_references", "avg_num_neighbors", "energy_scale"}


def fit(
    dataset: Dataset,
    out: Path,
    params: Mapping[str, Any],
    seed: int,
    progress: MakeProgress,
    fitted: Fitted | None = None,
) -> dict[str, Any]:
    """Fit; writes ``bn_bilayer.safetensors``, its facts (.json), parity data (.npz) and plot (.png).

    A killed fit leaves the old model and a checkpoint in `out`, from which the same command goes on.

    Parameters
    ----------
    params
        ``model``: file name; ``start``: model file whose weights (and hyperparameters) to begin with; ``network``,
        ``weights``: fields of `network.Hyperparameters` and `loss.Weights`; any field of `trainer.Schedule`.

    Returns
    -------
    dict
        The facts, and the ``potential`` made.
    """
    settings = _settings(params)
    schedule = _fill(Schedule, {k: v for k, v in settings.items() if k in _names(Schedule)})
    weights = _fill(Weights, settings.get("weights") or {})
    name = Path(str(settings.get("model") or f"bn_bilayer{dataset.suffix}{modelfile.SUFFIX}")).name
    start = resolve_model(str(settings["start"]), package="harness_allegro_dream") if settings.get("start") else None
    network, energies, responses = _prepare(dataset, settings.get("network") or {}, start, schedule, seed)
    facts: dict[str, Any] = {
        "species": list(network.hyper.type_names),
        "level_of_theory": dataset.level_of_theory,
        "licence": "MIT",
        "data": dataset.facts(),
        "settings": {**asdict(schedule), "weights": asdict(weights), "seed": seed,
                     "parameters": sum(p.numel() for p in network.parameters()),
                     "start": {"file": start.name, "sha256": sha256(start)} if start else None,
                     "network": network.hyper.as_dict()},
        "versions": {p: version(p) for p in ("torch", "nequip", "nequip-allegro", "e3nn", "numpy", "ase")},
    }  # fmt: skip
    key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    checkpoint = out / f".{name}.checkpoint"
    out.mkdir(parents=True, exist_ok=True)
    with progress(f"Allegro, {facts['settings']['parameters']} weights", schedule.epochs) as bar:
        outcome = train(network, energies, responses, weights, schedule, seed,
                        lambda epoch, value: bar.update(1, f"epoch {epoch}, validation {value:.3f}"),
                        checkpoint, key)  # fmt: skip
    facts["settings"] |= {"epochs_done": outcome.epochs, "best_epoch": outcome.best_epoch, "stopped": outcome.reason,
                          "objective": outcome.objective, "seconds": round(outcome.seconds, 1)}  # fmt: skip
    _write(dataset, out, name, network, outcome, facts)
    checkpoint.unlink(missing_ok=True)
    return {**facts, "potential": {"name": "allegro_dream", "params": {"model": str(out / name)}}}


def _names(kind: type) -> set[str]:
    return {f.name for f in fields(kind)}


def _settings(params: Mapping[str, Any]) -> dict[str, Any]:
    known = {"model", "start", "network", "weights", *_names(Schedule)}
    for key in params:
        if key not in known:
            raise unknown_choice("setting of the fit of allegro_dream", str(key), known)
    return dict(params)


def _fill(kind: type, values: Mapping[str, Any]) -> Any:
    """An instance of a dataclass of numbers, from what a command line gave."""
    kinds: dict[str, Any] = {f.name: type(f.default) for f in fields(kind)}
    for key in values:
        if key not in kinds:
            raise unknown_choice(f"{kind.__name__.lower()} of the fit of allegro_dream", str(key), kinds)
    try:
        found = kind(**{k: v if v is None else kinds[k](v) for k, v in values.items()})
    except (TypeError, ValueError) as error:
        raise HarnessError(f"a setting of the fit of allegro_dream is no number: {error}.", "") from error
    if isinstance(found, Schedule) and found.precision not in DTYPES:
        raise unknown_choice("precision", found.precision, DTYPES)
    return found


def _prepare(
    dataset: Dataset, given: Mapping[str, Any], start: Path | None, schedule: Schedule, seed: int
) -> tuple[AllegroDream, dict[str, list[Example]], dict[str, list[Example]]]:
    """The network to begin with, and the frames as examples."""
    for key in given:
        if key in _MEASURED or key not in _names(Hyperparameters):
            raise unknown_choice("hyperparameter to set", str(key), _names(Hyperparameters) - _MEASURED)
    frames = {s: dataset.frames(s) for s in SPLITS[:2]}
    if not frames["train"]:
        raise HarnessError("the data set has no training frames.", "Give dataset=FOLDER with some.")
    if start is not None and given:
        raise HarnessError("a fit that starts from a model takes its network from there.", "Leave out network.")
    old = modelfile.header(start) if start is not None else None
    types = old.type_names if old else tuple(sorted({str(s) for atoms in frames["train"] for s in atoms.symbols}))
    references = reference_energies(frames["train"], types)
    base: dict[str, Any] = {**(old.as_dict() if old else given), "type_names": types, "energy_references": references}
    cutoff = Hyperparameters.of(base).r_max
    energies = {s: examples(f, types, references, cutoff) for s, f in frames.items()}
    responses = {
        s: examples(dataset.frames(s, "responses"), types, references, cutoff) if "responses" in _kinds(dataset) else []
        for s in SPLITS[:2]
    }
    if old is None:
        base["avg_num_neighbors"] = float(np.mean([e.edges.shape[1] / len(e.types) for e in energies["train"]]))
        forces = np.concatenate([e.forces.ravel() for e in energies["train"]])
        base["energy_scale"] = float(np.sqrt(np.mean(forces**2)))
    network = build(Hyperparameters.of(base), schedule.precision, seed)
    if start is not None:
        network.load_state_dict(modelfile.load(start, schedule.precision).state_dict())
    return network, energies, responses


def _kinds(dataset: Dataset) -> list[str]:
    return list(dataset.facts()["frames"])


def _write(
    dataset: Dataset, out: Path, name: str, network: AllegroDream, outcome: Outcome, facts: dict[str, Any]
) -> None:
    stem = name.removesuffix(modelfile.SUFFIX)
    with atomic_output(out) as folder:
        modelfile.save(folder / name, network, outcome.weights)
        calculator = AllegroDreamCalculator(folder / name, network.hyper, engine="eager")
        parities = {s: parity.predict(dataset.frames(s), calculator) for s in SPLITS}
        responses = {
            s: parity.predict(dataset.frames(s, "responses"), calculator, ("dipole", "born_effective_charges"))
            for s in SPLITS
            if "responses" in _kinds(dataset)
        }
        facts["errors"] = {s: parity.errors(p) for s, p in parities.items()}
        facts["errors_by_family"] = {s: parity.by_family(p) for s, p in parities.items()}
        facts["errors_of_responses"] = {s: parity.errors(p) for s, p in responses.items()}
        facts["errors_of_responses_by_family"] = {s: parity.by_family(p) for s, p in responses.items()}
        text = json.dumps(facts, indent=1, ensure_ascii=False)
        (folder / f"{stem}.json").write_text(text + "\n", encoding="utf-8")
        title = f"{name}, {network.hyper.num_layers} layer(s), cutoff {network.hyper.r_max} Å"
        parity_plot.draw(parities, folder / f"{stem}_parity.png", title)
        if responses:
            parity_plot.draw(responses, folder / f"{stem}_responses_parity.png", title)


if TYPE_CHECKING:
    _: Fitter[Dataset] = fit
