"""The stored DFT labels of hBN bilayers as a potential and as a polarization model: exactly those structures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes

from harness.data.dataset import Dataset

FOLDER = Path(__file__).parents[2] / "datasets" / "hbn"


@cache
def _frames(kind: str) -> list[Atoms]:
    families = ["curve-bilayer4", "path-bilayer4", "scan-mono2"] if kind == "energies" else ["path-bilayer4"]
    return Dataset.load(FOLDER).frames("all", kind, families)


def same(atoms: Atoms, kind: str) -> Atoms:
    """The frame with this structure."""
    for frame in _frames(kind):
        if len(frame) == len(atoms) and np.allclose(frame.cell[:2, :2], atoms.cell[:2, :2], atol=1e-6):
            apart = (frame.positions - frame.positions[0]) - (atoms.positions - atoms.positions[0])
            fractions = np.linalg.solve(atoms.cell[:2, :2].T, apart[:, :2].T)
            if np.abs(apart[:, 2]).max() < 1e-6 and np.abs(fractions - fractions.round()).max() < 1e-6:
                return frame
    raise LookupError("no label for this structure")


class LabelCalculator(Calculator):
    implemented_properties = ["energy", "forces", "stress"]

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] | None = None,
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        assert atoms is not None
        found = same(atoms, "energies").calc.results
        self.results = {name: found[name] for name in self.implemented_properties}


class Labels:
    name = "labels"
    implemented_properties = ("energy", "forces", "stress")
    elements = frozenset({"B", "N"})

    def calculator(self, device: str = "cpu", dtype: str = "float64") -> LabelCalculator:
        return LabelCalculator()

    def provenance(self) -> dict[str, Any]:
        return {"level_of_theory": "PBE-D3(BJ)"}


class LabelPolarization:
    name = "labels"
    implemented_properties = ("dipole", "born_effective_charges")
    elements = frozenset({"B", "N"})

    def calculate(
        self, atoms: Atoms, properties: Sequence[str], field: Sequence[float] = (0.0, 0.0, 0.0)
    ) -> dict[str, np.ndarray]:
        frame = same(atoms, "responses")
        known = {
            "dipole": np.asarray(frame.calc.results["dipole"]),
            "born_effective_charges": frame.arrays["born_charges"].reshape(-1, 3, 3),
        }
        return {name: known[name] for name in properties}

    def provenance(self) -> dict[str, Any]:
        return {"level_of_theory": "PBE"}
