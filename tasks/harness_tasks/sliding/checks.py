"""The own checks of the task `sliding`, each with the reason of its tolerance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.contracts.measurement import Check
from harness.units import PC_PER_M
from harness_tasks.sliding_path.checks import ACROSS, ENERGY

if TYPE_CHECKING:
    from harness_tasks.sliding_path.track import Landscape


def of_map(landscape: Landscape, only: bool, sheet: float) -> list[Check]:
    """Whether the symmetry that spreads the map holds; without a path (`only`) also that nothing polarizes."""
    known = landscape.energy[np.isfinite(landscape.energy)]
    span = 1e3 * float(np.ptp(known)) if len(known) else 0.0
    found = [
        Check(
            "map_symmetry",
            1e3 * landscape.image,
            max(ENERGY, 0.02 * span),
            "meV",
            "two registries that symmetry makes equal, calculated both; 0.1 meV a cell, or 2 % of the corrugation",
        )
    ]
    if only and landscape.dipole is not None:
        largest = PC_PER_M / sheet * float(np.abs(landscape.dipole[:, 2]).max())
        found.append(
            Check(
                "antiparallel_not_polar",
                largest,
                ACROSS,
                "pC/m",
                "antiparallel layers have a centre of inversion",
                "polarization",
            )
        )
    return found
