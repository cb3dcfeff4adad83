"""Figures of a record: drawn from the record alone, and never worth a record."""

from __future__ import annotations

from pathlib import Path

from harness.contracts.record import Record
from harness.registry import lookup


def existing(record: Record) -> list[Path]:
    """Figures that already lie beside the record."""
    return sorted((record.folder / "figures").glob("*.png")) if record.folder is not None else []


def draw(record: Record) -> tuple[list[Path], list[str]]:
    """Let the record's task draw its figures beside the record.

    Returns
    -------
    list of Path
        The figures.
    list of str
        What went wrong, one line each.
    """
    if record.status != "ok" or record.folder is None:
        return [], []
    entry = record.config["task"]
    tasks = lookup.tasks(entry.get("plugins") or [])
    name = entry.get("factory") or record.task
    if name not in tasks:  # its plugin lives in another environment, whose worker drew what there is
        return existing(record), []
    folder = record.folder / "figures"
    try:
        folder.mkdir(exist_ok=True)
        figures = tasks[name]().figures(record, record.arrays(), folder)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "matplotlib":
            return existing(record), [f"figures of {name} failed: {error}"]
        figures = []  # a worker's environment draws nothing; whoever started it does
    except Exception as error:
        return existing(record), [f"figures of {name} failed: {type(error).__name__}: {error}"]
    if not figures:
        folder.rmdir() if not any(folder.iterdir()) else None
    return figures, []
