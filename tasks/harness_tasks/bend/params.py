"""Parameters of the task `bend`, with their units and where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Gt, Le

from harness.contracts.engine import Ensemble
from harness.contracts.parameters import Count, ForceTolerance, Length, Temperature, Timestep
from harness.errors import HarnessError


@dataclass(frozen=True, slots=True)
class BendParams:
    """What the configuration may set.

    Attributes
    ----------
    length, width
        Ribbon between its edges (along y) and across (along x, periodic), Å, rounded to whole rectangular cells;
        width null is one cell, which for static relaxation holds the same physics as any other width.
    boundary
        ``periodic``: both edges are one held strip and its image, so that no bare edge has to be extrapolated by
        the potential. ``open``: a finite ribbon with two held edges, as published.
    lateral
        Width of the ribbon ``held`` or ``free`` to follow the Poisson contraction (register of ambiguities, item 7).
    held
        Width of the strip of atoms that are held flat, Å.
    direction
        Side to which the ribbon buckles.
    relax_cell
        Relax lattice constant and layer distance with the potential at hand before loading.
    max_curvature
        Root mean square curvature at which loading ends, 1/Å.
    steps
        Loads between the critical one and the last; their curvatures squared are evenly spaced.
    step
        Even end shortening per load, Å, in place of the adaptive loads; the published one is 0.2 (two edges by 0.1).
    max_loads
        Loading gives up after this many.
    method
        ``static`` relaxes after each load; ``dynamics`` runs the published molecular dynamics.
    fmax, max_steps, optimizer
        Of the relaxation. Bending is so soft that 1e-4 eV/Å would leave the amplitude undetermined.
    strain_cutoff
        Neighbours up to here define the atomic deformation gradient, Å; has to reach the next layer.
    check_length, check_steps
        Length (Å) and number of loads of two further, narrow ribbons that test the independence of length and step
        size; null skips them.
    temperature, timestep, ensemble, ramp_steps, relaxation_steps, sample_every
        Of the dynamics: K, fs, engine's name, steps over which a load is applied, steps after it, sampling interval.
    """

    length: Length = 80.0
    width: Length | None = None
    boundary: Literal["periodic", "open"] = "periodic"
    lateral: Literal["held", "free"] = "held"
    held: Length = 4.0
    direction: Literal["up", "down"] = "up"
    relax_cell: bool = True
    max_curvature: Annotated[float, Gt(0), Le(1)] = 0.006
    steps: Count = 8
    step: Length | None = None
    max_loads: Count = 60
    method: Literal["static", "dynamics"] = "static"
    fmax: ForceTolerance = 2e-6
    max_steps: Count = 2000
    optimizer: Literal["sheet_lbfgs", "precon_lbfgs", "lbfgs", "fire"] = "sheet_lbfgs"
    strain_cutoff: Length = 4.5
    check_length: Length | None = 60.0
    check_steps: Count | None = 5
    temperature: Temperature = 1.0
    timestep: Timestep = 0.5
    ensemble: Ensemble = "nose_hoover"
    ramp_steps: Count = 10
    relaxation_steps: Count = 10_000
    sample_every: Count = 1000

    def __post_init__(self) -> None:
        if self.method == "dynamics" and self.step is None:
            raise HarnessError("dynamics needs even loads.", "Give task.params.step=0.2 (the published one), in Å.")
        if self.relaxation_steps < self.sample_every:
            raise HarnessError(
                f"task.params.sample_every={self.sample_every} exceeds relaxation_steps={self.relaxation_steps}.",
                "Sample at least once after each load.",
            )
