"""The sum of two potentials over layers, whatever the layers do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from ase import Atoms
from ase.build import graphene
from ase.calculators.calculator import Calculator
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress
from ase.calculators.lj import LennardJones as AseLJ
from harness_layered.calculator import LayeredCalculator
from harness_layered.layers import LayerMemory
from harness_layered.lennard_jones import LennardJones
from harness_layered.potential import LayeredPotential

from harness.errors import HarnessError

ELEMENTS = {5: (0.004, 3.1), 7: (0.006, 3.4)}
Stack = Callable[..., Atoms]


def inside() -> Calculator:
    """A pair potential that would reach across layers (cutoff 6 Å) if it were let to."""
    return AseLJ(sigma=1.3, epsilon=1.0, rc=6.0, smooth=True)


def layered() -> LayeredCalculator:
    return LayeredCalculator(inside, LennardJones(ELEMENTS, 9.0))


def single(atoms: Atoms, calculator: Calculator) -> float:
    copy = atoms.copy()
    copy.calc = calculator
    return copy.get_potential_energy()


def test_a_monolayer_is_the_intralayer_potential(stack: Stack) -> None:
    atoms = stack(layers=1)
    assert single(atoms, layered()) == single(atoms, inside())


def test_the_sum_of_layers_and_their_interaction(stack: Stack) -> None:
    atoms = stack(2, 2, 3)
    parts = [atoms[8 * k : 8 * k + 8] for k in range(3)]
    expected = sum(single(p, inside()) for p in parts) + single(atoms, LennardJones(ELEMENTS, 9.0))
    assert single(atoms, layered()) == pytest.approx(expected, rel=1e-12)
    # in one piece the same potential would count cross-layer pairs
    assert abs(single(atoms, inside()) - sum(single(p, inside()) for p in parts)) > 1e-3


def test_forces_and_stress_are_derivatives(stack: Stack) -> None:
    atoms = stack(2, 2)[np.random.default_rng(0).permutation(16)]
    atoms.calc = layered()
    scale = np.abs(atoms.get_forces()).max()
    np.testing.assert_allclose(atoms.get_forces(), calculate_numerical_forces(atoms, eps=1e-4), atol=1e-6 * scale)
    np.testing.assert_allclose(atoms.get_stress(), calculate_numerical_stress(atoms, eps=1e-5), atol=1e-8)


def bent(amplitude: float) -> Atoms:
    """AB bilayer with one wave whose amplitude exceeds the distance of the layers."""
    lower = graphene("BN", a=2.511, size=(1, 16, 1))
    upper = lower.copy()
    upper.positions += [0.0, 2.511 / np.sqrt(3), 3.35]
    atoms = lower + upper
    atoms.cell[2] = [0, 0, 40.0]
    atoms.pbc = (True, True, False)
    atoms.positions[:, 2] += 15.0 + amplitude * np.sin(2 * np.pi * atoms.get_scaled_positions()[:, 1])
    return atoms


def test_layers_survive_bending_and_leaving_the_cell() -> None:
    """The crest of the lower layer lies above the trough of the upper one; atoms are wrapped or moved by cells."""
    atoms = bent(4.0)
    expected = np.repeat([0, 1], len(atoms) // 2)
    z = atoms.positions[:, 2]
    assert z[expected == 0].max() > z[expected == 1].min()
    np.testing.assert_array_equal(LayerMemory().layers(atoms), expected)
    moved = atoms.copy()
    moved.positions += np.random.default_rng(1).integers(-2, 3, (len(atoms), 2)) @ moved.cell.array[:2]
    np.testing.assert_array_equal(LayerMemory().layers(moved), expected)
    assert single(moved, layered()) == pytest.approx(single(atoms, layered()), abs=1e-9)
    flat = bent(0.0)
    assert single(flat, layered()) != pytest.approx(single(atoms, layered()), abs=1e-3)


def test_layers_are_remembered_while_atoms_move_and_found_anew_otherwise(stack: Stack) -> None:
    memory, atoms = LayerMemory(), stack()
    first = memory.layers(atoms)
    for _ in range(5):
        atoms.positions[0, 2] -= 0.6
        assert memory.layers(atoms) is first  # a torn atom stays in its layer
    assert LayerMemory().layers(atoms).max() == 2
    assert memory.layers(stack(layers=3)).max() == 2
    atoms.set_array("layer", np.arange(len(atoms)) % 2)
    np.testing.assert_array_equal(memory.layers(atoms), np.arange(len(atoms)) % 2)
    atoms.arrays["layer"] = np.linspace(0, 1, len(atoms))
    with pytest.raises(HarnessError, match="not one integer per atom"):
        memory.layers(atoms)


def test_another_structure_of_the_same_atoms_is_not_taken_for_the_last(stack: Stack) -> None:
    calculator = layered()
    single_layer, two = stack(2, 2, 1), stack(2, 1, 2)
    assert single_layer.numbers.tolist() == two.numbers.tolist()
    assert calculator.get_property("energy", single_layer) == pytest.approx(single(single_layer, layered()))
    assert calculator.get_property("energy", two) == pytest.approx(single(two, layered()))


def test_extensive_and_reusable_for_another_structure(stack: Stack) -> None:
    calculator = layered()
    atoms = stack(2, 2)
    energy = calculator.get_property("energy", atoms)
    assert calculator.get_property("energy", atoms.repeat((2, 2, 1))) == pytest.approx(4 * energy, rel=1e-10)
    assert calculator.get_property("energy", stack(layers=1)) == pytest.approx(single(stack(layers=1), inside()))
    assert calculator.get_property("energy", atoms) == pytest.approx(energy, rel=1e-12)


def test_without_three_cell_vectors_there_is_no_stress(stack: Stack) -> None:
    atoms = stack()
    atoms.set_cell(np.zeros((3, 3)))
    atoms.pbc = False
    atoms.calc = layered()
    atoms.get_forces()
    assert "stress" not in atoms.calc.results


def test_grades_are_those_inside_the_layers(stack: Stack) -> None:
    """Each layer is graded as a sheet of its own; what has no grades offers none."""
    pytest.importorskip("motep")
    assert "extrapolation_grade" not in layered().implemented_properties
    potential = LayeredPotential({"name": "mtp"}, {"name": "lj"})
    atoms = stack()
    atoms.positions[0, 0] += 0.3
    calculator = potential.calculator()
    grades = calculator.get_property("extrapolation_grades", atoms)
    sheet = potential.intralayer.calculator()
    assert grades[:8] == pytest.approx(sheet.get_property("extrapolation_grades", atoms[:8]), rel=1e-6)
    assert grades[:8].max() > grades[8:].max()
    assert calculator.get_property("extrapolation_grade", atoms) == grades.max()


class TestPotential:
    SPEC = {"name": "ase", "params": {"calculator": "ase.calculators.emt:EMT"}}

    def test_composes_registered_potentials(self, stack: Stack) -> None:
        potential = LayeredPotential({"name": "lj"}, None)
        assert potential.elements == {"B", "N"}
        assert potential.implemented_properties == ("energy", "forces", "stress")
        assert potential.provenance()["intralayer"]["model"]["sha256"]
        both = LayeredPotential({"name": "lj"}, {"name": "lj", "params": {"cutoff": 9.0}})
        atoms = stack()
        # inside one layer the interlayer potential is nothing, so this is the interlayer energy alone
        assert single(atoms, both.calculator()) == pytest.approx(
            single(atoms, potential.intralayer.__class__(cutoff=9.0).calculator()), rel=1e-12
        )
        assert both.provenance()["level_of_theory"] == "PBE-D3(BJ)"

    @pytest.mark.parametrize(
        ("intralayer", "message"),
        [({}, "intralayer names no potential"), ({"name": "mtpp"}, "unknown potential 'mtpp'"),
         ({"name": "lj", "parms": {}}, "Did you mean 'params'"), ({"name": "lj", "params": {"modle": "x"}}, "modle"),
         ({"name": "lj", "params": {"model": "bn_bilayer_lj.jso"}}, "Did you mean 'bn_bilayer_lj.json'")],
    )  # fmt: skip
    def test_mistakes_are_named(self, intralayer: dict, message: str) -> None:
        with pytest.raises(HarnessError, match=message):
            LayeredPotential(intralayer)
