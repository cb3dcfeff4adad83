"""Pictures of the task `polarization_pattern`, from the record and its arrays alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.contracts.measurement import Arrays
from harness.contracts.record import Record
from harness.stats import number
from harness_tasks.moire.pattern import region_centres
from harness_tasks.plotting import figure
from harness_tasks.polarization_pattern.observables import winding_of

#: Arrows along each period of the moiré, and periods that are shown along each direction.
ARROWS, PERIODS = 10, 2
#: Colours do not resolve less than this, pC/m.
FAINT = 0.02


def draw(record: Record, arrays: Arrays, folder: Path) -> list[Path]:
    """One picture of the twist, one of its response to fields, one of mismatch and antiparallel layers."""
    names = [key.removeprefix("pattern_") for key in arrays if key.startswith("pattern_")]
    fields = sorted((n for n in names if n.startswith("field_")), key=lambda n: float(n.removeprefix("field_")))
    kinds: dict[str, list[str]] = {
        "pattern.png": [name for name in ("flat", "relaxed", "registry") if name in names],
        "fields.png": fields,
        "others.png": [name for name in names if name.startswith(("mismatch", "antiparallel"))],
    }
    return [_sheet(record, arrays, chosen, folder / file) for file, chosen in kinds.items() if chosen]


def _sheet(record: Record, arrays: Arrays, names: Sequence[str], path: Path) -> Path:
    columns = 2 if len(names) == 4 else min(3, len(names))
    rows = -(-len(names) // columns)
    who = " + ".join(str(name) for name in (record.label, record.polarization) if name)
    title = f"{who}, {record.config['material'].get('name')}"
    with figure(path, (4.3 * columns, 0.3 + 2.8 * rows), title, rows=rows, columns=columns) as axes:
        for axis in axes.ravel():
            axis.set_axis_off()
        for axis, name in zip(axes.ravel(), names, strict=False):
            _map(record, arrays, name, axis)
    return path


def _map(record: Record, arrays: Arrays, name: str, axis: Any) -> None:
    from matplotlib.patheffects import withStroke

    field, cell = arrays[f"pattern_{name}"], arrays[f"cell_{name}"]
    size = len(field)
    tiled = np.tile(field, (PERIODS, PERIODS, 1))
    steps = np.arange(PERIODS * size) / size
    points = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1) @ cell
    limit = max(float(np.abs(field[..., 2]).max()), FAINT)
    shown = axis.pcolormesh(
        *np.moveaxis(points, -1, 0), tiled[..., 2], cmap="RdBu_r", vmin=-limit, vmax=limit, shading="gouraud"
    )
    axis.figure.colorbar(shown, ax=axis, label="P⊥ (pC/m)", shrink=0.9)
    every = slice(size // (2 * ARROWS), None, max(1, size // ARROWS))
    arrows, spots = tiled[every, every, :2], points[every, every]
    longest = float(np.linalg.norm(arrows, axis=-1).max())
    if longest > 1e-3:
        axis.quiver(*np.moveaxis(spots, -1, 0), *np.moveaxis(arrows, -1, 0), width=0.003, scale=22 * longest)
    for region, centre in region_centres(arrays[f"turns_{name}"]).items():
        quantity = winding_of(record.observables, region, name)
        text = region if quantity is None else f"{region}\nQ = {round(number(quantity), 2) or 0.0:.2g}"
        outline = [withStroke(linewidth=2.5, foreground="white")]
        axis.text(*(centre @ cell), text, ha="center", va="center", fontsize=8, path_effects=outline)
    axis.set_title(f"{_title(name)}\nlongest arrow: P∥ = {longest:.2g} pC/m", fontsize=9)
    axis.set_aspect("equal")


def _title(name: str) -> str:
    if name.startswith("field_"):
        return f"E = {name.removeprefix('field_')} V/Å"
    if name.startswith("mismatch_"):
        cells = int(name.removeprefix("mismatch_"))
        return f"lower layer {'compressed' if cells > 0 else 'stretched'}, {abs(100 / (cells + 1)):.2g} %"
    return {"registry": "flat, from perfect bilayers"}.get(name, name)
