"""Parameters of the task `polarization_pattern`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, MinLen, MultipleOf

from harness.contracts.engine import Optimizer
from harness.contracts.parameters import Count, Distinct, ForceTolerance, Grade, Length, Rule
from harness.engine.extrapolation import TRUSTED
from harness.errors import HarnessError
from harness_tasks.moire.cells import Mismatch

#: n of the twisted cell (n, n + 1).
Twist = Annotated[int, Ge(2)]
#: V/Å; nothing is measured at zero.
Field = Annotated[float, Ge(-1), Le(1), Rule(lambda field: field != 0, "a number other than 0")]


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
    start, optimizer, fmax, max_steps, max_grade
        Of relaxations, as in the task `moire_relax`.
    """

    n: Twist = 5
    geometry: Annotated[tuple[Literal["flat", "relaxed"], ...], MinLen(1), Distinct] = ("flat", "relaxed")
    fields: Annotated[tuple[Field, ...], Distinct] = (-0.03, -0.02, -0.01, 0.01, 0.02, 0.03)
    field_n: Twist | None = None
    response: Literal["auto", "electronic", "assumed", "ionic"] = "auto"
    susceptibility: Length | None = None
    mismatch: Annotated[tuple[Mismatch, ...], Distinct] = (19, -21)
    antiparallel_n: Annotated[int, Rule(lambda n: n == 0 or n >= 2, "0 or a number of at least 2")] | None = None
    local: Literal["auto", "atoms", "registry"] = "auto"
    grid: Annotated[int, Ge(24), MultipleOf(2)] = 96
    bias: Annotated[float, Gt(0), Le(0.2)] = 0.02
    registry_grid: Annotated[int, Ge(6), MultipleOf(6)] = 12
    start: Literal["registry", "rigid"] = "registry"
    optimizer: Optimizer = "stack_lbfgs"
    fmax: ForceTolerance = 1e-4
    max_steps: Count = 500
    max_grade: Grade | None = TRUSTED

    def __post_init__(self) -> None:
        if self.response == "assumed" and self.susceptibility is None:
            raise HarnessError(
                "task.params.response is 'assumed', but nothing is.", "Give task.params.susceptibility=4.14."
            )
