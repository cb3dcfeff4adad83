"""Parameters of the task `coercive_field`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from harness.errors import HarnessError


@dataclass(frozen=True, slots=True)
class CoerciveFieldParams:
    """Parameters of `coercive_field`.

    Attributes
    ----------
    path_points
        On the straight path AB-SP-BA, both ends included; odd.
    path
        ``relaxed``: every atom free along z; ``rigid``: flat layers at the material's distance.
    order
        Terms of the polynomials along the path, at most (path_points − 1)/2; the model of Deng et al. has 1.
    relax_cell
        Take the potential's own lattice constant (AB) in place of the material's.
    dips
        Angles between field and plane, degrees, of the fields at zero temperature in which layers are held.
    grid
        Registries of the map along each axis, a multiple of 6, for fields beside the path; 0 for none.
    beside
        The in-plane field of these, V/Å.
    fmax, max_steps
        Of relaxations, eV/Å.
    size
        The cell of the dynamics has size × size primitive cells; coercive fields depend on it.
    temperatures
        K; () for no dynamics.
    seeds
        Runs for each temperature and field.
    ramp
        Rate at which E⊥ grows, V/(Å ps); 0 for no ramps.
    ramp_parallels
        Constant E∥ of the ramps, V/Å.
    ramp_start, ramp_end
        Where ramps (and steps) begin and give up, in coercive fields of the path.
    step, hold
        Steps of E⊥ (V/Å), each held for so long (ps); 0 for no steps.
    step_parallels
        Constant E∥ of the steps, V/Å: of them the smallest total field and its dip are taken.
    timestep, ensemble, damping
        fs; ``langevin`` or ``nose_hoover``, which hardly touches the one motion that counts here, the slip of rigid
        layers; relaxation time of the thermostat, fs.
    equilibration
        Before the field is switched on, ps.
    born_every
        Steps between two evaluations of the Born charges; the error that this makes is measured.
    leg
        Steps between two checkpoints.
    """

    path_points: int = 13
    path: Literal["relaxed", "rigid"] = "relaxed"
    order: int = 4
    relax_cell: bool = False
    dips: tuple[float, ...] = (90.0, 75.0, 60.0, 45.0, 30.0, 20.0, 10.0)
    grid: int = 6
    beside: float = 0.1
    fmax: float = 1e-5
    max_steps: int = 300
    size: int = 3
    temperatures: tuple[float, ...] = (10.0,)
    seeds: int = 3
    ramp: float = 0.2
    ramp_parallels: tuple[float, ...] = (0.0,)
    ramp_start: float = 0.6
    ramp_end: float = 1.6
    step: float = 0.0
    hold: float = 30.0
    step_parallels: tuple[float, ...] = (0.0,)
    timestep: float = 1.0
    ensemble: Literal["langevin", "nose_hoover"] = "langevin"
    damping: float = 500.0
    equilibration: float = 1.0
    born_every: int = 20
    leg: int = 500

    def __post_init__(self) -> None:
        if self.path_points < 5 or self.path_points % 2 == 0:
            raise HarnessError(f"task.params.path_points is {self.path_points}.", "Give an odd number of at least 5.")
        most = (self.path_points - 1) // 2
        if not 1 <= self.order <= most:
            raise HarnessError(
                f"task.params.order is {self.order}.", f"Give 1 to {most}: path_points={self.path_points}."
            )
        if self.grid < 0 or self.grid % 6:
            raise HarnessError(f"task.params.grid is {self.grid}.", "Give a multiple of 6, or 0 for no map.")
        if any(not 0 <= dip <= 90 for dip in self.dips):
            raise HarnessError(f"task.params.dips is {list(self.dips)}.", "Give angles between 0 and 90 degrees.")
        if any(x < 0 for x in (*self.ramp_parallels, *self.step_parallels)):
            raise HarnessError("task.params has a negative in-plane field.", "Give sizes: ramp_parallels=[0,0.2].")
        counts = ("size", "seeds", "born_every", "leg", "max_steps")
        positive = ("fmax", "timestep", "damping", "hold", "ramp_end", "equilibration")
        for name in (*counts, *positive, "ramp", "step", "ramp_start"):
            number = getattr(self, name)
            if name in counts and number < 1:
                raise HarnessError(f"task.params.{name} is {number}.", "Give at least 1.")
            if not 0 <= number < math.inf or (name in positive and not number):
                raise HarnessError(f"task.params.{name} is {number:g}.", "Give a positive number.")
        if any(not 0 < t < math.inf for t in self.temperatures):
            raise HarnessError(f"task.params.temperatures is {list(self.temperatures)}.", "Give positive ones, in K.")
        if self.ramp_start >= self.ramp_end:
            raise HarnessError("task.params.ramp_start is not below ramp_end.", "Give e.g. ramp_start=0 ramp_end=2.")
