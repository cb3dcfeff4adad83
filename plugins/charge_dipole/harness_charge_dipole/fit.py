"""Fit widths and electronegativities to DFT polarizabilities, Born charges and dipoles of a sheet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms
from scipy.optimize import least_squares

from harness.contracts.fitter import Fitted, Fitter, MakeProgress
from harness.data.dataset import SPLITS, Dataset
from harness.errors import HarnessError, unknown_choice
from harness.fitting.atomic_output import atomic_output
from harness.fitting.parity import Parity, by_family, predict
from harness.fitting.parity import errors as parity_errors
from harness.fitting.parity_plot import draw
from harness_charge_dipole.model import ChargeDipole
from harness_charge_dipole.parameters import Element, Parameters, check_constraint, tied_polarizability
from harness_charge_dipole.targets import CLASSES, Design, Responses, labels

__all__ = ["Settings", "best", "errors", "fit"]

#: Of the shared parity; the classes of the fit divide them further.
PROPERTIES = ("dipole", "born_effective_charges", "polarizability")

#: Bounds of the widths, Å.
WIDTHS = (0.3, 1.3)
#: Bounds of the polarizability relative to that which the width implies. Up to 1 the energy stays bounded for any
#: structure: the quadratic form is that of a charge density plus something positive.
FRACTIONS = (0.05, 1.0)
#: Weights that are not one. Born charges that mix the plane and the normal are small, and the form gets them half right
#: at best; but without them, or dipoles of single groups, two solutions with the roles of the elements exchanged are
#: equally good (docs/charge_dipole.md).
WEIGHTS = {"born_mixed": 0.02}


@dataclass(frozen=True)
class Settings:
    """Parameters of the fitter.

    Attributes
    ----------
    name
        Stem of the files written.
    constraint
        Neutrality: ``total`` or ``layer``.
    tied
        Whether the polarizability follows from the width, as in paper 000 and Mayer 2007. If not, it is a parameter
        of its own for each element (a variant that Mayer also has).
    compare
        Fit the other of the two forms too, to ``<name>_tied.json`` or ``<name>_free.json``.
    starts
        Number of starting points.
    weights
        Weight of each class of `targets.CLASSES`; each class counts relative to the rms of its labels, so equal
        weights ask for equal relative errors.
    """

    name: str = "bn_bilayer_cd"
    constraint: str = "layer"
    tied: bool = False
    compare: bool = True
    starts: int = 4
    weights: Mapping[str, float] | None = None

    def weight(self, word: str) -> float:
        """Weight of a class: if not set, that of `WEIGHTS`, or one."""
        return float((self.weights or {}).get(word, WEIGHTS.get(word, 1.0)))

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Settings:
        """Checked settings from a configuration."""
        for word in params:
            if word not in cls.__dataclass_fields__:
                raise unknown_choice("fit parameter of charge_dipole", word, cls.__dataclass_fields__)
        for word in params.get("weights") or {}:
            if word not in CLASSES:
                raise unknown_choice("weight of charge_dipole's fit", word, CLASSES)
        settings = cls(**params)
        return replace(settings, constraint=check_constraint(settings.constraint))


def best(
    frames: Sequence[Atoms], settings: Settings, seed: int = 0, tick: Callable[[float], None] = lambda cost: None
) -> tuple[Parameters, float]:
    """The parameters of least cost for these frames.

    The widths are sought by least squares from several starting points; at each trial the electronegativities, on
    which everything depends linearly, are solved for.

    Parameters
    ----------
    tick
        Called after each starting point with the least cost so far.

    Returns
    -------
    parameters, cost
        Cost: sum over classes of weight times the squared relative rms error.
    """
    symbols = sorted({s for atoms in frames for s in atoms.get_chemical_symbols()})
    if len(symbols) < 2:
        raise HarnessError("charge_dipole needs frames of at least two elements to fit.", "Check the data set.")
    wanted = _stack([labels(atoms) for atoms in frames])
    words = [word for word in CLASSES if settings.weight(word) > 0.0 and np.any(wanted[word])]
    scale = {word: np.sqrt(settings.weight(word) / float(np.sum(wanted[word] ** 2))) for word in words}

    def trial(x: np.ndarray) -> tuple[Design, np.ndarray, np.ndarray]:
        design = Design.of(frames, _elements(symbols, x, settings.tied), settings.constraint)
        a = np.concatenate([scale[w] * design.columns[w] for w in words])
        b = np.concatenate([scale[w] * (wanted[w] - design.constant[w]) for w in words])
        chi = np.linalg.lstsq(a, b, rcond=None)[0]
        return design, chi, a @ chi - b

    rng = np.random.default_rng(seed)
    count = len(symbols)
    bounds = np.array([WIDTHS] * count + ([] if settings.tied else [FRACTIONS] * count)).T
    least, where = np.inf, np.zeros(0)
    for start in range(settings.starts):
        x0 = np.full(count, 0.6) if start == 0 else rng.uniform(0.4, 1.0, count)
        if not settings.tied:
            x0 = np.append(x0, [0.6] * count)
        result = least_squares(
            lambda x: trial(x)[2], x0, bounds=bounds, xtol=1e-5, ftol=1e-5, diff_step=1e-3, max_nfev=40
        )
        if 2 * result.cost < least:
            least, where = 2 * float(result.cost), result.x
        tick(least)
    chi = np.append(0.0, trial(where)[1])
    elements = {
        s: replace(e, electronegativity=float(c))
        for (s, e), c in zip(_elements(symbols, where, settings.tied).items(), chi, strict=True)
    }
    return Parameters(elements, settings.constraint), least


def errors(frames: Sequence[Atoms], parameters: Parameters) -> dict[str, dict[str, float]]:
    """Rms error, rms label and number of values of each class."""
    wanted = _stack([labels(atoms) for atoms in frames])
    chi = np.array([e.electronegativity for e in parameters.elements.values()])
    got = Design.of(frames, parameters.elements, parameters.constraint).values(chi[1:] - chi[0])
    return {
        word: {
            "rmse": float(np.sqrt(np.mean((got[word] - wanted[word]) ** 2))),
            "rms_label": float(np.sqrt(np.mean(wanted[word] ** 2))),
            "values": wanted[word].size,
        }
        for word in CLASSES
        if wanted[word].size
    }


def fit(
    dataset: Dataset,
    out: Path,
    params: Mapping[str, Any],
    seed: int,
    progress: MakeProgress,
    fitted: Fitted | None = None,
) -> dict[str, Any]:
    """Fit to the training frames with responses; write the model, its parity data and their plot.

    Parameters
    ----------
    dataset
        DFT labels; frames of kind ``responses`` are used. Those are PBE's at any dispersion.
    out
        Folder for ``<name>.json``, ``<name>_parity.npz`` and ``<name>_parity.png``.
    params
        As in `Settings`.
    seed
        Of the starting points.

    Returns
    -------
    dict
        Provenance: data, settings, errors by split, family and class.
    """
    settings = Settings.of(params)
    frames = {split: dataset.frames(split, kind="responses") for split in SPLITS}
    if not frames["train"]:
        raise HarnessError("the data set has no training frames with responses.", "Label some, or give another set.")
    forms = [settings]
    if settings.compare:
        other = f"{settings.name}_{'free' if settings.tied else 'tied'}"
        forms.append(replace(settings, name=other, tied=not settings.tied))
    with atomic_output(out) as folder, progress("charge-dipole", len(forms) * settings.starts) as bar:
        origins = [
            _one_form(dataset, frames, folder, form, seed, lambda c: bar.update(1, f"cost {c:.4f}")) for form in forms
        ]
    return origins[0] | {form.name: origin for form, origin in zip(forms[1:], origins[1:], strict=True)}


def _one_form(
    dataset: Dataset,
    frames: Mapping[str, Sequence[Atoms]],
    out: Path,
    settings: Settings,
    seed: int,
    tick: Callable[[float], None],
) -> dict[str, Any]:
    """Fit one form and write its files; returns its provenance."""
    parameters, cost = best(frames["train"], settings, seed, tick)
    parities = {split: _parity(part, parameters) for split, part in frames.items()}
    provenance = {
        "level_of_theory": "PBE",
        "licence": "MIT",
        "data": dataset.facts(),
        "frames": {split: [a.info["name"] for a in part] for split, part in frames.items()},
        "settings": {
            "constraint": settings.constraint,
            "tied": settings.tied,
            "starts": settings.starts,
            "weights": {word: settings.weight(word) for word in CLASSES},
            "seed": seed,
        },
        "cost": cost,
        "errors": {split: parity_errors(p) for split, p in parities.items() if p.names},
        "errors_by_family": {split: by_family(p) for split, p in parities.items() if p.names},
        "errors_by_class": {split: errors(part, parameters) for split, part in frames.items() if part},
        "versions": {name: version(name) for name in ("numpy", "scipy", "ase")},
    }
    replace(parameters, provenance=provenance).save(out / f"{settings.name}.json")
    draw(parities, out / f"{settings.name}_parity.png", f"charge-dipole model {settings.name}, PBE")
    return provenance


def _parity(frames: Sequence[Atoms], parameters: Parameters) -> Parity:
    return predict(frames, ChargeDipole(parameters, solver="dense").calculate, PROPERTIES)


def _stack(parts: Sequence[Responses]) -> Responses:
    return {word: np.concatenate([p[word] for p in parts]) for word in CLASSES}


def _elements(symbols: Sequence[str], x: np.ndarray, tied: bool) -> dict[str, Element]:
    """Elements from the vector of widths and, where they are free, relative polarizabilities."""
    count = len(symbols)
    alpha = tied_polarizability(x[:count]) * (1.0 if tied else x[count:])
    return {s: Element(float(x[i]), 0.0, None if tied else float(alpha[i])) for i, s in enumerate(symbols)}


if TYPE_CHECKING:
    _: Fitter[Dataset] = fit
