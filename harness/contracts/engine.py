"""What an engine has to offer: evaluation, relaxation and molecular dynamics of structures.

Tasks write no optimiser and no integrator of their own. They ask an engine, and a task gives the same numbers
whichever engine ran it; `harness.testing.engine` has the tests that an engine must pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args, runtime_checkable

import numpy as np

from harness.contracts.measurement import Arrays

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import BaseCalculator

#: ``nve``: constant energy, velocity Verlet. ``langevin``: constant temperature by friction and noise.
#: ``nose_hoover``: constant temperature by a chain of three thermostats.
Ensemble = Literal["nve", "langevin", "nose_hoover"]
ENSEMBLES: tuple[Ensemble, ...] = get_args(Ensemble)

Optimizer = Literal["stack_lbfgs", "sheet_lbfgs", "precon_lbfgs", "lbfgs", "fire"]
OPTIMIZERS: tuple[Optimizer, ...] = get_args(Optimizer)
#: Largest step of one atom in a relaxation, Å. ASE's 0.04 Å would spend fifty steps on the amplitude of one buckle.
MAXSTEP = 0.2

#: ``external_force(atoms, step)``: added to the potential's forces at every step, eV/Å (natoms, 3). `step` counts from
#: the start of the run; the calculator has just been asked for the forces of `atoms`.
ExternalForce = Callable[["Atoms", int], np.ndarray]
#: ``observe(motion)`` during dynamics; it may raise to end the leg.
Observer = Callable[["Motion"], None]
#: ``observe(atoms, state)`` after every step of a relaxation; ``state()`` is what the optimiser remembers. It may raise
#: to end the relaxation.
RelaxationObserver = Callable[["Atoms", Callable[[], Arrays]], None]


@dataclass(frozen=True, slots=True)
class Relaxation:
    """How a relaxation ended.

    Attributes
    ----------
    fmax
        Largest force that is left on a free atom, eV/Å; nan when energy or forces became infinite, where the
        relaxation stops and leaves the structure as it then was.
    optimizer
        The one that reached it; ``precon_lbfgs+fire`` after a failed line search.
    """

    converged: bool
    force_calls: int
    fmax: float
    optimizer: str


class UnphysicalError(Exception):
    """Something that no such material does: a result of the potential, not a failure of the run.

    Parameters
    ----------
    reason
        What is wrong, in a few words.
    step
        Of the dynamics or relaxation at which it was seen; None where there are no steps.
    """

    def __init__(self, reason: str, step: int | None = None) -> None:
        super().__init__(reason if step is None else f"step {step}: {reason}")
        self.reason, self.step = reason, step


class Watch(Protocol):
    """Looks at a trajectory now and then, and ends it when it is no longer one of this material.

    Attributes
    ----------
    every
        Steps between two looks; the end of a leg is looked at as well.
    """

    every: int

    def check(self, motion: Motion, grade: Callable[[Atoms], float | None]) -> None:
        """Raise `UnphysicalError` when something is wrong; `grade` is `Engine.extrapolation_grade`."""
        ...

    def state(self) -> np.ndarray:
        """What it remembers."""
        ...

    def restore(self, state: np.ndarray) -> None:
        """Take what `state` returned."""
        ...


class Motion(Protocol):
    """A trajectory under way, made by `Engine.dynamics`: a chain of legs, one call of `run` each.

    A leg starts from positions, velocities and thermostat alone. So a run that goes on from `state`, taken between any
    two legs, repeats to the same bits what the run without an interruption does.

    Attributes
    ----------
    atoms
        The structure that moves; its positions are never wrapped, so displacements can be read off. Between two legs
        positions and cell may be changed.
    velocities
        (natoms, 3), in ASE's unit, Å √(u/eV).
    temperature
        Of the thermostat, K.
    energy
        Potential energy at the last step, without the external force, eV; nan before the first leg.
    step
        Steps done since the start of the run, all legs together.
    """

    atoms: Atoms
    velocities: np.ndarray
    temperature: float
    energy: float
    step: int

    @property
    def kinetic_energy(self) -> float:
        """Of the atoms that move, eV."""
        ...

    @property
    def kinetic_temperature(self) -> float:
        """K; see `harness.engine.steppers.degrees_of_freedom` for what is counted."""
        ...

    def run(
        self, steps: int, temperature: float | None = None, observe: Observer | None = None, every: int = 1
    ) -> None:
        """One leg.

        Parameters
        ----------
        temperature
            Of the thermostat from now on, K; None: as before.
        observe
            Called with this object after every `every` steps of the leg.

        Raises
        ------
        UnphysicalError
            With the step and the reason: a result of the potential.
        """
        ...

    def state(self) -> dict[str, np.ndarray]:
        """What `Engine.dynamics` needs as `resume` to go on from here; arrays by name."""
        ...


class Engine(Protocol):
    """Runs one potential: evaluates, relaxes and moves structures with it."""

    @property
    def name(self) -> str:
        """What has run so far, for the record: ``ase``, or e.g. ``ase+lammps`` once a native engine ran a leg."""
        ...

    @property
    def force_calls(self) -> int:
        """Evaluations of the potential so far."""
        ...

    def evaluate(
        self, structures: Sequence[Atoms], properties: Sequence[str] = ("energy", "forces")
    ) -> list[dict[str, Any]]:
        """The `properties` (ASE's names) of each structure, in order. Structures are left unchanged."""
        ...

    def extrapolation_grade(self, atoms: Atoms) -> float | None:
        """How far the potential extrapolates at `atoms`, not counted as a force call; None where it does not know."""
        ...

    def relax(
        self,
        atoms: Atoms,
        *,
        fmax: float,
        max_steps: int = 1000,
        fixed: np.ndarray | None = None,
        optimizer: Optimizer = "precon_lbfgs",
        maxstep: float = MAXSTEP,
        cell: Sequence[int] | None = None,
        observe: RelaxationObserver | None = None,
        memory: Mapping[str, Any] | None = None,
    ) -> Relaxation:
        """Relax the positions in place, and the cell where `cell` says so.

        Parameters
        ----------
        fmax
            Largest force on a free atom at which to stop, eV/Å.
        fixed
            Indices or mask of atoms that do not move; constraints that `atoms` already has stay.
        optimizer
            ``precon_lbfgs`` (fewest force calls for large cells), ``sheet_lbfgs`` (the same with a preconditioner
            that knows that sheets bend easily), ``stack_lbfgs`` (that for flat stacks, faster), ``lbfgs`` or ``fire``.
            When the line search of L-BFGS fails, as it does where energies are noisy, FIRE takes over and the result
            says so.
        maxstep
            Largest step of one atom, Å.
        cell
            Six Voigt flags of the strain components that relax as well, e.g. ``(1, 1, 0, 0, 0, 0)`` for a sheet;
            L-BFGS without preconditioner then, and the potential has to offer stress.
        observe
            See `RelaxationObserver`. Not called where the cell relaxes.
        memory
            What ``state()`` returned: with the positions of that step, ``stack_lbfgs`` and ``sheet_lbfgs`` go on to the
            same bits. ``precon_lbfgs`` keeps its steps but estimates its preconditioner anew; ``state()`` of the others
            is empty, and they begin anew.

        Raises
        ------
        HarnessError
            For an unknown optimiser.
        """
        ...

    def dynamics(
        self,
        atoms: Atoms,
        *,
        ensemble: Ensemble,
        temperature: float,
        seed: Sequence[int],
        timestep: float = 1.0,
        damping: float = 100.0,
        held: np.ndarray | None = None,
        velocities: np.ndarray | None = None,
        external_force: ExternalForce | None = None,
        watch: Watch | None = None,
        resume: Mapping[str, Any] | None = None,
    ) -> Motion:
        """Prepare a trajectory, which then moves `atoms` in place.

        Parameters
        ----------
        temperature
            Of the thermostat and of the first velocities, K.
        seed
            Of the first velocities and of the noise; the number of the leg is added to it.
        timestep, damping
            fs; `damping` is the relaxation time of the thermostat, which ``nve`` ignores.
        held
            Mask (natoms,) of atoms that do not move; constraints of `atoms` are not looked at.
        velocities
            The first ones, (natoms, 3) in ASE's unit; None: Maxwell's distribution, without a total momentum when no
            atom is held.
        external_force
            See `ExternalForce`.
        watch
            What ends unphysical motion; None: nothing but an energy that is not a number.
        resume
            What `Motion.state` returned; velocities and thermostat go on from there.

        Raises
        ------
        HarnessError
            For an unknown ensemble, and for times that are not positive.
        """
        ...


@runtime_checkable
class BringsEngine(Protocol):
    """A potential that has an engine of its own; all others run in the default engine."""

    def engine(self, calculator: BaseCalculator) -> Engine:
        """A fresh engine around `calculator`, which this potential made."""
        ...
