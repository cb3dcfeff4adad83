"""Arrays of the task `coercive_field` that its figures are drawn from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.contracts.measurement import Measurement
from harness_tasks.coercive_field.analysis import Models
from harness_tasks.coercive_field.ramps import Run
from harness_tasks.coercive_field.registry_map import TransverseFields
from harness_tasks.coercive_field.switching import CoerciveField1D, SlidingPath


def add_arrays(
    measurement: Measurement,
    way: SlidingPath,
    models: Models,
    strengths: Sequence[CoerciveField1D],
    beside: TransverseFields | None,
) -> None:
    """What the pictures need.

    Parameters
    ----------
    measurement
        Takes the arrays.
    way
        The path from BA to AB.
    models
        Its polynomials.
    strengths
        Fields of held layers, one for each dip angle.
    beside
        What in-plane fields off the path do; None where that was not measured.
    """
    arrays = measurement.arrays
    arrays |= {"t": way.t, "energy": way.energy, "p_parallel": way.parallel, "p_perpendicular": way.perpendicular}
    arrays |= {"slip": way.axes.slip, "start": np.array(models.full.start)}
    for name, model in (("paper", models.paper), ("full", models.full)):
        arrays |= {f"{name}_{k}": np.array(getattr(model, k)) for k in ("q", "r", "s")}
    if strengths:
        arrays["static_dip"] = np.array([s.dip for s in strengths])
        arrays["static_field"] = np.array([s.field for s in strengths])
        arrays["held_slips"] = np.array([s.slips for s in strengths])
        arrays["held_fields"] = np.array([s.fields for s in strengths])
    if beside is not None:
        arrays |= {"beside_angle": beside.angles, "beside_field": beside.fields, "beside_way": beside.directions}


def add_histories(measurement: Measurement, runs: Sequence[Run]) -> None:
    """Field and slip along each run."""
    for run in runs:
        measurement.arrays["history/" + run.plan.name] = run.history
    if runs:
        rows = [
            [r.plan.kind == "steps", r.plan.temperature, r.plan.parallel, r.field, r.way, r.step, r.ended] for r in runs
        ]
        measurement.arrays["runs"] = np.array(rows, dtype=float)
