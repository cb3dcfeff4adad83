"""Lennard-Jones between layers: against the formula, an integral, and finite differences."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress
from harness_layered.lennard_jones import LennardJones
from harness_layered.potential import InterlayerLJ
from scipy.integrate import quad
from scipy.special import zeta

from harness.errors import HarnessError

ELEMENTS = {5: (0.004, 3.1), 7: (0.006, 3.4)}
Stack = Callable[..., Atoms]


def shifted(r: float, epsilon: float, sigma: float, cutoff: float) -> float:
    def value(x: float) -> float:
        return 4 * epsilon * ((sigma / x) ** 12 - (sigma / x) ** 6)

    def slope(x: float) -> float:
        return -24 * epsilon * (2 * (sigma / x) ** 12 - (sigma / x) ** 6) / x

    return value(r) - value(cutoff) - (r - cutoff) * slope(cutoff) if r < cutoff else 0.0


@pytest.mark.parametrize("r", [2.9, 3.7, 8.0, 11.999, 12.001])
def test_a_pair_is_the_shifted_formula(r: float) -> None:
    pair = Atoms("BN", positions=[[0, 0, 0], [r * 0.6, 0, r * 0.8]])
    pair.set_array("layer", np.array([0, 1]))
    pair.calc = LennardJones(ELEMENTS)
    epsilon, sigma = np.sqrt(0.004 * 0.006), (3.1 + 3.4) / 2
    assert pair.get_potential_energy() == pytest.approx(shifted(r, epsilon, sigma, 12.0), abs=1e-14)
    h = 1e-5
    slope = (shifted(r + h, epsilon, sigma, 12.0) - shifted(r - h, epsilon, sigma, 12.0)) / (2 * h)
    np.testing.assert_allclose(pair.get_forces()[1], -slope * np.array([0.6, 0.0, 0.8]), atol=1e-9)
    assert "stress" not in pair.calc.results


def test_pairs_of_one_layer_do_not_interact(stack: Stack) -> None:
    atoms = stack(layers=1)
    atoms.calc = LennardJones(ELEMENTS)
    assert atoms.get_potential_energy() == 0.0
    assert np.all(atoms.get_forces() == 0.0)
    assert np.all(atoms.get_stress() == 0.0)


@pytest.mark.parametrize("pbc", [(True, True, False), (True, True, True), (False, False, False)])
def test_equals_a_plain_double_sum(stack: Stack, pbc: tuple[bool, bool, bool]) -> None:
    atoms = stack(2, 2, 3)
    atoms.set_array("layer", np.repeat([0, 1, 2], 8))
    atoms.pbc = pbc
    calculator = LennardJones(ELEMENTS, 9.0)
    reach = [range(-3, 4) if periodic else (0,) for periodic in pbc]
    energy = 0.0
    for i in range(len(atoms)):
        for j in range(len(atoms)):
            if atoms.arrays["layer"][i] == atoms.arrays["layer"][j]:
                continue
            epsilon, sigma = calculator.mixed(atoms.numbers[i], atoms.numbers[j])
            for n in np.array(np.meshgrid(*reach)).reshape(3, -1).T:
                r = np.linalg.norm(atoms.positions[j] + n @ atoms.cell.array - atoms.positions[i])
                energy += 0.5 * shifted(r, epsilon, sigma, 9.0)
    assert calculator.get_property("energy", atoms) == pytest.approx(energy, rel=1e-12)


def test_two_rigid_sheets_are_the_integral_over_a_continuum() -> None:
    """At large distance the lattice sum becomes an integral of the pair energy over a plane of atoms."""
    from ase.build import graphene

    sheet = graphene("BN", a=2.511, size=(1, 1, 1))
    upper = sheet.copy()
    upper.positions[:, 2] += 7.0
    atoms = sheet + upper
    atoms.cell[2] = [0, 0, 40.0]
    atoms.pbc = (True, True, False)
    cutoff = 20.0
    atoms.calc = LennardJones(ELEMENTS, cutoff)
    area = np.linalg.norm(np.cross(atoms.cell[0], atoms.cell[1]))
    expected = 0.0
    for a in (5, 7):
        for b in (5, 7):
            epsilon, sigma = atoms.calc.mixed(a, b)
            expected += quad(lambda r, e=epsilon, s=sigma: 2 * np.pi * r * shifted(r, e, s, cutoff), 7.0, cutoff)[0]
    assert atoms.get_potential_energy() == pytest.approx(expected / area, rel=2e-3)


def test_stack_of_planes_at_long_cutoff_recovers_the_zeta_sum() -> None:
    """An infinite periodic stack: -A sum_n n^-4 d^-4 of the r^-6 tail, with the cutoff error that theory predicts."""
    from ase.build import graphene

    distance, cutoff, sigma, epsilon = 6.0, 60.0, 1.0, 1.0  # at 6 Å the repulsion of sigma = 1 Å is nothing
    cell = graphene("BN", a=2.511, size=(1, 1, 1))
    other = cell.copy()
    other.positions[:, 2] += distance
    atoms = cell + other
    atoms.cell[2] = [0, 0, 2 * distance]
    atoms.pbc = True
    atoms.set_array("layer", np.array([0, 0, 1, 1]))
    atoms.calc = LennardJones({5: (epsilon, sigma), 7: (epsilon, sigma)}, cutoff)
    area = np.linalg.norm(np.cross(atoms.cell[0], atoms.cell[1]))
    density = 2 / area
    # layers of the other kind lie at odd multiples of the distance: sum over odd n of n^-4 is 15/16 zeta(4)
    per_area = -4 * epsilon * sigma**6 * density**2 * (np.pi / 2) * (15 / 16) * zeta(4) / distance**4
    # each layer sees neighbours above and below, each pair shared by two: one sum per layer, two layers per cell
    assert atoms.get_potential_energy() == pytest.approx(2 * per_area * area, rel=0.02)


def test_forces_and_stress_are_derivatives(stack: Stack) -> None:
    atoms = stack(1, 2)
    atoms.calc = LennardJones(ELEMENTS, 9.0)
    np.testing.assert_allclose(atoms.get_forces(), calculate_numerical_forces(atoms, eps=1e-4), atol=1e-8)
    np.testing.assert_allclose(atoms.get_forces().sum(axis=0), 0.0, atol=1e-13)
    np.testing.assert_allclose(atoms.get_stress(), calculate_numerical_stress(atoms, eps=1e-5), atol=1e-10)


def test_the_kept_list_serves_a_moving_stack(stack: Stack) -> None:
    atoms = stack(3, 3)
    atoms.calc = LennardJones(ELEMENTS)
    rng = np.random.default_rng(0)
    for _ in range(12):
        atoms.positions += rng.normal(scale=0.08, size=atoms.positions.shape)
        fresh = atoms.copy()
        fresh.set_array("layer", atoms.calc._memory.layers(atoms))
        fresh.calc = LennardJones(ELEMENTS)
        assert atoms.get_potential_energy() == pytest.approx(fresh.get_potential_energy(), abs=1e-12)
    assert 1 < atoms.calc._list.builds < 12


def test_merged_layers_are_an_error(stack: Stack) -> None:
    atoms = stack(rattle=0.0)
    atoms.calc = LennardJones(ELEMENTS)
    for _ in range(2):
        atoms.positions[8:, 2] -= 0.6
        atoms.get_potential_energy()
    atoms.positions[8:, 2] -= 0.6
    with pytest.raises(HarnessError, match="layers have merged: an interlayer distance is 1.55"):
        atoms.get_potential_energy()


def test_unknown_element_and_bad_files(tmp_path: Path) -> None:
    pair = Atoms("BC", positions=[[0, 0, 0], [0, 0, 3.5]], calculator=LennardJones(ELEMENTS))
    with pytest.raises(HarnessError, match="no element 'C'; it knows B, N"):
        pair.get_potential_energy()
    path = tmp_path / "m.json"
    for text, message in (
        ("{", "is not a Lennard-Jones model"),
        ("[]", "is not a Lennard-Jones model"),
        ('{"cutoff": 12}', "lacks 'elements'"),
        ('{"elements": {"Bx": {"epsilon": 1, "sigma": 1}}, "cutoff": 12}', "'Bx' is no element"),
        ('{"elements": {"B": {"epsilon": -1, "sigma": 1}}, "cutoff": 12}', "must be positive"),
        ('{"elements": {"B": {"epsilon": 1}}, "cutoff": 12}', "lacks 'sigma'"),
    ):
        path.write_text(text)
        with pytest.raises(HarnessError, match=message) as caught:
            InterlayerLJ(str(path))
        assert "\n" not in str(caught.value)
    path.write_text(json.dumps({"elements": {"B": {"epsilon": 1, "sigma": 1}}, "cutoff": 12}))
    assert InterlayerLJ(str(path)).elements == {"B"}
    with pytest.raises(HarnessError, match="cutoff=-1"):
        InterlayerLJ(str(path), cutoff=-1)
