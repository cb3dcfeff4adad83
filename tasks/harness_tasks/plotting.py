"""What the figures of all tasks share: canvas, colours, title, scale of an axis.

May import `harness` alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np

from harness.contracts.record import Record

BLUE, ORANGE, GREEN, GREY = "#1f5a93", "#d1661e", "#2f8f5b", "#8a8a8a"
PURPLE, LIGHT_BLUE, RED = "#8e5aa8", "#5fa2d8", "#c0392b"
#: Lines that only guide the eye.
FAINT = "#b0b0b0"
#: Points per inch, and size of titles in points, of every figure.
DPI, TITLE = 140, 10
#: Ratio of the largest to the smallest value from which on an axis is logarithmic.
DECADE = 10.0


def title_of(record: Record) -> str:
    """Potential, material and stacking in a line."""
    material = record.config["material"]
    stacking = material.get("stacking") if material.get("layers") != 1 else None
    return ", ".join(str(word) for word in (record.label, material.get("name"), stacking) if word)


@contextmanager
def figure(
    path: Path, size: tuple[float, float], title: str = "", *, columns: int = 0, rows: int = 0, sharey: bool = False
) -> Iterator[Any]:
    """Axes whose figure is saved at `path` at the end.

    Parameters
    ----------
    size
        Width and height, inch.
    title
        Above all axes.
    columns, rows
        With neither, the axes are a single one; with `columns` alone a row (columns,), else an array (rows, columns).
    sharey
        Whether all axes have the same range of y.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    sheet = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(sheet)
    axes = sheet.subplots(max(rows, 1), max(columns, 1), squeeze=False, sharey=sharey)
    for axis in axes.flat:
        axis.spines[["top", "right"]].set_visible(False)
    if title:
        sheet.suptitle(title, fontsize=TITLE)
    if rows:
        yield axes
    else:
        yield axes[0] if columns else axes[0, 0]
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.savefig(path, dpi=DPI)


def suited_scale(values: Sequence[float] | np.ndarray) -> Literal["linear", "log"]:
    """The scale of an axis that shows `values`: logarithmic where they are positive and span more than a decade."""
    known = np.asarray(values, dtype=float)
    known = known[np.isfinite(known)]
    spans = known.size > 1 and known.min() > 0 and known.max() > DECADE * known.min()
    return "log" if spans else "linear"
