"""Pictures of a bend, drawn from the record and its arrays alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from harness.contracts.measurement import Arrays
from harness.contracts.record import Record
from harness.stats import number
from harness.units import PC_PER_M
from harness_tasks.bend.analysis import at_flat_registry
from harness_tasks.bend.observables import MU, STIFFNESS
from harness_tasks.plotting import BLUE, GREY, ORANGE, figure, title_of


def draw(record: Record, arrays: Arrays, folder: Path) -> list[Path]:
    """The pictures that the arrays allow; returns the files."""
    title = title_of(record)
    paths = []
    if "positions_last" in arrays:
        paths.append(_ribbon(arrays, title, folder / "ribbon.png"))
    if arrays.get("on_branch", np.zeros(0)).any():
        paths.append(_energy(record, arrays, title, folder / "energy_curvature.png"))
        if "p_full" in arrays or "p_dipoles" in arrays:
            paths.append(_polarization(record, arrays, title, folder / "polarization_gradient.png"))
    return paths


def _ribbon(arrays: Arrays, title: str, path: Path) -> Path:
    positions, flat = arrays["positions_last"], arrays["positions_flat"]
    y, z = positions[:, 1], positions[:, 2] - flat[:, 2].mean()
    column = flat[:, 0] < flat[:, 0].min() + 3.0  # one period of a wide ribbon is enough to see
    y, z = y[column], z[column]
    with figure(path, (8.6, 2.9)) as axis:
        label = "layer"
        colours = arrays["layer"][column].astype(float)
        options: dict[str, Any] = {"cmap": "cividis"}
        if "atomic_dipoles_last" in arrays:
            change = arrays["atomic_dipoles_last"][:, 2] - arrays["atomic_dipoles_flat"][:, 2]
            colours = 1e3 * change[column]
            limit = float(np.abs(colours).max()) or 1.0
            options = {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit}
            label = "change of atomic dipole $p_z$ (10$^{-3}$ e Å)"
        held = arrays["held"][column]
        if "period" in arrays:  # the other edge is the image of the strip
            y = np.append(y, y[held] + float(arrays["period"]))
            z, colours = np.append(z, z[held]), np.append(colours, colours[held])
            held = np.append(held, np.ones(held.sum(), dtype=bool))
        shown = axis.scatter(y, z, c=colours, s=16, linewidths=0.3, edgecolors="#404040", zorder=3, **options)
        axis.scatter(
            y[held], z[held], s=46, facecolors="none", edgecolors="black", linewidths=0.8, zorder=4, label="held"
        )
        exaggeration = 0.28 * np.ptp(y) / max(float(np.ptp(z)), 1e-9)
        stretch = float(np.clip(exaggeration, 1.0, 5.0))
        axis.set_aspect(stretch)
        axis.set_xlabel("y (Å)")
        axis.set_ylabel("z (Å)")
        axis.set_title(f"{title}: ribbon at the last load, z drawn {stretch:.1f} times larger", fontsize=10)
        axis.legend(loc="upper right", frameon=False, fontsize=8)
        axis.figure.colorbar(shown, ax=axis, label=label, shrink=0.9)
    return path


def _energy(record: Record, arrays: Arrays, title: str, path: Path) -> Path:
    square = 1e4 * arrays["rms_curvature"] ** 2  # Å⁻² to 10⁻⁴ Å⁻²
    energy = 1e3 * arrays["energy_per_area"]  # eV/Å² to meV/Å²
    branch = arrays["on_branch"]
    stiffness = record.observables[STIFFNESS.key]
    slope = 0.5 * number(stiffness) * 1e3 * 1e-4
    with figure(path, (4.8, 3.8)) as axis:
        axis.plot(square[~branch], energy[~branch], "o", mfc="white", mec=GREY, label="before buckling, trial")
        axis.plot(square[branch], energy[branch], "o", color=BLUE, label="buckled")
        line = np.array([0.0, square[branch].max() * 1.05])
        start = float(np.mean(energy[branch] - slope * square[branch]))
        axis.plot(line, start + slope * line, "-", color=ORANGE, label=f"$D_b$ = {stiffness}")
        axis.set_xlabel("mean square curvature κ² (10$^{-4}$ Å$^{-2}$)")
        axis.set_ylabel("energy per area $E_b$ (meV/Å$^2$)")
        axis.set_xlim(left=0)
        if energy.min() >= 0:  # stacked alike, layers gain energy by bending
            axis.set_ylim(bottom=0)
        axis.set_title(title, fontsize=10)
        axis.legend(frameon=False, fontsize=8)
    return path


def _polarization(record: Record, arrays: Arrays, title: str, path: Path) -> Path:
    branch, inner = arrays["on_branch"], arrays["inner_bins"]
    gradient = 1e3 * arrays["curvature"][branch][:, inner] / 2
    slips = bool(np.isfinite(arrays["slip"]).all())
    keys = {kind: MU["half_kappa"].key_of(polarization=kind) for kind in ("full", "dipoles")}
    kinds = [kind for kind, key in keys.items() if f"p_{kind}" in arrays and key in record.observables]
    with figure(path, (4.4 * max(len(kinds), 1), 3.8), columns=max(len(kinds), 1)) as axes:
        for axis, kind in zip(axes, kinds, strict=False):
            still = at_flat_registry(arrays["curvature"], arrays[f"p_{kind}"], arrays["slip"], branch, inner)
            values = PC_PER_M * still[branch][:, inner]
            mu = record.observables[keys[kind]]
            loads = np.repeat(1e3 * arrays["rms_curvature"][branch], inner.sum())
            shown = axis.scatter(gradient.ravel(), values.ravel(), c=loads, cmap="viridis", s=9)
            ends = np.array([gradient.min(), gradient.max()])
            centre = values.mean() - PC_PER_M * 1e-3 * number(mu) * gradient.mean()
            axis.plot(ends, centre + PC_PER_M * 1e-3 * number(mu) * ends, color=ORANGE, label=f"μ = {mu}")
            name = "dipoles and charges" if kind == "full" else "dipoles only"
            axis.set_xlabel("strain gradient ∂ε$_{zy}$/∂y = κ/2 (10$^{-3}$ Å$^{-1}$)")
            axis.set_ylabel(f"local $P$ along the normal{', less slip' if slips else ''} (pC/m)")
            axis.set_title(f"{title}: {name}", fontsize=10)
            axis.legend(frameon=False, fontsize=8)
        axes[-1].figure.colorbar(shown, ax=list(axes), label="rms κ of the load (10$^{-3}$ Å$^{-1}$)")
    return path
