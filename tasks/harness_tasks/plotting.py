"""What the figures of all tasks share: the canvas, the colours, the title."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from harness.contracts.record import Record

BLUE, ORANGE, GREY = "#1f5a93", "#d1661e", "#8a8a8a"


def title_of(record: Record) -> str:
    """Potential, material and stacking in a line."""
    material = record.config["material"]
    stacking = material.get("stacking") if material.get("layers") != 1 else None
    return ", ".join(str(word) for word in (record.label, material.get("name"), stacking) if word)


@contextmanager
def figure(path: Path, size: tuple[float, float], **layout: Any) -> Iterator[Any]:
    """Axes (one, or an array with ``nrows`` or ``ncols``) whose figure is saved at `path` at the end."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    sheet = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(sheet)
    axes = sheet.subplots(**layout)
    for axis in np.ravel(axes):
        axis.spines[["top", "right"]].set_visible(False)
    yield axes
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.savefig(path, dpi=160)
