"""Pictures of the task `coercive_field`, from the record and its arrays alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from harness.contracts.measurement import Arrays
from harness.contracts.record import Record
from harness.stats import number
from harness_tasks.coercive_field.observables import RIGID
from harness_tasks.coercive_field.path_model import PathModel
from harness_tasks.plotting import BLUE, FAINT, GREEN, GREY, ORANGE, figure, title_of

#: Along the path and turned by ±120°, columns.
THREE_WAYS = np.array([[1, -0.5, -0.5], [0, np.sqrt(0.75), -np.sqrt(0.75)]])


def draw(record: Record, arrays: Arrays, folder: Path) -> list[Path]:
    """The pictures that the arrays allow; returns the files."""
    title = title_of(record)
    models = {name: _model(arrays, name) for name in ("full", "paper")}
    if "static_dip" not in arrays:
        return []
    paths = [_loop(arrays, models, title, folder / "hysteresis.png")]
    paths.append(_inclined(arrays, models, title, folder / "inclined.png"))
    if "runs" in arrays:
        paths.append(_runs(record, arrays, title, folder / "runs.png"))
    return paths


def _model(arrays: Arrays, name: str) -> PathModel:
    q, r, s = (tuple(float(x) for x in np.atleast_1d(arrays[f"{name}_{k}"])) for k in ("q", "r", "s"))
    return PathModel(float(arrays["start"]), q, r, s)


def _loop(arrays: Arrays, models: dict[str, PathModel], title: str, path: Path) -> Path:
    """Slip and polarization against a vertical field at zero temperature, and how much enthalpy the field leaves."""
    with figure(path, (9.6, 3.5), columns=2) as axes:
        axes[0].figure.suptitle(f"{title}: sliding in a vertical field", fontsize=10)
        model = models["full"]
        start, field = model.start, model.vertical_field()
        t = np.linspace(start, -start, 401)[1:-1]
        energy, _, across = model.slopes
        held = -energy(t) / across(t)
        axes[0].plot(held, t, "--", color=GREY, linewidth=1.2, label="in balance, not stable")
        for sign in (1, -1):
            axes[0].plot([-1.4 * sign * field, sign * field], [sign * start, sign * start], color=BLUE, linewidth=1.8)
            ends = [sign * start, -sign * start]
            axes[0].plot([sign * field] * 2, ends, color=BLUE, linewidth=1.0, linestyle=":")
        steep = arrays["static_dip"] > 89.999
        if steep.any():
            axes[0].plot(
                arrays["held_fields"][steep].ravel(),
                start + arrays["held_slips"][steep].ravel(),
                "o",
                color=ORANGE,
                markersize=4,
                label="held in the field, all else at rest",
            )
        axes[0].set_yticks([start, 0, -start], ["BA", "SP", "AB"])
        axes[0].set_xlabel("vertical field against the polarization of BA (V/Å)")
        axes[0].legend(frameon=False, fontsize=7, loc="center right")
        wide = np.linspace(start, -start, 301)
        for share, colour in zip((0.0, 0.5, 1.0), (BLUE, GREEN, ORANGE), strict=True):
            curve = 1e3 * model.enthalpy(wide, 0.0, share * field)
            axes[1].plot(wide, curve, color=colour, label=f"E⊥ = {share * field:.2f} V/Å")
        axes[1].plot(arrays["t"], 1e3 * (arrays["energy"] - arrays["energy"][0]), "o", color=BLUE, markersize=3)
        axes[1].set_xticks([start, 0, -start], ["BA", "SP", "AB"])
        axes[1].set_ylabel("enthalpy (meV per cell of 4 atoms)")
        axes[1].legend(frameon=False, fontsize=7)
    return path


def _inclined(arrays: Arrays, models: dict[str, PathModel], title: str, path: Path) -> Path:
    """Which inclined fields switch: E⊥ against E∥, the total against the dip angle, E⊥ beside the path."""
    beside = "beside_field" in arrays
    with figure(path, (8.4 + 3.6 * beside, 3.5), columns=2 + beside) as axes:
        axes[0].figure.suptitle(f"{title}: inclined fields at zero temperature", fontsize=10)
        dips = 90 - 89.9 * np.linspace(0, 1, 240) ** 3  # dense where the field is nearly vertical
        radians = np.radians(dips)
        lines = {"full": ("-", BLUE, "own path"), "paper": ("--", GREY, "model of Deng et al., fitted")}
        for name, (line, colour, label) in lines.items():
            total = np.array([models[name].along_dip(dip) for dip in dips])
            axes[0].plot(total * np.cos(radians), total * np.sin(radians), line, color=colour, label=label)
            axes[1].plot(dips, total, line, color=colour, label=label)
        held, angle = arrays["static_field"], np.radians(arrays["static_dip"])
        axes[0].plot(held * np.cos(angle), held * np.sin(angle), "o", color=ORANGE, label="held in the field")
        axes[1].plot(arrays["static_dip"], held, "o", color=ORANGE)
        if "runs" in arrays:
            for kind, mark in ((0, "^"), (1, "s")):
                some = arrays["runs"][arrays["runs"][:, 0] == kind]
                if len(some):
                    words = "ramps" if kind == 0 else "steps"
                    axes[0].plot(some[:, 2], some[:, 3], mark, color=GREEN, markersize=4, label=words)
        axes[0].set_xlabel("in-plane field E∥ (V/Å)")
        axes[0].set_ylabel("E⊥ that switches (V/Å)")
        axes[0].set_ylim(bottom=0)
        axes[0].legend(frameon=False, fontsize=7)
        axes[1].set_xlabel("angle between field and plane (degrees)")
        axes[1].set_ylabel("total field that switches (V/Å)")
        axes[1].set_ylim(bottom=0)
        if beside:
            ways = arrays["beside_way"]
            own = ways == 0
            for some, colour, label in ((own, BLUE, "slides along the path"), (ways > 0, GREEN, "along the next one")):
                axes[2].plot(arrays["beside_angle"][some], arrays["beside_field"][some], "o", color=colour, label=label)
            axes[2].axvline(60, color=FAINT, linewidth=0.8, zorder=0)
            axes[2].set_xlabel("in-plane field turned from the path (degrees)")
            axes[2].set_ylabel("E⊥ that switches (V/Å)")
            axes[2].legend(frameon=False, fontsize=7)
    return path


def _runs(record: Record, arrays: Arrays, title: str, path: Path) -> Path:
    """Slip against the growing field, and the fields of all runs against the temperature."""
    with figure(path, (9.6, 3.5), columns=2) as axes:
        axes[0].figure.suptitle(f"{title}: sliding at temperatures", fontsize=10)
        start = float(arrays["start"])
        names = [name for name in arrays if name.startswith("history/")]
        for name in names:
            history = arrays[name]
            known = np.isfinite(history[:, 1])
            slip = np.max(history[known, 2:] @ THREE_WAYS, axis=1)
            axes[0].plot(history[known, 1], slip, linewidth=0.7, color=BLUE, alpha=0.7)
        axes[0].axhline(-start, color=FAINT, linewidth=0.8, zorder=0)
        axes[0].set_yticks([0, -start], ["BA", "SP"])
        axes[0].set_ylabel("slip along the nearest path")
        axes[0].set_xlabel("E⊥ (V/Å)")
        runs = arrays["runs"]
        kinds = [(k, p) for k in (0, 1) for p in dict.fromkeys(runs[runs[:, 0] == k, 2])]
        for (kind, parallel), colour in zip(kinds, (BLUE, ORANGE, GREEN, GREY) * 5, strict=False):
            some = runs[(runs[:, 0] == kind) & (runs[:, 2] == parallel)]
            label = f"{'ramp' if kind == 0 else 'steps'}, E∥ = {parallel:g} V/Å"
            axes[1].plot(some[:, 1], some[:, 3], "^" if kind == 0 else "s", color=colour, markersize=4, label=label)
            if kind == 0:
                _rigid(axes[1], record, np.unique(some[:, 1]), parallel, colour)
        at_rest = arrays["static_field"][arrays["static_dip"] > 89.999]
        if len(at_rest):
            axes[1].axhline(float(at_rest[0]), color=GREY, linestyle="--", linewidth=1, label="at rest, E∥ = 0")
        axes[1].set_xlim(0, 1.2 * runs[:, 1].max())
        axes[1].set_xlabel("temperature (K)")
        axes[1].set_ylabel("E⊥ at the first passage of SP (V/Å)")
        axes[1].set_ylim(bottom=0)
        axes[1].legend(frameon=False, fontsize=7)
    return path


def _rigid(axis: Any, record: Record, temperatures: np.ndarray, parallel: float, colour: str) -> None:
    """What rigid layers would do: mean and 95 % of single runs."""
    known = [(t, record.observables.get(RIGID.key(t, parallel))) for t in temperatures]
    points = [(t, number(q), *(q.interval or (np.nan, np.nan))) for t, q in known if q is not None]
    if points:
        t, mean, low, high = np.array(points).T
        bars = [mean - low, high - mean]
        axis.errorbar(
            t * 1.02, mean, bars, fmt="_", color=colour, linewidth=0.8, capsize=2, label="rigid layers, theory"
        )
