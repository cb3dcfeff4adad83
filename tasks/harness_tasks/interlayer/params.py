"""Parameters of the task `interlayer`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.errors import HarnessError
from harness.materials.honeycomb import stacking_of
from harness_tasks.interlayer.minimum import DEGREE
from harness_tasks.structures.bilayers import plain


@dataclass(frozen=True, slots=True)
class InterlayerParams:
    """Parameters of `interlayer`.

    Attributes
    ----------
    stackings
        Names of stackings; AB, or AA' where AB is not among them, is what others are compared with.
    distances
        Of the planes, Å, increasing; the default ones are those of the curves in ``datasets/hbn``.
    relaxed
        Besides rigid layers, let every atom move along z with the mean height of each layer held.
    relax_cell
        Take the potential's own lattice constant in place of the material's.
    fit_points
        Points around the minimum that determine it.
    polarizability
        Ask for it, where offered, at the minimum of the material's own stacking and for one layer.
    fmax, max_steps
        Of relaxations, eV/Å.
    """

    stackings: tuple[str, ...] = ("AA", "AB", "AA'", "SP")
    distances: tuple[float, ...] = (2.8, 3.0, 3.15, 3.3, 3.4, 3.55, 3.75, 4.0, 4.25, 4.5, 5.0, 5.5)
    relaxed: bool = False
    relax_cell: bool = False
    fit_points: int = 7
    polarizability: bool = True
    fmax: float = 1e-4
    max_steps: int = 200

    def __post_init__(self) -> None:
        h = np.array(self.distances)
        if not self.stackings or len(set(map(plain, self.stackings))) < len(self.stackings):
            raise HarnessError("task.params.stackings is empty or names one twice.", "Give e.g. [AA,AB,AAp,SP].")
        for name in self.stackings:
            stacking_of(name)
        if len(h) < DEGREE + 2 or (np.diff(h) <= 0).any() or h[0] <= 0:
            raise HarnessError(
                "task.params.distances has to be an increasing list.", f"Give at least {DEGREE + 2} distances in Å."
            )
        if self.fit_points < DEGREE + 2:
            raise HarnessError(f"task.params.fit_points is {self.fit_points}.", f"Give at least {DEGREE + 2}.")
        if not (self.fmax > 0 and self.max_steps > 0):
            raise HarnessError("task.params.fmax and max_steps must be positive.", "Give e.g. fmax=1e-4 max_steps=200.")
