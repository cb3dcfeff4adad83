"""The default engine: relaxation and evaluation through ASE, dynamics by the steppers of this package."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import BaseCalculator
from ase.constraints import FixAtoms
from ase.filters import FrechetCellFilter

from harness.contracts.engine import (
    MAXSTEP,
    OPTIMIZERS,
    BringsEngine,
    Engine,
    Ensemble,
    ExternalForce,
    Motion,
    Optimizer,
    Relaxation,
    RelaxationObserver,
    Watch,
)
from harness.contracts.potential import Potential
from harness.engine.calculators import CountedCalculator
from harness.engine.dynamics import SteppedMotion
from harness.engine.extrapolation import grade_of
from harness.errors import unknown_choice


def make_engine(potential: Potential, calculator: BaseCalculator) -> Engine:
    """The engine that `potential` brings, or the default one, around a calculator that it made."""
    return potential.engine(calculator) if isinstance(potential, BringsEngine) else ASEEngine(calculator)


class ASEEngine:
    """ASE's optimisers, and the integrators of `harness.engine.steppers`, around one calculator.

    See `harness.contracts.engine.Engine` for its methods. An engine of another backend inherits from it and replaces
    what it does better.

    Parameters
    ----------
    calculator
        Any ASE calculator.
    """

    def __init__(self, calculator: BaseCalculator) -> None:
        self._calculator = CountedCalculator(calculator)

    @property
    def name(self) -> str:
        """``ase``."""
        return "ase"

    @property
    def force_calls(self) -> int:
        """Evaluations so far."""
        return self._calculator.calls

    def evaluate(
        self, structures: Sequence[Atoms], properties: Sequence[str] = ("energy", "forces")
    ) -> list[dict[str, Any]]:
        """The `properties` (ASE's names) of each structure, in order. Structures are left unchanged."""
        # Calculators that skip the stress unless asked give energy and forces along with it, not the reverse.
        ordered = sorted(properties, key=lambda name: name not in ("stress", "stresses"))
        results = []
        for atoms in structures:
            with self._attached(atoms):
                found = {name: self._calculator.get_property(name, atoms) for name in ordered}
            results.append({name: found[name] for name in properties})
        return results

    def extrapolation_grade(self, atoms: Atoms) -> float | None:
        """See `harness.contracts.engine.Engine`."""
        return grade_of(self._calculator.inner, atoms)

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
        """Relax in place; see `harness.contracts.engine.Engine`."""
        if optimizer not in OPTIMIZERS:
            raise unknown_choice("optimizer", optimizer, OPTIMIZERS)
        before = self.force_calls
        with self._attached(atoms, fixed):
            if (len(atoms) < 3 or cell is not None) and optimizer != "fire":
                optimizer = "lbfgs"  # the preconditioners know no cell, and need neighbours
            moving = atoms if cell is None else FrechetCellFilter(atoms, mask=list(cell))
            self._calculator.strict = True  # ASE's line search would never end on a nan
            try:
                watched = None if cell is not None else observe
                ran = _robustly(optimizer, moving, fmax, max_steps, maxstep, watched, memory)
                reached = _largest(moving)
            except FloatingPointError:
                ran, reached = optimizer, math.nan
            finally:
                self._calculator.strict = False
        return Relaxation(reached <= fmax, self.force_calls - before, reached, ran)

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
        """Prepare a trajectory; see `harness.contracts.engine.Engine`."""
        return SteppedMotion(
            self._calculator,
            atoms,
            ensemble=ensemble,
            temperature=temperature,
            seed=seed,
            timestep=timestep,
            damping=damping,
            held=held,
            velocities=velocities,
            external_force=external_force,
            watch=watch,
            resume=resume,
        )

    @contextmanager
    def _attached(self, atoms: Atoms, fixed: np.ndarray | None = None) -> Iterator[None]:
        """Lend calculator and constraint to `atoms` and take them back."""
        calculator, constraints = atoms.calc, list(atoms.constraints)
        atoms.calc = self._calculator
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
