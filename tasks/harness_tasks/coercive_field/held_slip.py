"""The field that holds layers at a given slip: switching at zero temperature, all else at rest in the field.

A field ramped at zero temperature switches where the equilibrium is lost, and there relaxations neither converge nor
say much. Here the slip x from BA towards SP is held and the field is what is measured, as in a test of strength under
given displacement: in the field λ ê the force along the slip vanishes for

    λ(x) = −f / (ê·z),    f = Σ_upper F·d,    z_a = Σ_upper Z_ab d_b

and every other coordinate relaxes in the same field. The largest λ on the way to SP is the coercive field.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from ase.constraints import FixConstraint

from harness.contracts.task import Context
from harness.engine.field import FieldEngine
from harness_tasks.polarization.responses import Responses
from harness_tasks.structures.bilayers import LOWER, UPPER

#: Most fields that are tried, share of the field at which the balance is found, and a field that no sheet bears, V/Å.
MOST_FIELDS, CLOSE, LARGEST = 8, 1e-4, 20.0
#: Steps of a relaxation in a field; where there is rest at all, twenty are enough.
LONGEST = 100


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
class Held:
    """Layers at rest in the field that holds them: its size λ (V/Å; nan where they find no rest), and positions."""

    field: float
    positions: np.ndarray

    @property
    def converged(self) -> bool:
        """Whether the layers are at rest, and balanced."""
        return bool(np.isfinite(self.field))


def hold(ctx: Context, atoms: Atoms, direction: np.ndarray, slip: np.ndarray, guess: float) -> Held:
    """Relax `atoms` (a primitive bilayer, slipped already) in fields along `direction` until one holds them there.

    At each λ all but the slip relaxes; the next λ follows from the force that is left along the slip, by the secant.

    Parameters
    ----------
    direction, slip
        ê and d, unit vectors (3,).
    guess
        The first λ, V/Å.
    """
    held = atoms.copy()
    held.set_constraint(HeldSlip(slip))
    engine = FieldEngine(ctx.engine, Responses.of(ctx), guess * direction, with_energy=False)
    size, tried = guess, list[tuple[float, float]]()
    for _ in range(MOST_FIELDS):
        engine.set_field(size * direction)
        goal = ctx.noise.reachable(ctx.params.fmax)
        found = engine.relax(
            held, fmax=goal, max_steps=min(ctx.params.max_steps, LONGEST), optimizer="lbfgs", maxstep=0.05
        )
        if not found.converged:
            break
        pull = float(engine.evaluate([held], ["forces"])[0]["forces"][UPPER].sum(axis=0) @ slip)
        tried.append((size, pull))
        slope = float(direction @ engine.charges[UPPER].sum(axis=0) @ slip)
        if len(tried) > 1 and tried[-1][0] != tried[-2][0]:
            slope = (tried[-1][1] - tried[-2][1]) / (tried[-1][0] - tried[-2][0])
        change = -pull / slope if slope else np.nan
        size += change
        if not 0 < size < LARGEST:
            break
        if abs(change) < CLOSE * size:
            return Held(size, held.positions)
    return Held(np.nan, held.positions)


def _apart(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors[UPPER].mean(axis=0) - vectors[LOWER].mean(axis=0))
