"""Parameters of the task `polarization_pattern`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.contracts.engine import Optimizer
from harness.engine.extrapolation import TRUSTED, check_bound
from harness.errors import HarnessError


@dataclass(frozen=True, slots=True)
class PatternParams:
    """What the configuration may set.

    Attributes
    ----------
    n
        The twisted cell (n, n + 1): 5 for 6.01°, 10 for 3.15°, 21 for 1.54°, 30 for 1.085°.
    geometry
        ``flat``: rigid layers at the material's distance, as published; ``relaxed``: the potential's own structure.
    fields
        Vertical fields, V/Å, positive along z; empty for none.
    field_n
        Twisted cell of the fields; null: `n`.
    response
        ``electronic``: the polarization model answers at frozen positions; ``ionic``: forces Z·E move the atoms of the
        relaxed structure; ``assumed``: `susceptibility` everywhere; ``auto``: electronic where the model has a
        polarizability, else assumed where there is a susceptibility, else ionic.
    susceptibility
        dP⊥/dE over ε₀ at frozen positions, Å, for models that do not know it; null for none. That of the DFT labels
        of hBN is 4.14 Å (1.80 Å³ in each primitive cell of AB).
    mismatch
        Cells of the upper layer, for each structure: N has a lower layer compressed by 1/(N + 1), -N one stretched by
        1/(N - 1); empty for none.
    antiparallel_n
        Twisted cell with exchanged species in the upper layer (AA'): 0 for none, null: `n`.
    local
        ``atoms``: from atomic dipoles of the moiré structure; ``registry``: each place has the polarization of the
        perfect bilayer of its registry; ``auto``: atoms where they are offered.
    grid
        Points along each period; even.
    bias
        Share of the largest P⊥ that is added and taken away where symmetry makes the pattern critical.
    registry_grid
        Registries along each axis for ``local=registry``, a multiple of 6.
    start, optimizer, fmax, max_steps, save_every, max_grade
        Of relaxations, as in the task `moire_relax`.
    """

    n: int = 5
    geometry: tuple[Literal["flat", "relaxed"], ...] = ("flat", "relaxed")
    fields: tuple[float, ...] = (-0.03, -0.02, -0.01, 0.01, 0.02, 0.03)
    field_n: int | None = None
    response: Literal["auto", "electronic", "assumed", "ionic"] = "auto"
    susceptibility: float | None = None
    mismatch: tuple[int, ...] = (19, -21)
    antiparallel_n: int | None = None
    local: Literal["auto", "atoms", "registry"] = "auto"
    grid: int = 96
    bias: float = 0.02
    registry_grid: int = 12
    start: Literal["registry", "rigid"] = "registry"
    optimizer: Optimizer = "stack_lbfgs"
    fmax: float = 1e-4
    max_steps: int = 500
    save_every: float = 20.0
    max_grade: float | None = TRUSTED

    def __post_init__(self) -> None:
        check_bound(self.max_grade)
        for name, least in (("n", 2), ("field_n", 2), ("antiparallel_n", 0)):
            value = getattr(self, name)
            if value is not None and (value < least or value == 1):
                raise HarnessError(
                    f"task.params.{name} is {value}.", "Give n of a cell (n, n + 1), at least 2: 5 is 6.01°."
                )
        if not self.geometry or len(set(self.geometry)) < len(self.geometry):
            raise HarnessError(f"task.params.geometry is {list(self.geometry)}.", "Give [flat,relaxed], or one.")
        if any(abs(cells) < 3 for cells in self.mismatch) or len(set(self.mismatch)) < len(self.mismatch):
            raise HarnessError(
                f"task.params.mismatch is {list(self.mismatch)}.", "Give different numbers of cells, e.g. [19,-21]."
            )
        if any(field == 0 or abs(field) > 1 for field in self.fields) or len(set(self.fields)) < len(self.fields):
            raise HarnessError(
                f"task.params.fields is {list(self.fields)}.",
                "Give different fields in V/Å, none zero, none above 1, e.g. [-0.02,0.02].",
            )
        if self.susceptibility is not None and not self.susceptibility > 0:
            raise HarnessError(
                f"task.params.susceptibility is {self.susceptibility}.", "Give a length in Å, e.g. 4.14, or null."
            )
        if self.response == "assumed" and self.susceptibility is None:
            raise HarnessError(
                "task.params.response is 'assumed', but nothing is.", "Give task.params.susceptibility=4.14."
            )
        if self.grid < 24 or self.grid % 2:
            raise HarnessError(f"task.params.grid is {self.grid}.", "Give an even number of at least 24.")
        if self.registry_grid < 6 or self.registry_grid % 6:
            raise HarnessError(f"task.params.registry_grid is {self.registry_grid}.", "Give a multiple of 6.")
        if not (0 < self.bias <= 0.2 and self.fmax > 0 and self.max_steps > 0 and self.save_every > 0):
            raise HarnessError(
                "task.params.bias must lie between 0 and 0.2; fmax, max_steps and save_every must be positive.",
                "Give e.g. bias=0.02 fmax=1e-4 max_steps=500.",
            )
