"""Pictures of a conformance record: each line against its tolerance, and the paths of the smoothness lines."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from harness.contracts.measurement import Arrays, Check
from harness.contracts.record import Record
from harness_tasks.conformance.structures import LIFT
from harness_tasks.plotting import BLUE, GREY, RED, figure

#: Range of error over tolerance that is drawn; what lies outside is drawn at its edge.
SPAN = (1e-12, 1e6)


def draw(record: Record, arrays: Arrays, folder: Path) -> list[Path]:
    """Write the pictures; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [_lines(record, folder / "errors_over_tolerances.png")]
    if {"smooth_lift_energy", "smooth_shake_energy"} <= set(arrays):
        paths.append(_paths(arrays, folder / "paths.png"))
    return paths


def _lines(record: Record, path: Path) -> Path:
    half = -(-len(record.checks) // 2)
    who = record.label + (f" + {record.polarization}" if record.polarization else "")
    passed = sum(check.passed for check in record.checks)
    title = f"{who}, {record.material}: {passed} of {len(record.checks)} lines passed"
    with figure(path, (11.0, 1.0 + 0.18 * half), title, columns=2) as axes:
        for axis, checks in zip(axes, (record.checks[:half], record.checks[half:]), strict=True):
            decades = np.log10([_ratio(check) for check in checks])
            colours = [BLUE if check.passed else RED for check in checks]
            rows = np.arange(half)[::-1][: len(checks)]
            low = np.log10(SPAN[0])
            axis.barh(rows, decades - low, left=low, color=colours, height=0.62)
            axis.axvline(0, color=GREY, lw=1)
            axis.set_yticks(rows, [check.name.replace("_", " ") for check in checks], fontsize=7.5)
            axis.set_ylim(-0.7, half - 0.3)
            ticks = np.arange(low, max(1.0, *decades) + 0.5, 3)
            axis.set_xticks(ticks, [f"$10^{{{int(t)}}}$" for t in ticks], fontsize=8)
            axis.set_xlabel("error over tolerance; right of the line: failed", fontsize=8.5)
    return path


def _ratio(check: Check) -> float:
    if np.isnan(check.value):
        return SPAN[1]
    if check.tolerance == 0:
        return SPAN[0] if check.value == 0 else SPAN[1]
    return float(np.clip(abs(check.value) / check.tolerance, *SPAN))


def _paths(arrays: Arrays, path: Path) -> Path:
    with figure(path, (8.0, 3.0), columns=2) as axes:
        for axis, name, label in (
            (axes[0], "smooth_lift_energy", "distance of the layers / Å"),
            (axes[1], "smooth_shake_energy", "displacement of all atoms and strain of the cell"),
        ):
            energy = arrays[name]
            reference = energy[-1] if name == "smooth_lift_energy" else energy.min()
            t = np.linspace(0, 1, len(energy))
            x = LIFT[0] * (LIFT[1] / LIFT[0]) ** t if name == "smooth_lift_energy" else 2 * t - 1
            axis.plot(x, 1e3 * (energy - reference), ".-", color=BLUE, ms=3, lw=0.8)
            axis.set_xlabel(label)
            axis.set_ylabel("energy / meV per atom")
    return path
