"""ASE calculator over deepmd's evaluators."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ase import Atoms

from harness.potentials.calculator import PotentialCalculator
from harness_deep_wannier.evaluate import Energies, Polarization

__all__ = ["POLARIZATION", "DeepWannierCalculator"]

POLARIZATION = ("dipole", "atomic_dipoles", "born_effective_charges")


class DeepWannierCalculator(PotentialCalculator):
    """Energy (eV), forces (eV/Å), stress (eV/Å³; cells with three vectors), and what the dipole model gives.

    Energies per atom (``energies``) and the polarization are evaluated when they are asked for; a force call does not
    pay for them.
    """

    implemented_properties = ["energy", "free_energy", "energies", "forces", "stress"]  # noqa: RUF012 (ASE's way)

    def __init__(self, energies: Energies, polarization: Polarization | None = None) -> None:
        super().__init__()
        self._energies, self._polarization = energies, polarization
        if polarization is not None:
            self.implemented_properties = [*self.implemented_properties, *POLARIZATION]

    def _compute(self, atoms: Atoms, properties: Collection[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if not set(properties).isdisjoint(POLARIZATION) and self._polarization is not None:
            found |= self._polarization(atoms)
        if not set(properties) <= {*self.results, *found}:
            found |= self._energies(atoms, atomic="energies" in properties)
            found["strain_derivative"] = -found.pop("virial")
        return found
