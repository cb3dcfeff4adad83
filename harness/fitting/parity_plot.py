"""Parity data on disk, and their picture; without matplotlib there is no picture, and the data wait for one."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from harness.fitting.parity import Parity, errors

__all__ = ["draw", "draw_missing", "from_arrays", "load", "plot", "save", "to_arrays"]

_COLOURS = {"train": "0.65", "validation": "tab:blue", "test": "tab:red"}

#: Panels: property, axis, key of `errors` in the legend, what is taken of (M, 3) or (M, 3, 3), unit of the difference.
_Panel = tuple[str, str, str, Callable[[np.ndarray], np.ndarray], str, float]
PANELS: tuple[_Panel, ...] = (
    ("energy", "energy above the lowest (eV/atom)", "energy_rmse_meV_per_atom", lambda x: x, "meV/atom", 1e3),
    ("forces", "force in the plane (eV/Å)", "force_xy_rmse_meV_per_A", lambda x: x[:, :2], "meV/Å", 1e3),
    ("forces", "force along z (eV/Å)", "force_z_rmse_meV_per_A", lambda x: x[:, 2], "meV/Å", 1e3),
    ("stress", "sheet stress (N/m)", "stress_rmse_N_per_m", lambda x: x, "N/m", 1.0),
    ("dipole", "dipole along z (e Å)", "dipole_z_rmse_eA", lambda x: x[:, 2], "e Å", 1.0),
    ("born_effective_charges", "Born charge (e)", "born_rmse_e", lambda x: x, "e", 1.0),
    ("born_layers", "Born charge of a layer, P_z from sliding (e)", "born_slide_rmse_e",
     lambda x: x[:, 2, :2], "e", 1.0),
    ("polarizability", "polarizability in the plane (Å³)", "polarizability_in_rmse_A3",
     lambda x: x[:, :2, :2], "Å³", 1.0),
    ("polarizability", "polarizability along z (Å³)", "polarizability_out_rmse_A3", lambda x: x[:, 2, 2], "Å³", 1.0),
)  # fmt: skip


def to_arrays(parities: Mapping[str, Parity], title: str) -> dict[str, np.ndarray]:
    """Parities by split as plain arrays, for a ``.npz``."""
    arrays: dict[str, np.ndarray] = {"title": np.array(title), "splits": np.array(list(parities), dtype=str)}
    for split, parity in parities.items():
        arrays[f"{split}/names"] = np.array(parity.names, dtype=str)
        arrays[f"{split}/sizes"] = np.asarray(parity.sizes, dtype=int)
        for key in parity.values:
            arrays[f"{split}/{key}/reference"], arrays[f"{split}/{key}/model"] = parity.flat(key)
            arrays[f"{split}/{key}/counts"] = np.array(
                [len(np.atleast_1d(v)) for v in parity.values[key][0]], dtype=int
            )
    return arrays


def from_arrays(arrays: Mapping[str, np.ndarray]) -> tuple[dict[str, Parity], str]:
    """The inverse of `to_arrays`; KeyError when the arrays are something else."""
    splits = [str(split) for split in arrays["splits"]]
    return {split: _parity(arrays, split) for split in splits}, str(arrays["title"])


def save(parities: Mapping[str, Parity], path: Path, title: str) -> None:
    """Write parities by split, whole or not at all."""
    part = path.with_name(f".{path.stem}.{os.getpid()}.part.npz")
    np.savez_compressed(part, allow_pickle=False, **to_arrays(parities, title))
    part.replace(path)


def load(path: Path) -> tuple[dict[str, Parity], str]:
    """Parities by split and the title, as `save` wrote them.

    Raises
    ------
    KeyError
        When the file is no such file.
    """
    with np.load(path, allow_pickle=False) as stored:
        return from_arrays({name: stored[name] for name in stored.files})


def _parity(arrays: Mapping[str, np.ndarray], split: str) -> Parity:
    sizes = arrays[f"{split}/sizes"]
    keys = [name.split("/")[1] for name in arrays if name.startswith(f"{split}/") and name.endswith("/model")]
    values: dict[str, Any] = {}
    for key in keys:
        sides = arrays[f"{split}/{key}/reference"], arrays[f"{split}/{key}/model"]
        if not len(sizes):
            values[key] = [], []
        elif key in ("energy", "stress", "dipole", "polarizability"):
            values[key] = tuple(list(side) for side in sides)
        else:
            cuts = np.cumsum(arrays[f"{split}/{key}/counts"])[:-1]
            values[key] = tuple(np.split(side, cuts) for side in sides)
    return Parity([str(name) for name in arrays[f"{split}/names"]], sizes, values)


def plot(parities: Mapping[str, Parity], path: Path, title: str) -> bool:
    """Differences against labels, by property and split, into a PNG file; False when matplotlib is absent."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return False
    parities = {split: p for split, p in parities.items() if p.names}
    panels = [panel for panel in PANELS if any(panel[0] in p.values for p in parities.values())]
    if not panels:
        return False
    columns = min(4, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(3.6 * columns, 3.3 * rows + 0.3), layout="constrained")
    grid = np.atleast_1d(figure.subplots(rows, columns)).ravel()
    for axis in grid[len(panels) :]:
        axis.set_axis_off()
    for axis, panel in zip(grid, panels, strict=False):
        _panel(axis, panel, parities)
    figure.suptitle(title, fontsize=10)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    FigureCanvasAgg(figure).print_png(str(part))
    part.replace(path)
    return True


def _panel(axis: Any, panel: _Panel, parities: Mapping[str, Parity]) -> None:
    key, label, error, part, unit, scale = panel
    here = [p for p in parities.values() if key == "energy" and key in p.values]
    lowest = min(((p.flat(key)[0] / p.sizes).min() for p in here), default=0.0)
    for split, parity in parities.items():
        if key not in parity.values:
            continue
        reference, model = parity.flat(key)
        if key == "energy":
            reference, model = reference / parity.sizes - lowest, model / parity.sizes - lowest
        x, difference = part(reference).ravel(), scale * part(model - reference).ravel()
        text = f"{split}: {errors(parity)[error]:.3g} {unit}"
        axis.scatter(x, difference, s=6, linewidths=0, color=_COLOURS.get(split.split(",")[0], "tab:green"), label=text)
    axis.locator_params(axis="x", nbins=5)
    axis.axhline(0.0, color="k", linewidth=0.6, zorder=0)
    axis.set(xlabel=f"DFT {label}", ylabel=f"model − DFT ({unit})")
    axis.legend(frameon=False, markerscale=2, fontsize=7, title="rms error", title_fontsize=7)


def draw(parities: Mapping[str, Parity], path: Path, title: str) -> None:
    """Write what was compared next to `path` as ``.npz``, and its picture into `path` where matplotlib is installed.

    Environments of backends have no matplotlib; the process that started them draws from the ``.npz``.
    """
    save(parities, path.with_suffix(".npz"), title)
    plot(parities, path, title)


def draw_missing(folder: Path) -> list[Path]:
    """Draw the parity data of a folder whose picture is missing or older; returns the pictures drawn."""
    drawn = []
    for data in sorted(folder.glob("*.npz")):
        picture = data.with_suffix(".png")
        if picture.exists() and picture.stat().st_mtime_ns >= data.stat().st_mtime_ns:
            continue
        try:
            parities, title = load(data)
        except (KeyError, ValueError):  # some other array file
            continue
        if plot(parities, picture, title):
            drawn.append(picture)
    return drawn
