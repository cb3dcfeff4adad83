"""Pictures of an elastic run, drawn from the record and its arrays alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from harness.contracts.measurement import Arrays
from harness.contracts.record import Record
from harness.stats import number
from harness_tasks.plotting import BLUE, GREEN, GREY, ORANGE, figure, title_of

#: Curve, column of the stress, observable whose slope is drawn, label.
IN_PLANE = (
    ("yy", 1, "C11", "$σ_{yy}$ against $ε_{yy}$: C11", BLUE),
    ("yy", 0, "C12", "$σ_{xx}$ against $ε_{yy}$: C12", ORANGE),
    ("xy", 5, "C66", "$σ_{xy}$ against $2ε_{xy}$: C66", GREEN),
)


def draw(record: Record, arrays: Arrays, folder: Path) -> list[Path]:
    """Stress against strain in the plane, and across where the sheet has a height."""
    paths = [_in_plane(record, arrays, folder / "stress_strain.png")]
    if "relaxed_zz_strain" in arrays:
        paths.append(_vertical(record, arrays, folder / "vertical_stress.png"))
    if "edges_strain" in arrays:
        paths.append(_edges(record, arrays, folder / "edges.png"))
    return paths


def _in_plane(record: Record, arrays: Arrays, path: Path) -> Path:
    with figure(path, (8.4, 3.8), columns=2, sharey=True) as axes:
        for axis, kind in zip(axes, ("relaxed", "clamped"), strict=True):
            suffix = "" if kind == "relaxed" else "_clamped"
            for curve, column, name, label, colour in IN_PLANE:
                strain, stress = arrays[f"{kind}_{curve}_strain"], arrays[f"{kind}_{curve}_stress"][:, column]
                value = record.observables[f"{name}{suffix}"]
                _line(axis, 100 * strain, stress, number(value) / 100, colour, f"{label} = {number(value):.4g} N/m")
            if kind == "relaxed" and "free_yy_strain" in arrays:
                strain, stress = arrays["free_yy_strain"], arrays["free_yy_stress"][:, 1]
                young = number(record.observables["Y_2D_direct"])
                _line(axis, 100 * strain, stress, young / 100, GREY, f"width free: $Y_{{2D}}$ = {young:.4g} N/m")
            axis.set_xlabel("strain (%)")
            axis.set_title(f"ions {kind}", fontsize=10)
            axis.legend(frameon=False, fontsize=7.5)
        axes[0].set_ylabel("sheet stress (N/m)")
        axes[0].figure.suptitle(title_of(record), fontsize=10)
    return path


def _vertical(record: Record, arrays: Arrays, path: Path) -> Path:
    gauge = float(arrays["thickness"])
    with figure(path, (4.8, 3.8)) as axis:
        for kind, colour in (("relaxed", BLUE), ("clamped", ORANGE)):
            strain = 100 * arrays[f"{kind}_zz_strain"]
            stress = arrays[f"{kind}_zz_stress"][:, 2] / gauge * 10  # N/m over Å in GPa
            name = "E_zzzz" if kind == "relaxed" else "E_zzzz_clamped"
            stated = number(record.observables["thickness"]) / gauge
            value = number(record.observables[name])
            _line(axis, strain, stress, value / stated / 100, colour, f"ions {kind}: {name} = {value:.4g} GPa")
        axis.set_xlabel(f"vertical strain (%), planes {gauge:.2f} Å apart")
        axis.set_ylabel("$σ_{zz}$ (GPa)")
        axis.set_title(title_of(record), fontsize=10)
        axis.legend(frameon=False, fontsize=8)
    return path


def _edges(record: Record, arrays: Arrays, path: Path) -> Path:
    with figure(path, (4.8, 3.8)) as axis:
        value = record.observables["E_edges"]
        strain = 100 * arrays["edges_strain"]
        axis.plot(strain, arrays["edges_stress"], ".", color=BLUE, ms=3, label="samples")
        middle = np.mean(arrays["edges_stress"]) - number(value) / 100 * np.mean(strain)
        axis.plot(strain, middle + number(value) / 100 * strain, color=ORANGE, label=f"E = {value}")
        axis.set_xlabel("strain between the edges (%)")
        axis.set_ylabel("force on the edges per width (N/m)")
        axis.set_title(title_of(record), fontsize=10)
        axis.legend(frameon=False, fontsize=8)
    return path


def _line(axis: Any, x: np.ndarray, y: np.ndarray, slope: float, colour: str, label: str) -> None:
    at_zero = float(y[len(x) // 2])
    axis.plot(x, y, "o", color=colour, ms=4)
    ends = np.array([x.min(), x.max()]) * 1.08
    axis.plot(ends, at_zero + slope * ends, "-", color=colour, lw=1, label=label)
