"""Fit the spring constant of a tether."""

from __future__ import annotations

import json

import numpy as np

from harness.data.dataset import SPLITS
from harness.fitting.atomic_output import atomic_output
from harness.fitting.parity import by_family, errors, predict
from harness.fitting.parity_plot import draw
from harness_outside import Tether


def fit(dataset, out, params, seed, progress, fitted):
    """Least squares of force against height; writes ``tether.json``, its parity data and, with matplotlib, a plot."""
    frames = {split: dataset.frames(split) for split in SPLITS}
    height = np.concatenate([a.positions[:, 2] for a in frames["train"]])
    force = np.concatenate([a.get_forces()[:, 2] for a in frames["train"]])
    k = -float(height @ force / (height @ height))
    with progress("tether", sum(map(len, frames.values()))) as bar:
        parities = {s: predict(f, Tether(k).calculator(), ("energy", "forces"), bar.update) for s, f in frames.items()}
    facts = {
        "k": k,
        "level_of_theory": dataset.level_of_theory,
        "data": dataset.facts(),
        "settings": {"seed": seed, **params},
        "errors": {split: errors(parity) for split, parity in parities.items()},
        "errors_by_family": {split: by_family(parity) for split, parity in parities.items()},
    }
    with atomic_output(out) as folder:
        (folder / "tether.json").write_text(json.dumps(facts))
        draw(parities, folder / "tether_parity.png", f"tether, {dataset.level_of_theory}")
    return facts
