"""The own checks and remarks of the task `coercive_field`, each with the reason of its tolerance."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from harness.contracts.measurement import Check
from harness.contracts.quantity import Quantity
from harness.stats import number
from harness_tasks.coercive_field.analysis import Models, grouped
from harness_tasks.coercive_field.observables import FIELD
from harness_tasks.coercive_field.params import CoerciveFieldParams
from harness_tasks.coercive_field.ramps import HELD, UNPHYSICAL, Run
from harness_tasks.coercive_field.registry_map import TransverseFields
from harness_tasks.coercive_field.switching import CoerciveField1D, SlidingPath

#: Share of the sliding force that old Born charges may miss.
CHARGES = 0.1


def of(
    params: CoerciveFieldParams,
    models: Models,
    strengths: Sequence[CoerciveField1D],
    beside: TransverseFields | None,
    charges: Quantity | None,
) -> list[Check]:
    """All that the arrays allow.

    Parameters
    ----------
    params
        Of the task.
    models
        Polynomials of the path.
    strengths
        Fields of held layers, one for each dip angle.
    beside
        What in-plane fields off the path do; None where that was not measured.
    charges
        Error from Born charges that are some steps old; None without runs.
    """
    found = []
    if strengths:
        restless = [f"{s.dip:g}" for s in strengths if not math.isfinite(s.field)]
        where = f"; not in fields inclined by {', '.join(restless)} degrees" if restless else ""
        reason = f"held layers find rest in every field: else the potential gives way before they slide{where}"
        found.append(Check("dips_without_rest", float(len(restless)), 0.0, "1", reason))
    if beside is not None:
        width, step = beside.sector
        found.append(
            Check(
                "sector_of_the_path", width - 120, step, "deg", "three equal paths leave BA: a third of the circle each"
            )
        )
        nearest = int(np.argmin(np.abs(beside.angles)))
        alone = models.full.coercive_field(params.beside)
        if alone > 0 and math.isfinite(beside.fields[nearest]):
            found.append(
                Check(
                    "map_and_path",
                    float(beside.fields[nearest] / alone - 1),
                    0.05,
                    "1",
                    "coercive field along the path from the map and from the path; a map of 6 × 6 has 3 harmonics",
                )
            )
    if charges is not None:
        found.append(
            Check(
                "born_charges_in_time",
                number(charges),
                CHARGES,
                "1",
                f"sliding force of Born charges {params.born_every} steps old against new ones: lower born_every",
                about="polarization",
            )
        )
    return found


def born_interval_error(runs: Sequence[Run]) -> Quantity | None:
    """Rms error of the sliding force when Born charges are as old as they get, over its rms; None without runs."""
    pairs = np.concatenate([run.charges for run in runs]) if runs else np.zeros((0, 2))
    if not len(pairs) or not np.any(pairs[:, 1]):
        return None
    error = math.sqrt(np.mean((pairs[:, 0] - pairs[:, 1]) ** 2) / np.mean(pairs[:, 1] ** 2))
    return Quantity(error, "1", n=len(pairs), method="rms of old less new at the end of each interval, over rms of new")


def of_runs(runs: Sequence[Run]) -> list[Check]:
    """Whether every run reached SP before its field ended, and moved as such layers do."""
    if not runs:
        return []
    held: list[str] = []
    unphysical: list[str] = []
    for (kind, temperature, parallel), group in grouped(runs).items():
        name, still = FIELD[kind].key(temperature, parallel), [run for run in group if run.ended == HELD]
        if still:
            held.append(f"{name}: {len(still)} of {len(group)} runs did not switch up to {still[0].plan.end:.3g} V/A")
        unphysical += [f"{name}: {run.reason}" for run in group if run.ended == UNPHYSICAL]
    switched = "; ".join(held) or "every run has to reach SP before its field ends"
    whole = "; ".join(unphysical) or "layers stay whole and together, and energies finite"
    return [
        Check("runs_not_switched", float(sum(run.ended == HELD for run in runs)), 0.0, "1", switched),
        Check("unphysical_runs", float(len(unphysical)), 0.0, "1", whole),
    ]


def remarks(way: SlidingPath, beside: TransverseFields | None) -> list[str]:
    """What a reader of the numbers has to know."""
    notes = []
    if way.axes.up < 0:
        notes.append("BA points down here: fields are along +z")
    side = "towards AB" if way.axes.ahead > 0 else "away from AB"
    notes.append(f"the in-plane field that helps points along the slip of the upper layer {side}")
    if beside is None:
        notes.append("no fields beside the path: no map, or no dipole to map")
    if beside is not None and not np.isfinite(beside.fields).all():
        notes.append("some fields beside the path did not switch up to twice the coercive field of the path")
    return notes
