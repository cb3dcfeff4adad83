"""Parameters of the task `conformance`."""

from __future__ import annotations

from dataclasses import dataclass

from harness.errors import HarnessError


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

    samples: int = 1
    directions: int = 2
    path_points: int = 105
    nve_steps: int = 200
    timestep: float = 0.5
    temperature: float = 300.0
    rattle: float = 0.08
    strain: float = 0.02

    def __post_init__(self) -> None:
        for name, least in (("samples", 1), ("directions", 1), ("path_points", 30), ("nve_steps", 40)):
            if getattr(self, name) < least:
                raise HarnessError(f"task.params.{name} is {getattr(self, name)}.", f"Give at least {least}.")
        for name in ("timestep", "temperature", "rattle", "strain"):
            if not 0 < getattr(self, name) < (0.2 if name in ("rattle", "strain") else 1e4):
                raise HarnessError(
                    f"task.params.{name} is {getattr(self, name)}.",
                    "Give a positive number; rattle (Å) and strain below 0.2.",
                )
