"""The field that holds layers at a given slip: switching at zero temperature, all else at rest in the field.

A field ramped at zero temperature switches where the equilibrium is lost, and there relaxations neither converge nor
say much. Here the slip x from BA towards SP is held and the field is what is measured, as in a test of strength under
given displacement: in the field E₀ + λ ê the force along the slip vanishes for

    λ(x) = −(f + E₀·z) / (ê·z),    f = Σ_upper F·d,    z_a = Σ_upper Z_ab d_b

and every other coordinate relaxes in the same field. The largest λ on the way to SP is the coercive field.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.constraints import FixConstraint

from harness.engine import Engine
from harness.protocols import Context
from harness_tasks.field_force import balanced_charges, force
from harness_tasks.stacks import LOWER, UPPER


class HeldSlip(FixConstraint):
    """The upper layer keeps its mean place along `direction` with respect to the lower one; all else is free."""

    def __init__(self, direction: np.ndarray) -> None:
        self.direction = np.asarray(direction, dtype=float)

    def get_removed_dof(self, atoms: Atoms) -> int:
        """One."""
        return 1

    def adjust_positions(self, atoms: Atoms, new: np.ndarray) -> None:
        """Take back what `new` (natoms, 3) slips."""
        self._remove(new, _apart(new - atoms.positions))

    def adjust_forces(self, atoms: Atoms, forces: np.ndarray) -> None:
        """Take off the part that would slip the layers."""
        self._remove(forces, _apart(forces))

    def _remove(self, vectors: np.ndarray, apart: np.ndarray) -> None:
        slip = 0.5 * (apart @ self.direction) * self.direction
        vectors[UPPER] -= slip
        vectors[LOWER] += slip

    def todict(self) -> dict[str, Any]:
        """A JSON-able description."""
        return {"name": type(self).__name__, "kwargs": {"direction": self.direction.tolist()}}


@dataclass(frozen=True, slots=True)
class Load:
    """A field that grows: E₀ + λ ê, V/Å.

    Attributes
    ----------
    constant, direction
        E₀ and ê, (3,).
    """

    constant: np.ndarray
    direction: np.ndarray


class BalancedField(Calculator):
    """Forces in the field of `load` that leaves none along the slip; λ in ``field``.

    The slip has to be held: these forces are those of no energy, since λ follows the atoms. ``energy`` is that without
    a field.
    """

    implemented_properties: ClassVar[list[str]] = ["energy", "forces"]

    def __init__(self, ctx: Context, load: Load, slip: np.ndarray) -> None:
        super().__init__()
        self._ctx, self._load, self._slip = ctx, load, slip
        self.field = np.nan
        self.charges: np.ndarray | None = None

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] | None = None,
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Forces of the potential and of the field."""
        super().calculate(atoms, properties, system_changes)
        assert atoms is not None
        found = self._ctx.engine.evaluate([atoms.copy()], ["energy", "forces"])[0]
        self.charges = balanced_charges(self._ctx, atoms)
        z = self.charges[UPPER].sum(axis=0) @ self._slip
        forces = found["forces"] - np.mean(found["forces"], axis=0)
        pull = forces[UPPER].sum(axis=0) @ self._slip
        self.field = float(-(pull + self._load.constant @ z) / (self._load.direction @ z))
        field = self._load.constant + self.field * self._load.direction
        self.results = {"energy": found["energy"], "forces": forces + force(self.charges, field)}


@dataclass(frozen=True, slots=True)
class Held:
    """Layers at rest in the field that holds them: λ (V/Å), positions (natoms, 3), and whether the rest converged."""

    field: float
    positions: np.ndarray
    converged: bool


def hold(ctx: Context, atoms: Atoms, load: Load, slip: np.ndarray) -> Held:
    """Relax `atoms` (a primitive bilayer, slipped already) in the field of `load` that holds them there.

    Parameters
    ----------
    slip
        Unit vector along which the slip is counted, (3,).
    """
    held = atoms.copy()
    held.set_constraint(HeldSlip(slip))
    calculator = BalancedField(ctx, load, slip)
    found = Engine(calculator).relax(
        held, fmax=ctx.params.fmax, max_steps=ctx.params.max_steps, optimizer="lbfgs", maxstep=0.05
    )
    calculator.get_property("forces", held)
    return Held(calculator.field, held.positions, found.converged)


def _apart(vectors: np.ndarray) -> np.ndarray:
    return vectors[UPPER].mean(axis=0) - vectors[LOWER].mean(axis=0)
