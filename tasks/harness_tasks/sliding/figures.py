"""Pictures of the task `sliding`, from the record and its arrays alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from scipy.interpolate import CubicSpline

from harness.contracts.measurement import Arrays
from harness.contracts.record import Record
from harness_tasks.plotting import BLUE, FAINT, GREEN, ORANGE, figure
from harness_tasks.structures.registries import AB, BA, SP, smooth

FINE = 97


def draw(record: Record, arrays: Arrays, folder: Path) -> list[Path]:
    """The pictures that the arrays allow; returns the files."""
    title = ", ".join(str(word) for word in (record.label, record.config["material"].get("name")) if word)
    paths = []
    if "s" in arrays:
        paths.append(_path(arrays, title, folder / "path.png"))
    if "map_energy" in arrays and np.isfinite(arrays["map_energy"]).all():
        paths.append(_map(arrays, title, folder / "map.png"))
    return paths


def _path(arrays: Arrays, title: str, path: Path) -> Path:
    kinds = [kind for kind in ("relaxed", "rigid") if f"energy_{kind}" in arrays]
    polar = [k for k in kinds if f"polarization_{k}" in arrays or f"polarization_born_{k}" in arrays]
    with figure(path, (4.2 + 5.4 * bool(polar), 3.4), title, columns=1 + bool(polar)) as axes:
        x = (arrays["s"] - 0.5) * float(arrays["path_length"])
        fine = np.linspace(x[0], x[-1], 201)
        for axis in axes:
            axis.set_xlabel("slip from SP along AB → BA (Å)")
            top = axis.secondary_xaxis("top")
            top.set_xticks([x[0], 0, x[-1]], ["AB", "SP", "BA"])
            top.tick_params(length=0)
        for kind, colour in zip(kinds, (BLUE, ORANGE), strict=False):
            energy = 1e3 * (arrays[f"energy_{kind}"] - arrays[f"energy_{kind}"][0])
            _curve(axes[0], x, energy, fine, colour, kind)
        axes[0].set_ylabel("energy (meV per cell of 4 atoms)")
        axes[0].legend(frameon=False, fontsize=8, loc="lower center")
        for kind in polar:
            line = "-" if kind == kinds[0] else "--"
            step = arrays["step"] / np.linalg.norm(arrays["step"])
            for name, axis, colour in (("⊥", np.array([0.0, 0.0, 1.0]), BLUE), ("∥", step, GREEN)):
                if f"polarization_{kind}" in arrays:
                    p = arrays[f"polarization_{kind}"] @ axis
                    p = p if name == "⊥" else p - 0.5 * (p[0] + p[-1])
                    _curve(axes[1], x, p, fine, colour, f"P{name} {kind}", line)
                if f"polarization_born_{kind}" in arrays:
                    moved = arrays[f"polarization_born_{kind}"] @ axis
                    moved = moved - moved[len(x) // 2] if name == "⊥" else moved - 0.5 * (moved[0] + moved[-1])
                    axes[1].plot(x, moved, "x", color=colour, markersize=7, label=f"P{name} {kind}, ∫Z·du")
        if polar:
            axes[1].axhline(0, color=FAINT, linewidth=0.8, zorder=0)
            axes[1].set_ylabel("polarization (pC/m)")
            axes[1].legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return path


def _curve(axis: Any, x: np.ndarray, y: np.ndarray, fine: np.ndarray, colour: str, label: str, line: str = "-") -> None:
    known = np.isfinite(y)
    if known.sum() > 3:
        axis.plot(fine, CubicSpline(x[known], y[known])(fine), line, color=colour, linewidth=1.3)
    fill = colour if line == "-" else "white"
    axis.plot(x[known], y[known], "o", color=colour, markerfacecolor=fill, markersize=4, label=label)


def _map(arrays: Arrays, title: str, path: Path) -> Path:
    polar = "map_polarization" in arrays
    with figure(
        path, (5.4 * (1 + polar), 3.3), f"{title}: map over the shift of the upper layer", columns=1 + polar
    ) as axes:
        t = np.linspace(0, 1, FINE)
        points = np.stack(np.meshgrid(t, t, indexing="ij"), axis=-1) @ arrays["cell"][:2, :2]
        energy = 1e3 * smooth(arrays["map_energy"], FINE)
        shown = axes[0].pcolormesh(
            *np.moveaxis(points, -1, 0), energy - energy.min(), cmap="viridis", shading="gouraud"
        )
        axes[0].figure.colorbar(shown, ax=axes[0], label="φ above its minimum (meV per cell)", shrink=0.9)
        axes[0].set_title("energy", fontsize=10)
        if polar:
            field = np.stack([smooth(arrays["map_polarization"][..., a], FINE) for a in range(3)], axis=-1)
            limit = max(float(np.abs(field[..., 2]).max()), 1e-6)
            shown = axes[1].pcolormesh(
                *np.moveaxis(points, -1, 0),
                field[..., 2],
                cmap="RdBu_r",
                vmin=-limit,
                vmax=limit,
                shading="gouraud",
            )
            axes[0].figure.colorbar(shown, ax=axes[1], label="P⊥ (pC/m)", shrink=0.9)
            every = slice(4, None, 8)
            arrows = field[every, every, :2]
            longest = float(np.linalg.norm(arrows, axis=-1).max())
            if longest > 1e-3:
                spots = points[every, every]
                axes[1].quiver(*np.moveaxis(spots, -1, 0), *np.moveaxis(arrows, -1, 0), width=0.004, scale=14 * longest)
            axes[1].set_title(f"polarization (longest arrow: P∥ = {longest:.2g} pC/m)", fontsize=10)
        parallel = "s" in arrays
        names = {"AA": (0, 0), "AB": AB, "BA": BA, "SP": SP} if parallel else {"AA'": (0, 0)}
        for axis, ink in zip(axes, ("white", "black"), strict=False):
            if parallel:
                ends = np.transpose([AB @ arrays["cell"][:2, :2], BA @ arrays["cell"][:2, :2]])
                axis.plot(*ends, "--", color=ink, linewidth=0.9)
            for name, registry in names.items():
                spot = np.asarray(registry) @ arrays["cell"][:2, :2]
                axis.plot(*spot, "o", color="white", markeredgecolor="black", markersize=5, clip_on=False)
                shade = "black" if name.startswith("AA") else ink
                axis.annotate(name, spot, xytext=(4, 5), textcoords="offset points", fontsize=9, color=shade)
            axis.set_aspect("equal")
            axis.set_axis_off()
    return path
