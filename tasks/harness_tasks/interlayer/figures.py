"""Picture of the binding curves, from the record and its arrays alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from scipy.interpolate import CubicSpline

from harness.contracts.measurement import Arrays
from harness.contracts.record import Record
from harness_tasks.plotting import BLUE, FAINT, GREEN, GREY, LIGHT_BLUE, ORANGE, PURPLE, figure

COLOURS = {"AA": ORANGE, "AB": BLUE, "AA'": GREEN, "AAp": GREEN, "SP": PURPLE, "BA": LIGHT_BLUE}


def draw(record: Record, arrays: Arrays, folder: Path) -> list[Path]:
    """φ(h) of all stackings with their minima; returns the file."""
    path = folder / "binding_curves.png"
    with figure(path, (5.6, 4.0)) as axis:
        _curves(record, arrays, axis)
    return [path]


def _curves(record: Record, arrays: Arrays, axis: Any) -> None:
    axis.axhline(0, color=FAINT, linewidth=0.8)
    h = arrays["distances"]
    fine = np.linspace(h[0], h[-1], 400)
    lowest = 0.0
    for row, stacking in enumerate(arrays["stackings"].tolist()):
        colour = COLOURS.get(stacking, GREY)
        phi = 250 * arrays["phi_rigid"][row]  # eV per four atoms to meV per atom
        known = np.isfinite(phi)
        axis.plot(h[known], phi[known], "o", color=colour, markersize=3.5)
        if known.sum() > 3:
            axis.plot(fine, CubicSpline(h[known], phi[known])(fine), "-", color=colour, linewidth=1.2)
        h0, phi0 = arrays["h0_rigid"][row], 250 * arrays["phi0_rigid"][row]
        label = stacking if np.isnan(h0) else f"{stacking}: {h0:.3f} Å, {phi0:.1f} meV"
        axis.plot(h0, phi0, "D", color=colour, markeredgecolor="black", markersize=6, label=label, zorder=4)
        if "h0_relaxed" in arrays:
            axis.plot(arrays["h0_relaxed"][row], 250 * arrays["phi0_relaxed"][row], "x", color="black", zorder=5)
        lowest = min(lowest, float(np.nanmin(phi, initial=0.0)))
    lowest = lowest or -1.0
    axis.set_ylim(1.12 * lowest, -0.7 * lowest)
    axis.set_xlabel("distance of the layers h (Å)")
    axis.set_ylabel("φ(h) (meV per atom)")
    material = record.config["material"].get("name", "")
    crosses = ", crosses: relaxed" if "h0_relaxed" in arrays else ""
    axis.set_title(f"{record.label}, {material}: rigid layers{crosses}", fontsize=10)
    axis.legend(frameon=False, fontsize=8)
