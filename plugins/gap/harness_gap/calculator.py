"""ASE calculator over quippy: everything in one pass, and the predicted standard deviation on request."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import all_changes

from harness.errors import HarnessError
from harness.potentials.calculator import PotentialCalculator

__all__ = ["GAPCalculator"]

_UNCERTAIN = ("energies_uncertainty", "energy_uncertainty")
_VARIANCE = "local_gap_variance"


class GAPCalculator(PotentialCalculator):
    """Energy (eV), energies per atom, forces (eV/Å), stress (eV/Å³ over the cell of the structure, where it has one).

    On request (``get_property("energies_uncertainty", atoms)``) also the standard deviation that the Gaussian process
    predicts for each atomic energy (eV, (N,)), and ``energy_uncertainty``, their sum: the standard deviation of the
    energy cannot be larger, whatever the correlations. Force calls do not pay for it.

    Parameters
    ----------
    potential
        quippy's.
    elements
        Symbols that it knows; None: any.
    """

    implemented_properties = ["energy", "free_energy", "energies", "forces", "stress", *_UNCERTAIN]  # noqa: RUF012

    def __init__(self, potential: Any, elements: frozenset[str] | None) -> None:
        super().__init__()
        self._quip = potential
        self._elements = elements

    def _compute(self, atoms: Atoms, properties: Collection[str]) -> dict[str, Any]:
        """Results for one structure; HarnessError for an unknown element, which QUIP would take for nothing."""
        foreign = set() if self._elements is None else set(atoms.get_chemical_symbols()) - self._elements
        if foreign:
            known = ", ".join(sorted(self._elements or ()))
            raise HarnessError(f"the GAP does not know the element {min(foreign)}; it knows {known}.",
                               "Choose a material of these elements, or a model fitted to it.")  # fmt: skip
        if not np.isfinite(atoms.positions).all():  # an optimiser wants to hear of it, QUIP would stop
            return {"energy": np.nan, "forces": np.full((len(atoms), 3), np.nan)}
        wanted = ["energy", "forces", *(["stress"] if atoms.cell.rank == 3 else [])]
        if "energies" in properties:
            wanted.append("energies")
        uncertain = not set(_UNCERTAIN).isdisjoint(properties)
        self._quip.results = {}
        self._quip.calculate(atoms, wanted, all_changes, calc_args=f"{_VARIANCE}={_VARIANCE}" if uncertain else None)
        found = {name: self._quip.results[name] for name in (*wanted, "free_energy")}
        if uncertain:
            variance = np.asarray(self._quip.extra_results["atoms"][_VARIANCE]).reshape(len(atoms))
            deviations = np.sqrt(np.maximum(variance, 0.0))
            found |= {"energies_uncertainty": deviations, "energy_uncertainty": float(deviations.sum())}
        return found
