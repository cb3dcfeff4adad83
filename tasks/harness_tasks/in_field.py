"""A potential in a uniform vertical field, to first order: what relaxations in a field are asked of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes

from harness.protocols import Context
from harness_tasks.field_force import balanced_charges, force
from harness_tasks.sheets import polarization


class InField(Calculator):
    """Energy U − E P_z and forces F + Z·E, at frozen electrons: what they add themselves, −½ α E², is left out.

    The sum rule is imposed on the Born charges, so the forces are those of the energy up to a shift of the whole.

    Parameters
    ----------
    ctx
        Its engine evaluates, and counts; its polarization model has dipole and Born charges.
    field
        Along z, V/Å.
    """

    implemented_properties: ClassVar[list[str]] = ["energy", "forces"]

    def __init__(self, ctx: Context, field: float) -> None:
        super().__init__()
        self._ctx, self.field = ctx, np.array([0.0, 0.0, field])

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] | None = None,
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Energy and forces of `atoms` in the field."""
        super().calculate(atoms, properties, system_changes)
        assert atoms is not None
        bare = atoms.copy()
        found = self._ctx.engine.evaluate([bare], ["energy", "forces"])[0]
        charges = balanced_charges(self._ctx, bare)
        dipole = polarization(self._ctx, bare, ["dipole"])["dipole"]
        self.results = {
            "energy": found["energy"] - float(dipole @ self.field),
            "forces": found["forces"] + force(charges, self.field),
        }
