"""The potential of free atoms."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar

import numpy as np
from ase import Atoms
from ase.calculators.calculator import BaseCalculator

from harness.potentials.calculator import PotentialCalculator


class FreeAtoms(PotentialCalculator):
    """No interaction: energy and forces are zero. A potential and its own calculator."""

    name = "free_atoms"
    implemented_properties: ClassVar[list[str]] = ["energy", "forces"]
    elements: frozenset[str] | None = None
    dtypes = ("float64", "float32")

    def calculator(self, device: str = "cpu", dtype: str = "float64") -> BaseCalculator:
        """A fresh calculator."""
        return FreeAtoms()

    def provenance(self) -> dict[str, Any]:
        """The closed form."""
        return {"form": "free atoms", "level_of_theory": "analytic"}

    def _compute(self, atoms: Atoms, properties: Collection[str]) -> dict[str, Any]:
        return {"energy": 0.0, "forces": np.zeros((len(atoms), 3))}
