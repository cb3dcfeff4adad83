"""Parameters of the task `moire_relax`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, MultipleOf

from harness.contracts.engine import Optimizer
from harness.contracts.parameters import Count, Distinct, ForceTolerance, Grade
from harness.engine.extrapolation import TRUSTED
from harness.errors import HarnessError
from harness_tasks.moire.cells import Mismatch


@dataclass(frozen=True, slots=True)
class MoireParams:
    """What the configuration may set.

    Attributes
    ----------
    twists
        n of the twisted cells (n, n + 1): 1 is 21.79° (28 atoms), 30 is 1.08° (11,164 atoms).
    mismatch
        Cells of the upper layer along each period, for lattices that differ: N has a lower layer compressed by
        1/(N + 1), −N one stretched by 1/(N − 1).
    relax_cell
        Take the potential's own lattice constant (AB, or AA' if antiparallel) in place of the material's.
    start
        ``registry``: from elastic sheets relaxed over the potential's own registry landscape; ``rigid``: from flat,
        unrelaxed layers at the material's distance.
    grid
        Registries of that landscape along each axis, a multiple of 6.
    optimizer, fmax, max_steps
        Of relaxations; eV/Å.
    max_grade
        Extrapolation grade that ends a relaxation; null: none.
    """

    twists: Annotated[tuple[Count, ...], Distinct] = (1, 2, 4, 7)
    mismatch: Annotated[tuple[Mismatch, ...], Distinct] = ()
    relax_cell: bool = False
    start: Literal["registry", "rigid"] = "registry"
    grid: Annotated[int, Ge(6), MultipleOf(6)] = 6
    optimizer: Optimizer = "stack_lbfgs"
    fmax: ForceTolerance = 1e-4
    max_steps: Count = 500
    max_grade: Grade | None = TRUSTED

    def __post_init__(self) -> None:
        if not (self.twists or self.mismatch):
            raise HarnessError("there is no moiré to relax.", "Give e.g. task.params.twists=[1,2,4].")
