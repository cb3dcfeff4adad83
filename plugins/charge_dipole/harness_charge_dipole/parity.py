"""Parity plot of a fit: DFT against the model, by class, training and held-out frames apart."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from harness_charge_dipole.targets import CLASSES

__all__ = ["plot"]

_TITLES = {
    "polarizability_in": "polarizability in plane",
    "polarizability_out": "polarizability across",
    "born_in": "Born charges in plane",
    "born_out": "Born charges across",
    "born_mixed": "Born charges mixed",
    "dipole_out": "dipole across",
    "site_out": "dipole of a group across",
}
_COLOURS = {"train": "#4c72b0", "validation": "#dd8452", "test": "#c44e52"}


def plot(arrays: Mapping[str, np.ndarray], path: Path) -> None:
    """Draw ``<split>/<class>/label`` against ``<split>/<class>/model`` into a PNG file."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13.5, 6.6), layout="constrained")
    grid = figure.subplots(2, 4).ravel()
    grid[-1].set_axis_off()
    for axes, (word, unit) in zip(grid, CLASSES.items(), strict=False):
        values = []
        for split, colour in _COLOURS.items():
            x, y = (arrays.get(f"{split}/{word}/{kind}", np.zeros(0)) for kind in ("label", "model"))
            if not x.size:
                continue
            rmse = np.sqrt(np.mean((y - x) ** 2))
            axes.plot(x, y, "o", ms=3.5, color=colour, alpha=0.7, label=f"{split}: {rmse:.2g} {unit}")
            values += [x, y]
        if not values:
            axes.set_axis_off()
            continue
        low, high = np.concatenate(values).min(), np.concatenate(values).max()
        pad = 0.05 * (high - low or 1.0)
        axes.plot([low - pad, high + pad], [low - pad, high + pad], "-", lw=0.8, color="0.5", zorder=0)
        axes.set(title=_TITLES[word], xlabel=f"DFT / {unit}", ylabel=f"model / {unit}")
        axes.legend(fontsize=7, title="rms error", title_fontsize=7)
    figure.savefig(path, dpi=130)
