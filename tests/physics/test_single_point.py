"""One evaluation of the primitive cell, against the calculator itself and against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from harness_tasks.oracles.plate import PlatePolarization, PlatePotential
from harness_tasks.single_point.task import SinglePoint

from harness.testing.trial import measure

BOND = 1.45
MONOLAYER = {"symbols": ["B", "N"], "layers": 1, "a": BOND * 3**0.5, "vacuum": 20.0}


def test_relaxed_sheet_has_no_energy_force_stress_or_dipole() -> None:
    found = measure(SinglePoint(), PlatePotential(bond=BOND), PlatePolarization(charge=0.4), material=MONOLAYER)
    assert set(found.observables) == {
        "energy_per_atom",
        "largest_force",
        "stress_xx",
        "stress_yy",
        "stress_xy",
        "sheet_dipole_z",
    }
    for name, quantity in found.observables.items():
        assert quantity.value == pytest.approx(0, abs=1e-9), name


def test_stretched_sheet_has_the_energy_and_stress_of_its_bonds() -> None:
    """Equibiaxial strain e: three half bonds an atom, ½ k (b e)² each; sheet stress dE/de over twice the area."""
    strain, stretch = 0.01, 30.0
    material = MONOLAYER | {"a": BOND * 3**0.5 * (1 + strain)}
    found = measure(SinglePoint(), PlatePotential(bond=BOND, stretch=stretch), None, material=material)
    energy = 1.5 * 0.5 * stretch * (BOND * strain) ** 2
    assert found.observables["energy_per_atom"].value == pytest.approx(energy)
    area = 3 * 3**0.5 / 2 * (BOND * (1 + strain)) ** 2
    tension = 3 * stretch * BOND * strain * BOND * (1 + strain) / (2 * area) * 16.02176634
    assert found.observables["stress_xx"].value == pytest.approx(tension)
    assert found.observables["stress_yy"].value == pytest.approx(tension)


def test_repeating_changes_nothing_per_atom_or_area() -> None:
    material = MONOLAYER | {"a": 2.6, "layers": 2, "stacking": "AB", "distance": 3.3}
    potential = PlatePotential(coupling=0.05)
    one, many = (measure(SinglePoint(), potential, None, material=material, repeat=r) for r in ((1, 1), (3, 2)))
    for name, quantity in one.observables.items():
        assert many.observables[name].value == pytest.approx(quantity.value, abs=1e-9), name
    assert many.arrays["forces"].shape == (24, 3)
    assert many.frames["structure"][0].calc is None


def test_dipole_is_asked_of_the_potential_when_no_model_is_given() -> None:
    class Dipolar(PlatePotential):
        implemented_properties = ("energy", "forces", "dipole")

        def calculator(self, device: str = "cpu", dtype: str = "float64"):  # type: ignore[no-untyped-def]
            calculator = super().calculator(device, dtype)
            calculate = calculator.calculate
            calculator.implemented_properties = [*calculator.implemented_properties, "dipole"]

            def with_dipole(*args: object) -> None:
                calculate(*args)
                calculator.results["dipole"] = np.array([0.0, 0.0, 0.02])

            calculator.calculate = with_dipole
            return calculator

    found = measure(SinglePoint(), Dipolar(), None, material=MONOLAYER)
    area = 3**0.5 / 2 * MONOLAYER["a"] ** 2  # type: ignore[operator]
    assert found.observables["sheet_dipole_z"].value == pytest.approx(0.02 / area * 1602.176634)
