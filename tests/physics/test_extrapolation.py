"""How far a potential extrapolates reaches the record, and means what it says."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.lj import LennardJones

from harness.contracts.measurement import Measurement
from harness.engine.extrapolation import PROPERTY, TRUSTED, grade_frames
from harness.registry.lookup import build_material, build_potential

MATERIAL = build_material({"name": "bn_bilayer", "symbols": ["B", "N"], "layers": 2, "stacking": "AB", "a": 2.511,
            "distance": 3.35, "vacuum": 25.0})  # fmt: skip
PARTS = {"intralayer": {"name": "mtp", "params": {}}, "interlayer": {"name": "lj", "params": {}}}


@pytest.fixture
def bilayer() -> Atoms:
    atoms = MATERIAL.atoms.repeat((3, 3, 1))
    atoms.rattle(0.1, seed=3)
    return atoms


def test_a_stack_is_as_far_out_as_its_worst_layer(bilayer: Atoms) -> None:
    calculator = build_potential("layered", PARTS).calculator()
    alone = build_potential("mtp", {}).calculator()
    top = bilayer.positions[:, 2] > bilayer.positions[:, 2].mean()
    expected = np.empty(len(bilayer))
    for layer in (top, ~top):
        expected[layer] = alone.get_property("extrapolation_grades", bilayer[layer])
    np.testing.assert_allclose(calculator.get_property("extrapolation_grades", bilayer), expected, rtol=1e-9)
    assert calculator.get_property(PROPERTY, bilayer) == pytest.approx(expected.max())
    assert np.isfinite(calculator.get_property("forces", bilayer)).all()  # asking leaves the rest as it is


def test_the_record_shows_the_worst_structure_and_is_invalid_far_out(bilayer: Atoms) -> None:
    far = bilayer.copy()
    far.rattle(0.4, seed=4)
    calculator = build_potential("layered", PARTS).calculator()
    measurement = Measurement(frames={"near": [bilayer], "far": [bilayer, far]})
    grade_frames(calculator, measurement)
    grade = measurement.observables[PROPERTY]
    assert grade.n == 3 and grade.value == pytest.approx(calculator.get_property(PROPERTY, far))
    (check,) = measurement.checks
    assert check.value == grade.value > check.tolerance == TRUSTED and not check.passed
    near = Measurement(frames={"near": [bilayer]})
    grade_frames(calculator, near)
    assert near.observables[PROPERTY].value < grade.value and near.checks[0].passed


def test_potentials_without_a_grade_are_left_alone(bilayer: Atoms) -> None:
    measurement = Measurement(frames={"a": [bilayer]})
    grade_frames(LennardJones(), measurement)
    assert not measurement.observables and not measurement.checks
