"""Learning curves: errors of fits against the number of training frames.

``python -m harness.fit -m … n_train=25,50,100`` prints one at its end; ``python -m harness.learning FOLDER …`` gathers
the fits below some folders again.
"""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.errors import HarnessError

__all__ = ["gather", "main", "report", "write_fit"]

FIT = "fit.json"
STEM = "learning_curve"
#: What is tabulated and drawn where a fit has it, of the test split.
SHOWN = {
    "energy_rmse_meV_per_atom": "energy (meV/atom)",
    "force_rmse_meV_per_A": "force (meV/Å)",
    "stress_rmse_N_per_m": "stress (N/m)",
    "born_rmse_e": "Born (e)",
    "dipole_z_rmse_eA": "dipole z (e Å)",
}
HEAD = ("potential", "part", "dataset", "version", "dispersion", "n_train", "seed", "split", "quantity", "value")

Row = dict[str, Any]


def write_fit(out: Path, content: Mapping[str, Any]) -> None:
    """Write what a fit was and found beside its models, whole or not at all."""
    part = out / f".{FIT}.{os.getpid()}.part"
    part.write_text(json.dumps(content, indent=1, ensure_ascii=False, default=str) + "\n", encoding="utf-8")
    part.replace(out / FIT)


def gather(folders: Sequence[Path]) -> list[Row]:
    """Errors of the fits at and below some folders, one number a row, keys as in `HEAD`.

    Raises
    ------
    HarnessError
        When there is no fit.
    """
    files = sorted({file for folder in folders for file in [folder / FIT, *folder.rglob(FIT)] if file.is_file()})
    if not files:
        raise HarnessError(f"there is no {FIT} below {', '.join(map(str, folders))}.", "Name folders of fits.")
    rows: list[Row] = []
    for file in files:
        fit = json.loads(file.read_text(encoding="utf-8"))
        data = fit["data"]
        who = {
            "potential": fit["potential"],
            "dataset": data["folder"],
            "version": data["version"],
            "dispersion": data["dispersion"],
            "n_train": data["frames"]["energies"]["train"],
            "seed": fit["seed"],
        }
        for part, facts in fit["results"].items():
            for split, quantity, value in _numbers(facts.get("errors") or {}):
                rows.append({**who, "part": part, "split": split, "quantity": quantity, "value": value})
    return sorted(rows, key=lambda row: (row["potential"], row["part"], row["dispersion"], row["n_train"], row["seed"]))


def _numbers(errors: Mapping[str, Any]) -> Iterator[tuple[str, str, float]]:
    for split, table in errors.items():
        if isinstance(table, Mapping):
            for quantity, value in table.items():
                if isinstance(value, int | float) and quantity != "frames":
                    yield split, quantity, float(value)


def report(folders: Sequence[Path]) -> list[Path]:
    """Print the table of test errors; write ``learning_curve.csv`` and ``.png`` into the folder that holds all fits."""
    rows = gather(folders)
    print(table(rows))
    shared = Path(os.path.commonpath([str(folder.absolute()) for folder in folders]))
    target = shared / f"{STEM}.csv"
    with target.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, HEAD)
        writer.writeheader()
        writer.writerows(rows)
    written = [target]
    if _draw(rows, shared / f"{STEM}.png"):
        written.append(shared / f"{STEM}.png")
    print("learning curve: " + ", ".join(map(str, written)))
    return written


def _lines(rows: Sequence[Row]) -> dict[tuple[Any, ...], dict[str, float]]:
    """Test errors by potential, part, dispersion, n_train and seed."""
    lines: dict[tuple[Any, ...], dict[str, float]] = {}
    for row in rows:
        if row["split"] == "test":
            key = tuple(row[word] for word in ("potential", "part", "dispersion", "n_train", "seed"))
            lines.setdefault(key, {})[row["quantity"]] = row["value"]
    return lines


def table(rows: Sequence[Row]) -> str:
    """Test errors as text, a line for each fitted part."""
    lines = _lines(rows)
    shown = [key for key in SHOWN if any(key in values for values in lines.values())]
    head = ["potential", "part", "dispersion", "n_train", "seed", *(SHOWN[key] for key in shown)]
    cells = [head]
    for key, values in lines.items():
        numbers = (f"{values[word]:.3g}" if word in values else "" for word in shown)
        cells.append([*map(str, key), *numbers])
    widths = [max(len(line[i]) for line in cells) for i in range(len(head))]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in cells)


def _draw(rows: Sequence[Row], path: Path) -> bool:
    """Test errors against the number of training frames, both logarithmic; False without matplotlib."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.ticker import NullLocator, StrMethodFormatter
    except ImportError:
        return False
    lines = _lines(rows)
    shown = [key for key in SHOWN if any(key in values for values in lines.values())]
    if not shown:
        return False
    figure = Figure(figsize=(3.8 * len(shown), 3.5), layout="constrained")
    for axis, key in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        curves: dict[str, list[tuple[int, float]]] = {}
        for (potential, part, dispersion, n_train, _), values in lines.items():
            if key in values:
                curves.setdefault(", ".join(dict.fromkeys((potential, part, dispersion))), []).append(
                    (n_train, values[key])
                )
        for label, points in curves.items():
            sizes = sorted({n for n, _ in points})
            axis.plot(*zip(*points, strict=True), ".", color="0.6")
            means = [[e for m, e in points if m == n] for n in sizes]
            axis.plot(sizes, [sum(e) / len(e) for e in means], "o-", ms=4, label=label)
        axis.set(xscale="log", yscale="log", xlabel="training frames", ylabel=f"test error, {SHOWN[key]}")
        every = sorted({n for points in curves.values() for n, _ in points})
        axis.xaxis.set_minor_locator(NullLocator())
        axis.set_xticks(every, [str(n) for n in every])
        for set_formatter in (axis.yaxis.set_major_formatter, axis.yaxis.set_minor_formatter):
            set_formatter(StrMethodFormatter("{x:.3g}"))
        axis.legend(frameon=False, fontsize=7)
    FigureCanvasAgg(figure).print_png(str(path))
    return True


def main(argv: list[str] | None = None) -> int:
    """Gather the fits below the folders named."""
    folders = [Path(argument) for argument in (sys.argv[1:] if argv is None else argv)]
    try:
        report(folders or [Path("fits")])
    except HarnessError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
