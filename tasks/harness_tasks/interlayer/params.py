"""Parameters of the task `interlayer`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, MinLen

from harness.contracts.parameters import Count, ForceTolerance, Increasing, Length
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

    stackings: Annotated[tuple[str, ...], MinLen(1)] = ("AA", "AB", "AA'", "SP")
    distances: Annotated[tuple[Length, ...], MinLen(DEGREE + 2), Increasing] = (
        2.8,
        3.0,
        3.15,
        3.3,
        3.4,
        3.55,
        3.75,
        4.0,
        4.25,
        4.5,
        5.0,
        5.5,
    )
    relaxed: bool = False
    relax_cell: bool = False
    fit_points: Annotated[int, Ge(DEGREE + 2)] = 7
    polarizability: bool = True
    fmax: ForceTolerance = 1e-4
    max_steps: Count = 200

    def __post_init__(self) -> None:
        if len(set(map(plain, self.stackings))) < len(self.stackings):
            raise HarnessError("task.params.stackings names one twice.", "Give e.g. [AA,AB,AAp,SP].")
        for name in self.stackings:
            stacking_of(name)
