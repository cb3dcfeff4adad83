"""A potential in a uniform field, to first order: what relaxations in a field are asked of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes

from harness.contracts.task import Context
from harness_tasks.polarization.field_force import balanced_charges, force
from harness_tasks.structures.sheets import polarization


class InField(Calculator):
    """Energy U − E·P and forces F + Z·E, at frozen electrons: what they add themselves, −½ α E², is left out.

    The sum rule is imposed on the Born charges and the mean force is taken off, so the forces are those of the energy
    up to a shift of the whole.

    Parameters
    ----------
    ctx
        Its engine evaluates, and counts; its polarization model has Born charges, and dipole.
    field
        V/Å, (3,); it may be changed, before `reset`.
    follow
        Whether the energy contains the field; False leaves U alone, which saves the dipole where only forces are
        followed, as optimisers without a line search do.

    Attributes
    ----------
    charges
        Born charges of the last structure, less their mean, e (natoms, 3, 3).
    """

    implemented_properties: ClassVar[list[str]] = ["energy", "forces"]

    def __init__(self, ctx: Context, field: np.ndarray, follow: bool = True) -> None:
        super().__init__()
        self._ctx, self._follow = ctx, follow
        self.field = np.asarray(field, dtype=float)
        self.charges = np.empty((0, 3, 3))

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] | None = None,
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Energy and forces of `atoms` in the field."""
        super().calculate(atoms, properties, system_changes)
        assert atoms is not None
        alone = atoms.copy()
        found = self._ctx.engine.evaluate([alone], ["energy", "forces"])[0]
        bare = found["forces"] - np.mean(found["forces"], axis=0)
        self.charges = balanced_charges(self._ctx, alone)
        energy = found["energy"]
        if self._follow:
            energy -= float(polarization(self._ctx, alone, ["dipole"])["dipole"] @ self.field)
        self.results = {"energy": energy, "forces": bare + force(self.charges, self.field)}
