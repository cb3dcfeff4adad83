"""Every line of `conformance` about polarization finds what it is meant to find."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from harness_tasks.conformance.task import Conformance
from harness_tasks.oracles.plate import PlatePolarization

from harness.contracts.measurement import Measurement
from harness.testing.trial import measure

sys.path.insert(0, str(Path(__file__).parent))
from conformance_models import PairPotential, Shell  # noqa: E402

Found = dict[str, np.ndarray]
BILAYER = {"symbols": ["B", "N"], "layers": 2, "stacking": "AB", "a": 2.511, "distance": 3.3, "vacuum": 20.0}
SYMMETRIES = ("rotation", "turned_over", "mirror", "inversion", "translation", "origin", "permutation", "supercell")


def examine(model: Any) -> Measurement:
    return measure(Conformance(), PairPotential(), model, material=BILAYER, nve_steps=40, path_points=30)


def failed(found: Measurement) -> set[str]:
    return {check.name for check in found.checks if not check.passed}


def transposed(found: Found, atoms: Atoms) -> None:
    found["born_effective_charges"] = found["born_effective_charges"].transpose(0, 2, 1)


def doubled(found: Found, atoms: Atoms) -> None:
    found["born_effective_charges"] = 1.01 * found["born_effective_charges"]


def ionic(found: Found, atoms: Atoms) -> None:
    """Charges that do not add up."""
    found["born_effective_charges"] = found["born_effective_charges"] + 0.01 * np.eye(3)


def in_volts_per_nanometre(found: Found, atoms: Atoms) -> None:
    found["forces"] = 0.1 * found["forces"]
    found["energy"] = 0.1 * found["energy"]


def of_the_wrong_sign(found: Found, atoms: Atoms) -> None:
    found["energy"] = -found["energy"]


def even(found: Found, atoms: Atoms) -> None:
    """A constant polarization along z."""
    found["dipole"] = found["dipole"] + [0, 0, 1e-3 * len(atoms)]


def of_origin(found: Found, atoms: Atoms) -> None:
    found["dipole"] = found["dipole"] + [0, 0, 1e-2 * atoms.positions[:, 2].sum()]


def by_a_quantum(found: Found, atoms: Atoms) -> None:
    """Another branch of the polarization in the plane: no mistake."""
    found["dipole"] = found["dipole"] + atoms.cell.array[0] - 2 * atoms.cell.array[1]


CASES = [
    (transposed, {"born_finite_differences", "born_index_order", "field_forces"}),
    (doubled, {"born_finite_differences", "field_forces"}),
    (ionic, {"born_finite_differences", "born_sum_rule", "field_forces"}),
    (in_volts_per_nanometre, {"field_forces", "field_energy"}),
    (of_the_wrong_sign, {"field_energy"}),
    (even, {"polarization_mirror", "polarization_inversion", "polarization_turned_over", "polarization_flat_layer",
            "polarization_AB_BA", "polarization_AA", "field_energy"}),
    (by_a_quantum, {"field_energy"}),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "lines"), CASES, ids=[case[0].__name__ for case in CASES])
def test_a_broken_model_fails_exactly_its_lines(spoil: Any, lines: set[str]) -> None:
    assert failed(examine(Shell(spoil))) == lines


def test_a_dipole_that_depends_on_the_origin_is_found() -> None:
    lines = failed(examine(Shell(of_origin)))
    assert {"polarization_origin", "born_finite_differences", "polarization_flat_layer"} <= lines
    assert not lines & {"polarization_permutation", "polarization_supercell", "born_sum_rule"}


def test_charges_and_dipoles_of_a_model_that_leaves_out_what_charges_carry() -> None:
    """Along periodic directions Σ q r may be left out of the dipole, as long as the Born charges have it."""

    class Charged(Shell):
        implemented_properties = ("dipole", "born_effective_charges", "charges")

        def calculate(self, atoms: Atoms, properties: Any, field: Any = (0.0, 0.0, 0.0)) -> Found:
            found = super().calculate(atoms, [p for p in properties if p != "charges"], field)
            charges = np.where(atoms.numbers == 5, 0.7, -0.7)
            if "dipole" in found:
                found["dipole"] = found["dipole"] + [0, 0, charges @ atoms.positions[:, 2]]
            if "born_effective_charges" in found:
                found["born_effective_charges"] = found["born_effective_charges"] + charges[:, None, None] * np.eye(3)
            return found | ({"charges": charges} if "charges" in properties else {})

    found = examine(Charged())
    assert failed(found) == set()
    assert {"charge_neutrality", "born_finite_differences"} <= set(found.observables)
    assert any("field_forces" in note for note in found.notes)


def test_a_dipole_alone_is_checked_for_what_it_is() -> None:
    found = examine(PlatePolarization())
    assert failed(found) == set()
    names = set(found.observables)
    assert {f"polarization_{name}" for name in (*SYMMETRIES, "flat_layer", "AB_BA", "AA", "vacuum", "history")} <= names
    assert not any(name.startswith("born") for name in names)
    assert any("plate offers no Born charges" in note for note in found.notes)


def test_the_polarization_of_a_potential_itself_is_examined() -> None:
    class Polar(PairPotential):
        implemented_properties = ("energy", "forces", "stress", "dipole", "born_effective_charges")

        def __init__(self) -> None:
            super().__init__(offers=self.implemented_properties)

        def calculator(self, device: str = "cpu", dtype: str = "float64") -> Any:
            calculator = super().calculator()
            get, shell = calculator.get_property, Shell(doubled)

            def with_response(name: str, atoms: Any = None, allow_calculation: bool = True) -> Any:
                if name in shell.implemented_properties[:2]:
                    return shell.calculate(atoms, [name])[name]
                return get(name, atoms, allow_calculation)

            calculator.get_property = with_response  # type: ignore[method-assign]
            return calculator

    found = measure(Conformance(), Polar(), None, material=BILAYER, nve_steps=40, path_points=30)
    assert failed(found) == {"born_finite_differences"}
