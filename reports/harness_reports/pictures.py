"""Figures of finished records, drawn by their tasks from the record alone."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.contracts.record import Record
from harness_reports.grouping import slug


@dataclass(slots=True)
class Figures:
    """Pictures of one record, and the names of those that failed with the reason."""

    paths: list[Path] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


_drawn: dict[tuple[str, str, str], Figures] = {}


def draw(record: Record, folder: Path, tasks: Mapping[str, type]) -> Figures:
    """The figures of `record` in a subfolder of `folder`; a figure that fails is named, and costs nothing else.

    Where the task is not installed or its drawing fails, the pictures that the run itself left are taken.
    """
    key = (record.identity, record.finished, str(folder.resolve()))
    known = _drawn.get(key)  # the formats of one report share the pictures
    if known is None or not all(path.exists() for path in known.paths):
        _drawn[key] = known = _draw(record, folder / slug(record.task, record.label, record.identity[:16]), tasks)
    return known


def _draw(record: Record, folder: Path, tasks: Mapping[str, type]) -> Figures:
    if record.status != "ok":
        return Figures()
    figures = Figures()
    name = str(record.config.get("task", {}).get("factory") or record.task)
    task = tasks.get(name)
    if task is None:
        figures.problems.append(f"figures of task '{name}': the task is not installed here")
    else:
        try:
            import matplotlib

            matplotlib.use("Agg")
            folder.mkdir(parents=True, exist_ok=True)
            for old in folder.glob("*.png"):
                old.unlink()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                figures.paths = [Path(p) for p in task().figures(record, record.arrays(), folder)]
            for path in figures.paths:
                to_palette(path)
        except Exception as error:  # somebody else's drawing code must not cost the report
            figures.problems.append(f"figures of task '{name}': {type(error).__name__}: {error}")
            figures.paths = []
    if not figures.paths and record.folder is not None:
        figures.paths = sorted((record.folder / "figures").glob("*.png"))
    figures.problems += [f"figure {p.name}: was not written" for p in figures.paths if not p.is_file()]
    figures.paths = [p for p in figures.paths if p.is_file() and p.suffix == ".png"]
    return figures


def to_palette(path: Path) -> None:
    """Store a PNG with 256 colours of its own, dithered: a third of the size, and no eye sees it."""
    if not (path.is_file() and path.suffix == ".png"):
        return
    from PIL import Image

    with Image.open(path) as picture:
        whole = picture.convert("RGBA")
    page = Image.new("RGBA", whole.size, "white")
    page.alpha_composite(whole)
    few = page.convert("RGB").quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.FLOYDSTEINBERG)
    few.save(stored := io.BytesIO(), "png", optimize=True)
    if stored.tell() < path.stat().st_size:
        path.write_bytes(stored.getvalue())


def aspect(path: Path) -> float:
    """Width over height of a PNG, from its header."""
    header = path.read_bytes()[:24]
    width, height = (int.from_bytes(header[i : i + 4], "big") for i in (16, 20))
    return round(min(max(width / max(height, 1), 0.3), 4.0), 3)


def caption(path: Path) -> str:
    """What a picture shows, from its file name."""
    return re.sub(r"[_-]+", " ", path.stem).strip().capitalize()
