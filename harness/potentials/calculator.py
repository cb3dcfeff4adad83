"""An ASE calculator whose results one method gives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes

__all__ = ["PotentialCalculator"]

_VOIGT = [0, 4, 8, 5, 2, 1]


class PotentialCalculator(Calculator, ABC):
    """ASE calculator of a potential: a subclass names its `implemented_properties` and defines `_compute`."""

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
        found = self._compute(self.atoms, properties)
        if "energy" in found:
            found.setdefault("free_energy", found["energy"])
        derivative = found.pop("strain_derivative", None)
        if derivative is not None and self.atoms.cell.rank == 3:
            symmetric = 0.5 * (np.asarray(derivative) + np.asarray(derivative).T)
            found["stress"] = (symmetric / self.atoms.get_volume()).ravel()[_VOIGT]
        self.results.update(found)

    @abstractmethod
    def _compute(self, atoms: Atoms, properties: Collection[str]) -> dict[str, Any]:
        """Results for one structure.

        Parameters
        ----------
        atoms
            The structure, a copy that nobody else has.
        properties
            What was asked for. More may be given; expensive properties only where they are named here.

        Returns
        -------
        dict
            By ASE's names, in ASE's units. ``free_energy`` is the energy where it is left out. In place of ``stress``
            a potential may give ``strain_derivative``, ∂E/∂ε in eV, (3, 3): it becomes the stress of cells with three
            vectors, and others have none.
        """
