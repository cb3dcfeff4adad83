"""Pictures of the task `accuracy`, from its record and arrays alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from harness.contracts.measurement import Arrays
from harness.contracts.record import Record
from harness.fitting.parity_plot import from_arrays, plot
from harness.stats import number
from harness_tasks.plotting import figure, suited_scale


def draw(record: Record, arrays: Arrays, folder: Path) -> list[Path]:
    """``parity.png`` and ``families.png``; none without matplotlib."""
    parities, title = from_arrays(arrays)
    paths = []
    if plot(parities, folder / "parity.png", f"{record.label}, {title}; energies less a constant per element"):
        paths.append(folder / "parity.png")
    words = [w for w in ("relative_energy", "force", "born") if _families(record, w)]
    if words:
        _bars(record, words, folder / "families.png")
        paths.append(folder / "families.png")
    return paths


def _families(record: Record, word: str) -> list[str]:
    return sorted(name for name in record.observables if name.startswith(f"{word}_rmse_"))


def _bars(record: Record, words: list[str], path: Path) -> None:
    """Error of each family with its interval where it has one; the one over all frames as a line."""
    height = 1.2 + 0.24 * max(len(_families(record, word)) for word in words)
    with figure(path, (4.2 * len(words), height), columns=len(words)) as axes:
        for axis, word in zip(axes, words, strict=True):
            _panel(record, word, axis)


def _panel(record: Record, word: str, axis: Any) -> None:
    names = _families(record, word)
    found = [record.observables[name] for name in names]
    values = np.array([number(q) for q in found])
    bounds = np.array([q.interval or (number(q), number(q)) for q in found]).T
    axis.errorbar(values, range(len(names)), xerr=np.clip([values - bounds[0], bounds[1] - values], 0, None),
                  fmt="o", color="tab:blue", ecolor="0.4", elinewidth=0.8, markersize=5)  # fmt: skip
    axis.grid(axis="y", color="0.9")
    axis.set_xscale(suited_scale(values))
    if axis.get_xscale() == "linear":
        axis.set_xlim(left=0.0)
    _label(axis, [name.removeprefix(f"{word}_rmse_").replace("_", "-") for name in names])
    whole = record.observables[f"{word}_rmse"]
    axis.axvline(number(whole), color="tab:red", linewidth=1.0, label="all frames")
    axis.set_xlabel(f"{word.replace('_', ' ')}, rms error ({whole.unit})")
    axis.legend(frameon=False, fontsize=7)


def _label(axis: Any, names: list[str]) -> None:
    axis.set_yticks(range(len(names)), names, fontsize=8)
    axis.invert_yaxis()
