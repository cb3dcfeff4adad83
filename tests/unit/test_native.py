"""A potential's own polarization, against fixed charges, for which P = Σ q r and Z = q exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes

from harness.engine.native import native_polarization
from harness.errors import HarnessError

CHARGES = {"B": 0.8, "N": -0.8}


class FixedCharges(Calculator):
    implemented_properties = ["energy", "dipole", "born_effective_charges"]

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        q = np.array([CHARGES[s] for s in atoms.symbols])
        self.results = {
            "energy": 0.0,
            "dipole": q @ atoms.positions,
            "born_effective_charges": q[:, None, None] * np.eye(3),
        }


class Ionic:
    name = "ionic"
    implemented_properties = FixedCharges.implemented_properties
    elements = None

    def calculator(self, device: str = "cpu", dtype: str = "float64") -> FixedCharges:
        return FixedCharges()

    def provenance(self) -> dict[str, Any]:
        return {"form": "fixed charges"}


ATOMS = Atoms("BN", positions=[(0, 0, 0), (0.1, 0.2, 1.5)])


def test_field_does_work_on_the_dipole() -> None:
    model = native_polarization(Ionic(), FixedCharges())
    assert model is not None
    assert set(model.implemented_properties) == {"dipole", "born_effective_charges", "energy", "forces"}
    field, step = np.array([0.3, -0.2, 0.5]), 1e-4
    forces = model.calculate(ATOMS, ["forces"], field)["forces"]
    np.testing.assert_allclose(forces, np.outer([0.8, -0.8], field), atol=1e-14)
    for i, axis in ((0, 2), (1, 0)):
        energies = []
        for sign in (1, -1):
            moved = ATOMS.copy()
            moved.positions[i, axis] += sign * step
            energies.append(float(model.calculate(moved, ["energy"], field)["energy"]))
        assert forces[i, axis] == pytest.approx(-(energies[0] - energies[1]) / (2 * step), abs=1e-9)


def test_what_it_lacks_is_named() -> None:
    model = native_polarization(Ionic(), FixedCharges())
    assert model is not None
    with pytest.raises(HarnessError, match="does not offer polarizability"):
        model.calculate(ATOMS, ["polarizability"])


def test_without_a_dipole_there_is_none() -> None:
    class Bare(Ionic):
        implemented_properties = ["energy", "forces"]

    assert native_polarization(Bare(), FixedCharges()) is None
