"""Pictures of a piezo run, drawn from the record and its arrays alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from harness.contracts.measurement import Arrays
from harness.contracts.record import Record
from harness.stats import number
from harness_tasks.plotting import BLUE, ORANGE, figure, title_of

#: Observable, its curve, component of P, labels.
PANELS = (
    ("e_yyy", "yy", 1, "$P_y$", "$ε_{yy}$"),
    ("e_zyy", "yy", 2, "$P_z$", "$ε_{yy}$"),
    ("e_zzz", "zz", 2, "$P_z$", "$ε_{zz}$"),
)


def draw(record: Record, arrays: Arrays, folder: Path) -> list[Path]:
    """Polarization against strain, one panel a coefficient."""
    panels = [panel for panel in PANELS if panel[0] in record.observables]
    path = folder / "polarization_strain.png"
    with figure(path, (3.9 * len(panels), 3.7), title_of(record), columns=len(panels)) as axes:
        for axis, (name, curve, component, symbol, strain_symbol) in zip(axes, panels, strict=True):
            for kind, colour in (("relaxed", BLUE), ("clamped", ORANGE)):
                suffix = "" if kind == "relaxed" else "_clamped"
                strain = 100 * arrays[f"{kind}_{curve}_strain"]
                values = 1000 * arrays[f"{kind}_{curve}_full_P"][:, component]
                rest = float(values[len(values) // 2])
                slope = 10 * number(record.observables[f"{name}{suffix}"])  # nC/m in pC/m per percent
                ends = np.array([strain.min(), strain.max()]) * 1.08
                axis.plot(strain, values, "o", color=colour, ms=4)
                label = f"ions {kind}: {number(record.observables[f'{name}{suffix}']):.3g} nC/m"
                axis.plot(ends, rest + slope * ends, "-", color=colour, lw=1, label=label)
                if kind == "relaxed" and f"{name}_from_born" in record.observables:
                    slope = 10 * number(record.observables[f"{name}_from_born"])
                    axis.plot(ends, rest + slope * ends, ":", color="black", label="with Born charges")
            values = np.concatenate(
                [1000 * arrays[f"{k}_{curve}_full_P"][:, component] for k in ("relaxed", "clamped")]
            )
            if np.ptp(values) < 1e-3:  # forbidden by symmetry: do not blow rounding up
                axis.set_ylim(values.mean() - 1, values.mean() + 1)
            axis.set_xlabel(f"{strain_symbol} (%)")
            axis.set_ylabel(f"{symbol}, proper (pC/m)")
            axis.set_title(name, fontsize=10)
            axis.legend(frameon=False, fontsize=7.5)
    return [path]
