"""Parameters of the task `moire_relax`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.contracts.engine import Optimizer
from harness.engine.extrapolation import TRUSTED, check_bound
from harness.errors import HarnessError


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
    save_every
        Seconds between saves of a relaxation that is under way.
    max_grade
        Extrapolation grade that ends a relaxation; null: none.
    """

    twists: tuple[int, ...] = (1, 2, 4, 7)
    mismatch: tuple[int, ...] = ()
    relax_cell: bool = False
    start: Literal["registry", "rigid"] = "registry"
    grid: int = 6
    optimizer: Optimizer = "stack_lbfgs"
    fmax: float = 1e-4
    max_steps: int = 500
    save_every: float = 20.0
    max_grade: float | None = TRUSTED

    def __post_init__(self) -> None:
        if not (self.twists or self.mismatch):
            raise HarnessError("there is no moiré to relax.", "Give e.g. task.params.twists=[1,2,4].")
        if any(n < 1 for n in self.twists) or len(set(self.twists)) < len(self.twists):
            raise HarnessError(
                f"task.params.twists is {list(self.twists)}.", "Give different n of at least 1, e.g. [1,2,4]."
            )
        if any(abs(n) < 3 for n in self.mismatch) or len(set(self.mismatch)) < len(self.mismatch):
            raise HarnessError(
                f"task.params.mismatch is {list(self.mismatch)}.",
                "Give different numbers of cells of at least 3, or at most -3, e.g. [9,-11].",
            )
        if self.grid < 6 or self.grid % 6:
            raise HarnessError(f"task.params.grid is {self.grid}.", "Give a multiple of 6.")
        check_bound(self.max_grade)
        if not (self.fmax > 0 and self.max_steps > 0 and self.save_every > 0):
            raise HarnessError(
                "task.params.fmax, max_steps and save_every must be positive.", "Give e.g. fmax=1e-4 max_steps=500."
            )
