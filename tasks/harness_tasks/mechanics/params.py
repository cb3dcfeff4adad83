"""Parameters that `elastic` and `piezo` share: the strain series, and the published molecular dynamics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Gt, Le, MinLen

from harness.contracts.parameters import Count, Distinct, ForceTolerance, Length, SmallStrain, Temperature, Timestep
from harness.errors import HarnessError

#: Magnitudes of strains.
Strains = Annotated[tuple[SmallStrain, ...], MinLen(1), Distinct]


@dataclass(frozen=True, slots=True)
class SeriesParams:
    """What the configuration may set for a strain series.

    Attributes
    ----------
    strains
        Magnitudes of the strains in the plane; each is applied in both directions.
    vertical_strains
        The same for the distance of the outermost atomic planes, whose coupling is softer and less linear.
    relax_cell
        Start from the potential's own lattice constant; otherwise from the material's.
    fmax
        Forces left on relaxed ions, eV/Å.
    max_steps
        Of the relaxation of the unstrained cell.
    displacement
        Of the atoms for the force constants, Å; larger for potentials with noisy forces, e.g. 0.03 for DFT.
    method
        ``static``: strained unit cells. ``dynamics``: these and, in addition, the published molecular dynamics of a
        large sheet whose edges are pulled apart.
    length, width, held
        Of that sheet: between its edges along y, across (periodic), and of each held strip, Å.
    edge_width
        The sheet's width ``held``, or ``free``: it shrinks by the static Poisson ratio (register item 7).
    step, max_strain
        Lengthening per load (both edges together), Å, and where loading ends.
    ramp_steps, relaxation_steps, sample_every
        Steps during which a load is applied, steps after it, sampling interval.
    temperature, timestep
        K, fs.
    """

    strains: Strains = (0.0025, 0.005)
    vertical_strains: Strains = (0.0025, 0.005)
    relax_cell: bool = True
    fmax: ForceTolerance = 1e-5
    max_steps: Count = 300
    displacement: Annotated[float, Gt(0), Le(1)] = 0.01
    method: Literal["static", "dynamics"] = "static"
    length: Length = 80.0
    width: Length = 80.0
    held: Length = 4.0
    edge_width: Literal["held", "free"] = "held"
    step: Length = 0.001
    max_strain: Annotated[float, Gt(0), Le(1)] = 0.01
    ramp_steps: Count = 10
    relaxation_steps: Count = 10_000
    sample_every: Count = 1000
    temperature: Temperature = 1.0
    timestep: Timestep = 0.5

    def __post_init__(self) -> None:
        if self.relaxation_steps < self.sample_every:
            raise HarnessError(
                f"task.params.sample_every={self.sample_every} exceeds relaxation_steps={self.relaxation_steps}.",
                "Sample at least once after each load.",
            )
