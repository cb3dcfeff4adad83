"""The bases that potentials are built on."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.fd import calculate_numerical_stress

from harness.errors import HarnessError
from harness.potentials.calculator import PotentialCalculator
from harness.potentials.universal import UniversalPotential, file_in_package


class Spring(PotentialCalculator):
    """E = k |r₁ − r₀|² / 2; charges only when asked for."""

    implemented_properties = ["energy", "free_energy", "forces", "stress", "charges"]  # noqa: RUF012 (ASE's way)

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, ...]] = []

    def _compute(self, atoms: Atoms, properties: Collection[str]) -> dict[str, Any]:
        self.asked.append(tuple(properties))
        if not np.isfinite(atoms.positions).all():
            raise HarnessError("a coordinate is not a finite number.", "Check the structure.")
        d = atoms.positions[1] - atoms.positions[0]
        found: dict[str, Any] = {
            "energy": 0.5 * float(d @ d),
            "forces": np.array([d, -d]),
            "strain_derivative": np.outer(d, d),
        }
        if "charges" in properties:
            found["charges"] = np.array([1.0, -1.0])
        return found


def pair() -> Atoms:
    return Atoms("BN", positions=[[0, 0, 0], [1.0, 0.2, 0.5]], cell=[6, 7, 8], calculator=Spring())


def test_stress_is_the_derivative_of_the_energy_where_there_is_a_volume() -> None:
    atoms = pair()
    np.testing.assert_allclose(atoms.get_stress(), calculate_numerical_stress(atoms, eps=1e-5), atol=1e-9)
    assert atoms.calc.get_property("free_energy", atoms) == atoms.get_potential_energy()
    atoms.cell[2] = 0.0
    atoms.get_forces()
    assert "stress" not in atoms.calc.results


def test_results_of_one_structure_add_up_and_go_with_it() -> None:
    atoms = pair()
    energy = atoms.get_potential_energy()
    atoms.get_charges()
    assert {"energy", "charges"} <= set(atoms.calc.results)
    assert atoms.calc.asked == [("energy",), ("charges",)]
    atoms.positions[1] *= 2
    assert atoms.get_potential_energy() == pytest.approx(4 * energy)
    assert "charges" not in atoms.calc.results


def test_a_structure_that_failed_has_no_results() -> None:
    atoms = pair()
    atoms.get_potential_energy()
    atoms.positions[0] = np.nan
    with pytest.raises(HarnessError, match="not a finite number"):
        atoms.calc.calculate(atoms)
    assert atoms.calc.results == {}


def test_weights_of_a_package() -> None:
    """The package numpy stands in for a backend; a module of it for weights."""

    class Universal(UniversalPotential):
        name, implemented_properties, dtypes = "universal", ("energy", "forces", "stress"), ("float64",)
        licence, executes_code, packages = "BSD-3-Clause", False, ("numpy",)
        file = property(lambda self: file_in_package("numpy", "version.p*"))
        form = level_of_theory = property(lambda self: "none")

        def calculator(self, device: str = "cpu", dtype: str = "float64") -> Spring:
            return Spring()

    facts = Universal().provenance()
    assert facts["model"]["file"].startswith("version.py") and len(facts["model"]["sha256"]) == 64
    assert facts["versions"] == {"numpy": np.__version__}
    assert {"B", "N", "Mo", "S"} <= Universal.elements and "Po" not in Universal.elements
    with pytest.raises(HarnessError, match=r"does not hold its weights 'no/such\*'"):
        file_in_package("numpy", "no/such*")
