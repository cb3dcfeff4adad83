"""Parameters of the task `piezo`."""

from __future__ import annotations

from dataclasses import dataclass

from harness_tasks.mechanics.params import SeriesParams


@dataclass(frozen=True, slots=True)
class PiezoParams(SeriesParams):
    """What the configuration may set; explained in `SeriesParams`."""
