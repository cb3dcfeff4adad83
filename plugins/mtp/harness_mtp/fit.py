"""Fit a moment tensor potential to the intralayer part of a data set: ``python -m harness.fit potential=mtp``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.data import atomic_numbers

from harness.contracts.fitter import Fitted, Fitter, MakeProgress
from harness.data.dataset import SPLITS
from harness.errors import HarnessError, unknown_choice
from harness.fitting.atomic_output import atomic_output
from harness.fitting.parity import Parity, by_family, errors, in_plane_stress
from harness.fitting.parity_plot import draw
from harness.registry.files import sha256
from harness.registry.provenance import sidecar
from harness_mtp import mtpfile
from harness_mtp.examples import LEFT_BEHIND, examples
from harness_mtp.grade import ActiveSet, features
from harness_mtp.potential import MTPPotential
from harness_mtp.regression import Example, Weights, frame_weight, minimize, predict
from harness_mtp.templates import template

if TYPE_CHECKING:
    from motep.potentials.mtp.data import MTPData

    from harness.contracts.task import Progress
    from harness.data.dataset import Dataset

__all__ = ["Settings", "fit"]


@dataclass(frozen=True)
class Settings:
    """What a fit can be told; all of it goes into the provenance.

    Attributes
    ----------
    level
        MTP level, even; docs/mtp.md has its speed.
    cutoff, min_dist
        Range of the radial basis, Å.
    radial_size
        Chebyshev polynomials per radial function.
    steps
        Most Gauss-Newton steps per start.
    starts
        Starting points; the one with the least error on validation frames, weighted as in the fit, is kept. They are
        random, except
    start_from
        a trained model of the same elements, which is the first of them when it is given: that of an earlier version of
        the data, say. Its level and radial basis are taken over.
    """

    level: int = 18
    cutoff: float = 6.0
    min_dist: float = 1.0
    radial_size: int = 8
    steps: int = 60
    starts: int = 2
    start_from: str = ""


def fit(
    dataset: Dataset,
    out: Path,
    params: Mapping[str, Any],
    seed: int,
    progress: MakeProgress,
    fitted: Fitted | None = None,
) -> dict[str, Any]:
    """Fit; writes ``<model>``, its facts (.json), active set (.active.npz), parity data (.npz) and plot (.png).

    Parameters
    ----------
    out
        Folder. Files there are replaced together, when all are whole.
    params
        ``model``: file name (``bn_bilayer.mtp``, with the data set's suffix); the fields of `Settings`; ``weights``:
        fields of `regression.Weights`;
        ``interlayer``: ``{name, params}`` of the interaction between layers, subtracted from frames of several
        layers; null to take frames of one layer only. Not given: as just fitted, else ``lj`` as shipped where
        the plugin ``layered`` is installed.
    fitted
        Reports of the fitters that ran before.

    Returns
    -------
    dict
        The facts (settings, hash of the data, errors by split, versions), and the ``potential`` made.
    """
    settings, weights = _read(Settings, params), _read(Weights, params.get("weights") or {})
    name = Path(str(params.get("model") or f"bn_bilayer{dataset.suffix}.mtp")).name
    between, between_facts = _interlayer(
        params["interlayer"] if "interlayer" in params else _default(fitted or {}, dataset)
    )
    sets = {s: examples(dataset.frames(s), between) for s in SPLITS}
    species = sorted({str(s) for e in sets["train"] for s in e.atoms.symbols})
    with progress(f"MTP level {settings.level}", settings.starts * settings.steps) as bar:
        data = _best(sets, species, settings, weights, seed, bar)
    parities = {s: _parity(data, sets[s]) for s in SPLITS}
    stacked = {s: np.array([e.stacked for e in sets[s]], dtype=bool) for s in SPLITS}
    single = {s: p.pick(np.flatnonzero(~stacked[s])) for s, p in parities.items()}
    facts = {
        "species": species,
        "level_of_theory": dataset.level_of_theory,
        "licence": "MIT",
        "data": {**dataset.facts(), "used": {s: len(sets[s]) for s in SPLITS}},
        "settings": {**asdict(settings), "start_from": _named(settings.start_from), "seed": seed,
                     "weights": asdict(weights), "noise_of_stacks": asdict(LEFT_BEHIND)},
        "interlayer": between_facts,
        "errors": {s: errors(p) for s, p in single.items()},
        # what is left of stacks when the interaction between the layers is subtracted: its errors are in here too
        "errors_of_stacks": {s: errors(p.pick(np.flatnonzero(stacked[s]))) for s, p in parities.items()},
        "errors_by_family": {s: by_family(p) for s, p in parities.items()},
        "versions": {p: version(p) for p in ("motep", "numpy", "ase")},
    }  # fmt: skip
    with atomic_output(out) as folder:
        model = folder / name
        mtpfile.write(model, data, species)
        sidecar(model).write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        _active_set(data, sets["train"], seed).save(model)
        title = f"{name}, level {settings.level}, {dataset.level_of_theory}"
        draw(parities, model.with_name(f"{model.stem}_parity.png"), title)
    return {**facts, "potential": {"name": "mtp", "params": {"model": str(out / name)}}}


def _read(kind: type, params: Mapping[str, Any]) -> Any:
    """An instance of a settings class from the parameters that belong to it."""
    known = {f.name: f.type for f in fields(kind)}
    extra = {"model", "weights", "interlayer", "species", "engine"} if kind is Settings else set()
    for key in params:
        if key not in known and key not in extra:
            raise unknown_choice("setting of the MTP fit", str(key), known)
    casts = {"int": int, "float": float, "str": str}
    return kind(**{k: casts[str(known[k])](v) for k, v in params.items() if k in known and v is not None})


def _default(fitted: Fitted, dataset: Dataset) -> Mapping[str, Any] | None:
    """The interlayer potential just fitted, else the shipped one of the same level."""
    from harness.registry.lookup import potentials

    if "lj" in fitted:
        spec: Mapping[str, Any] = fitted["lj"]["potential"]
        return spec
    if "lj" not in potentials(["layered"]):
        return None
    return {"name": "lj", "params": {"model": f"bn_bilayer_lj{dataset.suffix}.json"}}


def _interlayer(spec: Mapping[str, Any] | None) -> tuple[Any, dict[str, Any] | None]:
    if not spec:
        return None, None
    from harness.registry.lookup import build_potential

    potential = build_potential(spec["name"], dict(spec.get("params") or {}))
    facts = potential.provenance()
    return potential.calculator(), {k: facts.get(k) for k in ("form", "model", "cutoff")}


def _best(
    sets: Mapping[str, Sequence[Example]], species: list[str], settings: Settings, weights: Weights, seed: int,
    bar: Progress,
) -> MTPData:  # fmt: skip
    """The start with the least force error on single-layer validation frames, weighted as in the fit."""
    kept: tuple[float, Any] = (np.inf, None)
    judge = [e for e in sets["validation"] if not e.stacked] or sets["train"]
    for start in range(settings.starts):
        if settings.start_from and start == 0:
            data = _earlier(settings.start_from, species)
        else:
            data = template(settings.level, len(species), settings.cutoff, settings.min_dist, settings.radial_size)
            data.species = [atomic_numbers[s] for s in species]
            data.initialize(np.random.default_rng([seed, start]))
        done = 0

        def report(step: int, value: float) -> None:
            nonlocal done
            done += 1
            bar.update(1, f"start {start + 1}, objective {value:.3g}")  # noqa: B023

        data = minimize(data, sets["train"], weights, settings.steps, report=report)
        bar.update(settings.steps - done)
        score = _score(_parity(data, judge), weights)
        if score < kept[0]:
            kept = (score, data)
    return kept[1]


def _score(parity: Parity, weights: Weights) -> float:
    """Mean squared force error, (eV/Å)², in which frames count as in the fit."""
    squares = [
        frame_weight(label, weights) * np.sum((predicted - label) ** 2)
        for label, predicted in zip(*parity.values["forces"], strict=True)
    ]
    return float(np.sum(squares) / (3 * parity.sizes.sum()))


def _named(model: str) -> dict[str, str] | None:
    if not model:
        return None
    path = MTPPotential(model).path
    return {"file": path.name, "sha256": sha256(path)}


def _earlier(model: str, species: list[str]) -> MTPData:
    earlier = MTPPotential(model)
    if earlier.species != species:
        raise HarnessError(f"'{model}' is for {', '.join(earlier.species)}, the data for {', '.join(species)}.",
                           "Give a model of the same elements, in alphabetical order, as start_from.")  # fmt: skip
    return earlier.data


def _parity(data: MTPData, chosen: Sequence[Example]) -> Parity:
    model = [predict(data, e) for e in chosen]
    return Parity(
        names=[e.name for e in chosen],
        sizes=np.array([len(e.atoms) for e in chosen], dtype=int),
        values={
            "energy": ([e.energy for e in chosen], [m[0] for m in model]),
            "forces": ([e.forces for e in chosen], [m[1] for m in model]),
            "stress": (
                [in_plane_stress(e.stress, e.atoms) for e in chosen],
                [in_plane_stress(m[2], e.atoms) for e, m in zip(chosen, model, strict=True)],
            ),
        },
    )


def _active_set(data: MTPData, train: Sequence[Example], seed: int) -> ActiveSet:
    from harness_mtp.regression import basis_values

    rows, names = [], []
    for example in train:
        values, types = basis_values(data, example)
        rows.append(features(values, types, data.species_count))
        names += [example.name] * len(types)
    return ActiveSet.choose(np.vstack(rows), names, seed)


if TYPE_CHECKING:
    _: Fitter[Dataset] = fit
