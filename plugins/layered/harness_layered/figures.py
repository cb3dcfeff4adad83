"""Figures of the interlayer fit; without matplotlib there are none."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from harness_layered.fit_lj import Curve

__all__ = ["draw_curve", "draw_forces"]


def _figure(width: float, panels: int) -> tuple[Any, Any] | None:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return None
    figure = Figure(figsize=(width, 3.6), layout="constrained")
    return figure, figure.subplots(1, panels)


def _save(figure: Any, path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    FigureCanvasAgg(figure).print_png(str(part))
    part.replace(path)


def draw_curve(curve: Curve, model: Curve, path: Path, title: str) -> None:
    """Interlayer energy against distance, and along the sliding paths; DFT as points, the model as crosses."""
    drawn = _figure(8.0, 2)
    if drawn is None:
        return
    figure, (left, right) = drawn
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
    _save(figure, path)


def draw_forces(reference: dict[str, np.ndarray], model: dict[str, np.ndarray], path: Path, title: str) -> None:
    """Force errors of whole bilayers against DFT forces, in plane and along z, by split."""
    drawn = _figure(8.0, 2)
    if drawn is None:
        return
    figure, axes = drawn
    for split, colour in zip(reference, ("0.65", "tab:blue", "tab:red"), strict=False):
        error = 1e3 * (model[split] - reference[split])
        for axis, part in zip(axes, ([0, 1], [2]), strict=True):
            axis.scatter(reference[split][:, part].ravel(), error[:, part].ravel(), s=5, linewidths=0, color=colour,
                         label=split)  # fmt: skip
    for axis, name in zip(axes, ("in plane", "along z"), strict=True):
        axis.set(xlabel=f"DFT force {name} (eV/Å)", ylabel="model − DFT (meV/Å)")
        axis.axhline(0.0, color="k", linewidth=0.6, zorder=0)
    axes[0].legend(frameon=False, markerscale=2)
    figure.suptitle(title, fontsize=10)
    _save(figure, path)
