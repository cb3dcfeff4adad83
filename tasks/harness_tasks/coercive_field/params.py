"""Parameters of the task `coercive_field`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, MultipleOf

from harness.contracts.parameters import (
    Count,
    Damping,
    Duration,
    FieldStrength,
    ForceTolerance,
    Odd,
    Temperature,
    Timestep,
)
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

    path_points: Annotated[int, Ge(5), Odd] = 13
    path: Literal["relaxed", "rigid"] = "relaxed"
    order: Count = 4
    relax_cell: bool = False
    dips: tuple[Annotated[float, Ge(0), Le(90)], ...] = (90.0, 75.0, 60.0, 45.0, 30.0, 20.0, 10.0)
    grid: Annotated[int, Ge(0), MultipleOf(6)] = 6
    beside: Annotated[float, Ge(-10), Le(10)] = 0.1
    fmax: ForceTolerance = 1e-5
    max_steps: Count = 300
    size: Count = 3
    temperatures: tuple[Temperature, ...] = (10.0,)
    seeds: Count = 3
    ramp: Annotated[float, Ge(0), Le(100)] = 0.2
    ramp_parallels: tuple[FieldStrength, ...] = (0.0,)
    ramp_start: Annotated[float, Ge(0), Le(100)] = 0.6
    ramp_end: Annotated[float, Gt(0), Le(100)] = 1.6
    step: FieldStrength = 0.0
    hold: Duration = 30.0
    step_parallels: tuple[FieldStrength, ...] = (0.0,)
    timestep: Timestep = 1.0
    ensemble: Literal["langevin", "nose_hoover"] = "langevin"
    damping: Damping = 500.0
    equilibration: Duration = 1.0
    born_every: Count = 20
    leg: Count = 500

    def __post_init__(self) -> None:
        most = (self.path_points - 1) // 2
        if self.order > most:
            raise HarnessError(
                f"task.params.order is {self.order}.", f"Give 1 to {most}: path_points={self.path_points}."
            )
        if self.ramp_start >= self.ramp_end:
            raise HarnessError("task.params.ramp_start is not below ramp_end.", "Give e.g. ramp_start=0 ramp_end=2.")
