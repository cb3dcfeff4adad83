"""Parameters of the task `conformance`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Lt

from harness.contracts.parameters import Count, Temperature, Timestep


@dataclass(frozen=True, slots=True)
class ConformanceParams:
    """Parameters of `conformance`; profiles differ in how much is sampled, not in what is asked.

    Attributes
    ----------
    samples
        Random structures of each kind for derivatives, symmetries and response.
    directions
        Random directions of each finite difference.
    path_points
        Points along each path of the smoothness lines.
    nve_steps, timestep, temperature
        Of the run at constant energy: number of steps, fs, K.
    rattle
        Standard deviation of the random displacements, Å.
    strain
        Norm of the random strain.
    """

    samples: Count = 1
    directions: Count = 2
    path_points: Annotated[int, Ge(30)] = 105
    nve_steps: Annotated[int, Ge(40)] = 200
    timestep: Timestep = 0.5
    temperature: Temperature = 300.0
    rattle: Annotated[float, Gt(0), Lt(0.2)] = 0.08
    strain: Annotated[float, Gt(0), Lt(0.2)] = 0.02
