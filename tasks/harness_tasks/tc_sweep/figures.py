"""Picture of the task `tc_sweep`, from the record and its arrays alone."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from harness.contracts.measurement import Arrays
from harness.contracts.record import Record
from harness_tasks.plotting import BLUE, FAINT, ORANGE, figure
from harness_tasks.tc_sweep.observables import CURIE
from harness_tasks.tc_sweep.order_parameter import HALF, ORDERED


def draw(record: Record, arrays: Arrays, folder: Path) -> list[Path]:
    """The order on heating and cooling, with bars and the Curie temperature; returns the files."""
    if "order" not in arrays:
        return []
    params = record.config["task"]["params"]
    size = f"{params['cells']} × {params['cells']} cells, {params['time']:g} ps per temperature"
    path = folder / "order.png"
    title = f"{record.label}, {record.config['material'].get('name')}: {size}"
    with figure(path, (9.2, 3.5), title, columns=2) as axes:
        t, order, limit = arrays["temperatures"], arrays["order"], arrays["order_reach"]
        for axis, values in ((axes[0], order), (axes[1], np.abs(order))):
            axis.set_xlabel("temperature (K)")
            for way, colour, marker, name in ((0, ORANGE, "^", "heating"), (1, BLUE, "v", "cooling")):
                for number in range(len(order)):
                    label = name if number == 0 and axis is axes[0] else None
                    shade = {
                        "color": colour,
                        "alpha": 0.5 if len(order) > 1 else 1.0,
                        "linewidth": 0.9,
                        "markersize": 4,
                    }
                    axis.errorbar(
                        t, values[number, way], limit[number, way], marker=marker, capsize=2, label=label, **shade
                    )
        for level in (-ORDERED, 0, ORDERED):
            axes[0].axhline(level, color=FAINT, linewidth=0.7, zorder=0)
        axes[0].set_yticks([-ORDERED, 0, ORDERED], ["AB", "0", "BA"])
        axes[0].set_ylabel("⟨Im ψ⟩")
        axes[0].set_ylim(-1.05, 1.05)  # intervals of a few hops reach beyond what Im ψ can be
        axes[1].set_ylim(0, 1.05)
        axes[0].legend(frameon=False, fontsize=8)
        axes[1].set_ylabel("|⟨Im ψ⟩|")
        axes[1].axhline(HALF, color=FAINT, linewidth=0.7, linestyle="--", zorder=0)
        found = record.observables.get(CURIE.key)
        if found is not None and isinstance(found.value, float) and math.isfinite(found.value):
            low, high = found.interval or (found.value, found.value)
            axes[1].axvspan(low, high, color="#d8d8d8", alpha=0.6, zorder=0, linewidth=0)
            axes[1].axvline(found.value, color="#555555", linewidth=1.0)
            axes[1].set_title(f"T_C = {found.value:.0f} K [{low:.0f}, {high:.0f}]", fontsize=10)
    return [path]
