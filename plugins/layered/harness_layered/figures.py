"""The picture of the interlayer fit; without matplotlib there is none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from harness_layered.fit_lj import Curve

__all__ = ["draw_curve"]


def draw_curve(curve: Curve, model: Curve, path: Path, title: str) -> None:
    """Interlayer energy against distance, and along the sliding paths; DFT as points, the model as crosses.

    Parameters
    ----------
    curve, model
        DFT and the model.
    path
        PNG file to write.
    title
        Of the figure.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return
    figure = Figure(figsize=(8.0, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    families = np.array([a.info["name"].split("-")[0] for a in curve.frames])
    distance = curve.distance
    for axis, chosen, x, label in (
        (left, families == "curve", distance, "layer distance (Å)"),
        (right, families == "path", np.arange(len(distance)) - np.argmax(families == "path"), "frame of the path"),
    ):
        axis.plot(x[chosen], 1e3 * curve.phi[chosen], "o", color="0.4", markersize=4, label="DFT")
        axis.plot(x[chosen], 1e3 * model.phi[chosen], "x", color="tab:red", markersize=5, label="Lennard-Jones")
        axis.set(xlabel=label, ylabel="φ (meV per cell)")
    left.legend(frameon=False)
    figure.suptitle(title, fontsize=10)
    FigureCanvasAgg(figure).print_png(str(path))
