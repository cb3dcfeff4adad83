"""ASE calculator over deepmd's evaluators."""

from __future__ import annotations

from collections.abc import Sequence

from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes

from harness_deep_wannier.evaluate import Energies, Polarization

__all__ = ["POLARIZATION", "DeepWannierCalculator"]

POLARIZATION = ("dipole", "atomic_dipoles", "born_effective_charges")


class DeepWannierCalculator(Calculator):
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

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        """ASE's interface; called when something changed, or for a property that was not asked for before."""
        super().calculate(atoms, properties, system_changes)
        if system_changes:
            self.results = {}
        if not set(properties).isdisjoint(POLARIZATION) and self._polarization is not None:
            self.results.update(self._polarization(self.atoms))
        if not set(properties) <= set(self.results):
            found = self._energies(self.atoms, atomic="energies" in properties)
            virial = found.pop("virial")
            self.results.update(found, free_energy=found["energy"])
            if self.atoms.cell.rank == 3:
                self.results["stress"] = -virial.ravel()[[0, 4, 8, 5, 2, 1]] / self.atoms.get_volume()
