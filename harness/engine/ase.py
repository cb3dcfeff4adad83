"""The default engine: relaxation, dynamics and evaluation through ASE.

Tasks ask an engine and write no optimiser or integrator of their own; the record says which engine ran.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from ase import Atoms
from ase.calculators.calculator import BaseCalculator
from ase.constraints import FixAtoms
from ase.filters import FrechetCellFilter

from harness.engine.ase_integrators import make_integrator
from harness.errors import unknown

if TYPE_CHECKING:
    from harness.contracts.measurement import Arrays

OPTIMIZERS = ("stack_lbfgs", "sheet_lbfgs", "precon_lbfgs", "lbfgs", "fire")
#: Largest step of one atom, Å. ASE's 0.04 Å would spend fifty steps on the amplitude of one buckle.
MAXSTEP = 0.2


class CountedCalculator(BaseCalculator):
    """Passes every request on and counts the evaluations; copies no array.

    An evaluation is counted when the calculator says that what was asked for is not known yet.
    """

    def __init__(self, calculator: BaseCalculator) -> None:
        self.inner = calculator
        self.calls = 0
        self.strict = False  # raise FloatingPointError for an energy or a force that is not a number
        self.parameters = getattr(calculator, "parameters", {})

    @property
    def implemented_properties(self) -> Sequence[str]:
        """Those of the calculator inside."""
        return self.inner.implemented_properties

    @property
    def results(self) -> dict[str, Any]:
        """Those of the calculator inside."""
        return self.inner.results

    def get_property(self, name: str, atoms: Atoms | None = None, allow_calculation: bool = True) -> Any:
        """The property `name`, from the calculator inside."""
        if allow_calculation and self.inner.calculation_required(atoms, [name]):
            self.calls += 1
        value = self.inner.get_property(name, atoms, allow_calculation)
        if self.strict and name in ("energy", "forces") and not np.isfinite(value).all():
            raise FloatingPointError(f"{name} is not finite")
        return value

    def calculate(self, atoms: Atoms, properties: Sequence[str], system_changes: Sequence[str]) -> None:
        """Evaluate `properties`, whether known or not."""
        self.calls += 1
        self.inner.calculate(atoms, properties, system_changes)

    def calculation_required(self, atoms: Atoms, properties: Sequence[str]) -> bool:
        """Whether one of `properties` would have to be evaluated."""
        return self.inner.calculation_required(atoms, properties)


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


class Engine:
    """ASE optimisers and integrators around one calculator.

    Parameters
    ----------
    calculator
        Any ASE calculator.

    Attributes
    ----------
    calculator
        The same, counted; attach this one to structures.
    """

    name: ClassVar[str] = "ase"

    def __init__(self, calculator: BaseCalculator) -> None:
        self.calculator = CountedCalculator(calculator)

    @property
    def force_calls(self) -> int:
        """Evaluations so far."""
        return self.calculator.calls

    def evaluate(self, structures: Sequence[Atoms], properties: Sequence[str] = ("energy", "forces")) -> list[dict]:
        """The `properties` (ASE's names) of each structure, in order. Structures are left unchanged."""
        # Calculators that skip the stress unless asked give energy and forces along with it, not the reverse.
        ordered = sorted(properties, key=lambda name: name not in ("stress", "stresses"))
        results = []
        for atoms in structures:
            with self._attached(atoms):
                found = {name: self.calculator.get_property(name, atoms) for name in ordered}
            results.append({name: found[name] for name in properties})
        return results

    def relax(
        self,
        atoms: Atoms,
        *,
        fmax: float,
        max_steps: int = 1000,
        fixed: np.ndarray | None = None,
        optimizer: str = "precon_lbfgs",
        maxstep: float = MAXSTEP,
        cell: Sequence[int] | None = None,
        observe: Callable[[Atoms, Callable[[], Arrays]], None] | None = None,
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
        cell
            Six Voigt flags of the strain components that relax as well, e.g. ``(1, 1, 0, 0, 0, 0)`` for a sheet;
            L-BFGS without preconditioner then, and the potential has to offer stress.
        observe
            ``observe(atoms, state)`` after every step; ``state()`` is what the optimiser remembers. It may raise to end
            the relaxation. Not called where the cell relaxes.
        memory
            What ``state()`` returned: with the positions of that step, ``stack_lbfgs`` and ``sheet_lbfgs`` go on to the
            same bits. ``precon_lbfgs`` keeps its steps but estimates its preconditioner anew; ``state()`` of the others
            is empty, and they begin anew.

        Raises
        ------
        HarnessError
            For an unknown optimiser.
        """
        if optimizer not in OPTIMIZERS:
            raise unknown("optimizer", optimizer, OPTIMIZERS)
        before = self.force_calls
        with self._attached(atoms, fixed):
            if (len(atoms) < 3 or cell is not None) and optimizer != "fire":
                optimizer = "lbfgs"  # the preconditioners know no cell, and need neighbours
            moving = atoms if cell is None else FrechetCellFilter(atoms, mask=list(cell))
            self.calculator.strict = True  # ASE's line search would never end on a nan
            try:
                watched = None if cell is not None else observe
                optimizer = _robustly(optimizer, moving, fmax, max_steps, maxstep, watched, memory)
                reached = _largest(moving)
            except FloatingPointError:
                reached = math.nan
            finally:
                self.calculator.strict = False
        return Relaxation(reached <= fmax, self.force_calls - before, reached, optimizer)

    def dynamics(
        self,
        atoms: Atoms,
        *,
        temperature: float,
        timestep: float,
        steps: int,
        ensemble: str = "nvt_langevin",
        fixed: np.ndarray | None = None,
        seed: int | np.random.Generator = 0,
        damping: float = 100.0,
        observers: Sequence[tuple[Callable[[Atoms, int], None], int]] = (),
    ) -> None:
        """Integrate `steps` steps in place, starting from the velocities of `atoms`.

        Parameters
        ----------
        temperature
            K; ignored by ``nve``.
        timestep, damping
            fs; `damping` is the relaxation time of the thermostat.
        ensemble
            ``nve`` (velocity Verlet), ``nvt_langevin`` or ``nvt_nose_hoover`` (a chain of three).
        seed
            For Langevin's noise. Hand the same Generator to successive calls to go on with the same stream.
        observers
            Pairs (function, interval): ``function(atoms, step)`` after every `interval` steps.

        Raises
        ------
        HarnessError
            For an unknown ensemble.
        """
        with self._attached(atoms, fixed):
            integrator = make_integrator(atoms, ensemble, temperature, timestep, damping, seed)
            start = integrator.nsteps
            for function, interval in observers:

                def observe(function: Callable[[Atoms, int], None] = function) -> None:
                    if integrator.nsteps > start:
                        function(atoms, integrator.nsteps)

                integrator.attach(observe, interval=interval)
            integrator.run(steps)

    @contextmanager
    def _attached(self, atoms: Atoms, fixed: np.ndarray | None = None) -> Iterator[None]:
        """Lend calculator and constraint to `atoms` and take them back."""
        calculator, constraints = atoms.calc, list(atoms.constraints)
        atoms.calc = self.calculator
        if fixed is not None and len(fixed := np.asarray(fixed)):
            indices = np.flatnonzero(fixed) if fixed.dtype == bool else fixed
            atoms.set_constraint([*constraints, FixAtoms(indices=indices)])
        try:
            yield
        finally:
            atoms.calc = calculator
            atoms.set_constraint(constraints)


def _robustly(
    optimizer: str, atoms: Any, fmax: float, max_steps: int, maxstep: float, observe: Any = None, memory: Any = None
) -> str:
    """Run `optimizer`, and FIRE when its line search fails; returns the name of what ran."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _run(optimizer, atoms, fmax, max_steps, maxstep, observe, memory)
    except FloatingPointError:
        raise
    except (RuntimeError, ValueError, np.linalg.LinAlgError):
        if optimizer == "fire":
            raise
        _run("fire", atoms, fmax, max_steps, maxstep, observe, None)
        return f"{optimizer}+fire"
    return optimizer


def _run(optimizer: str, atoms: Any, fmax: float, max_steps: int, maxstep: float, observe: Any, memory: Any) -> None:
    from ase.optimize import FIRE, LBFGS

    from harness.engine.preconditioners import KeptExp, SafeLBFGS, Sheet, Stack

    made: Any
    precons: dict[str, Callable[[], Any]] = {
        "precon_lbfgs": lambda: KeptExp(A=3),
        "sheet_lbfgs": Sheet,
        "stack_lbfgs": Stack,
    }
    if optimizer in precons:
        made = SafeLBFGS(atoms, precon=precons[optimizer](), logfile=None, maxstep=maxstep)
        if memory:
            made.restore(memory)
    elif optimizer == "lbfgs":
        made = LBFGS(atoms, logfile=None, maxstep=maxstep)
    else:
        made = FIRE(atoms, logfile=None, maxstep=maxstep)
    if observe is not None:
        state = getattr(made, "state", dict)
        made.attach(lambda: observe(atoms, state))
    made.run(fmax=fmax, steps=max_steps)


def _largest(atoms: Any) -> float:
    forces = atoms.get_forces()
    return float(np.sqrt((forces**2).sum(axis=1).max(initial=0.0)))
