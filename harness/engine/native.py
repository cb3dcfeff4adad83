"""The polarization that a potential brings itself, seen as a polarization model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.errors import HarnessError

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import BaseCalculator

    from harness.contracts.measurement import Arrays
    from harness.contracts.potential import Potential

RESPONSES = ("dipole", "charges", "atomic_dipoles", "born_effective_charges", "polarizability")


class NativePolarization:
    """Dipole and its derivatives from the potential's own calculator.

    In a uniform field E the energy is −P·E and the force on atom i is Σ_a E_a Z[i, a, :], both to first order: the
    electrons do not answer to the field beyond what P says, so the dipole is that without a field.

    Parameters
    ----------
    potential
        Offers ``dipole``, and perhaps more of `RESPONSES`.
    calculator
        Its calculator.
    """

    def __init__(self, potential: Potential, calculator: BaseCalculator) -> None:
        self.name = potential.name
        self.elements = potential.elements
        own = [name for name in RESPONSES if name in potential.implemented_properties]
        field = (["energy"] if "dipole" in own else []) + (["forces"] if "born_effective_charges" in own else [])
        self.implemented_properties: Sequence[str] = tuple(own + field)
        self._potential, self._calculator = potential, calculator

    def calculate(self, atoms: Atoms, properties: Sequence[str], field: Sequence[float] = (0.0, 0.0, 0.0)) -> Arrays:
        """The named properties of `atoms`; ``energy`` and ``forces`` are those that `field` (V/Å) adds.

        Raises
        ------
        HarnessError
            For a property that the potential does not offer.
        """
        missing = [name for name in properties if name not in self.implemented_properties]
        if missing:
            raise HarnessError(
                f"potential '{self.name}' does not offer {', '.join(missing)}.",
                f"It offers {', '.join(self.implemented_properties)}; a polarization model may (polarization=NAME).",
            )
        vector = np.asarray(field, dtype=float)
        values: Arrays = {}
        for name in properties:
            if name == "energy":
                values[name] = np.asarray(-(self._get("dipole", atoms) @ vector))
            elif name == "forces":
                values[name] = np.einsum("a,iab->ib", vector, self._get("born_effective_charges", atoms))
            else:
                values[name] = self._get(name, atoms)
        return values

    def provenance(self) -> dict[str, Any]:
        """That of the potential."""
        return self._potential.provenance()

    def _get(self, name: str, atoms: Atoms) -> np.ndarray:
        return np.asarray(self._calculator.get_property(name, atoms), dtype=float)


def native_polarization(potential: Potential, calculator: BaseCalculator) -> NativePolarization | None:
    """The potential's own polarization, or None when it has no dipole."""
    return NativePolarization(potential, calculator) if "dipole" in potential.implemented_properties else None
