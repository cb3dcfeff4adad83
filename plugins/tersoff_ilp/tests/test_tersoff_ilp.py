"""Physics of the classical baseline: layers, registry, derivatives, provenance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress
from scipy.optimize import minimize_scalar

from harness.errors import HarnessError
from harness.materials.layers import assign_layers
from harness.registry.lookup import build_potential

Make = Callable[..., Any]


def energy(atoms: Atoms, **params: Any) -> float:
    atoms = atoms.copy()
    atoms.calc = build_potential("tersoff_ilp", params).calculator()
    return atoms.get_potential_energy()


@pytest.mark.parametrize("intralayer", ["tersoff", "extep"])
def test_forces_and_stress_are_derivatives(stack: Make, intralayer: str) -> None:
    atoms = stack(n=2, layers=3, rattle=0.05)
    atoms.calc = build_potential("tersoff_ilp", {"intralayer": intralayer}).calculator()
    np.testing.assert_allclose(atoms.get_forces(), calculate_numerical_forces(atoms, 1e-4), atol=1e-5)
    np.testing.assert_allclose(atoms.get_stress(), calculate_numerical_stress(atoms, 1e-5), atol=1e-7)


def test_a_flake_with_dangling_corners_has_forces_that_are_derivatives(stack: Make) -> None:
    """LAMMPS' optimised style has others; the plain one takes over."""
    atoms = stack(n=2, rattle=0.05)
    atoms.pbc, atoms.cell = False, None
    atoms.calc = build_potential("tersoff_ilp", {}).calculator()
    np.testing.assert_allclose(atoms.get_forces(), calculate_numerical_forces(atoms, 1e-4), atol=1e-5)


def test_one_calculator_goes_from_a_sheet_to_a_flake_and_back(stack: Make) -> None:
    calc = build_potential("tersoff_ilp", {}).calculator()
    sheet = stack(n=2, rattle=0.05)
    flake = sheet.copy()
    flake.set_cell(flake.cell.array * [[3], [3], [1]])  # same atoms, same layers, now with dangling corners
    for atoms in (sheet, flake, sheet):
        atoms.calc = calc
        np.testing.assert_allclose(atoms.get_forces(), calculate_numerical_forces(atoms, 1e-4), atol=1e-5)


def test_the_lattice_is_that_of_the_papers(stack: Make) -> None:
    def per_cell(a: float) -> float:
        atoms = stack(layers=1)
        atoms.set_cell(atoms.cell.array * [[a / 2.504], [a / 2.504], [1]], scale_atoms=True)
        return energy(atoms)

    best = minimize_scalar(per_cell, bounds=(2.45, 2.56), method="bounded", options={"xatol": 1e-5}).x
    assert best == pytest.approx(2.498, abs=0.004)  # Å; hBN is 2.504


def test_stackings_are_ordered_as_ilp_has_them(stack: Make) -> None:
    """Parallel layers: AB lowest, AA highest, the saddle between; distances and binding as ILP was fitted."""
    bound = {}
    for name, registry in (("AA", 0.0), ("SP", 0.5), ("AB", 1 / 3)):
        found = minimize_scalar(
            lambda d, r=registry: energy(stack(distance=d, registry=r)), bounds=(3.0, 4.0), method="bounded"
        )
        bound[name] = (found.fun - 2 * energy(stack(layers=1))) / 4 * 1e3, found.x
    assert bound["AB"][0] < bound["SP"][0] < bound["AA"][0]
    assert bound["AB"][1] < bound["SP"][1] < bound["AA"][1]
    assert -32 < bound["AB"][0] < -22 and 3.2 < bound["AB"][1] < 3.4  # meV per atom, Å


def test_next_nearest_layers_attract_each_other(stack: Make) -> None:
    one, two, three = (energy(stack(layers=k)) for k in (1, 2, 3))
    beyond_pairs = three - 2 * two + one  # what is left is between the outer layers, 6.66 Å apart
    apart = stack(layers=2, distance=6.66, registry=0.0)
    assert beyond_pairs == pytest.approx(energy(apart) - 2 * one, abs=1e-9)
    assert -0.02 < beyond_pairs < -0.001


def test_one_layer_has_no_interlayer_part(stack: Make) -> None:
    sheet = stack(n=2, layers=1, rattle=0.05)
    assert energy(sheet) == pytest.approx(energy(sheet, interlayer=None), abs=1e-12)


def test_without_interlayer_part_layers_do_not_feel_each_other(stack: Make) -> None:
    assert energy(stack(), interlayer=None) == pytest.approx(2 * energy(stack(layers=1)), abs=1e-10)


def test_layers_of_a_bent_stack_are_told_apart(bent: Make) -> None:
    atoms = bent()
    layers = assign_layers(atoms)
    lower, upper = atoms.positions[layers == 0, 2], atoms.positions[layers == 1, 2]
    assert lower.max() > upper.min() + 3  # height could not tell them
    flat = bent(amplitude=0.0)
    per_atom = (energy(atoms) - energy(atoms, interlayer=None)) / len(atoms)
    assert per_atom == pytest.approx((energy(flat) - energy(flat, interlayer=None)) / len(flat), rel=0.1)


def test_energies_do_not_depend_on_how_atoms_are_wrapped(stack: Make) -> None:
    atoms = stack(n=3, rattle=0.05)
    moved = atoms.copy()
    moved.positions += [1.0, 2.0, 0.0]
    moved.wrap(pbc=(1, 1, 0))
    assert energy(moved) == pytest.approx(energy(atoms), abs=1e-9)


def test_provenance_cites_and_hashes() -> None:
    facts = build_potential("tersoff_ilp", {"intralayer": "extep"}).provenance()
    assert set(facts["model"]) == {"BN.extep", "BNCH.ILP"}
    assert all(len(entry["sha256"]) == 64 for entry in facts["model"].values())
    assert "96, 184108" in facts["citations"]["intralayer"] and "Nano Lett" in facts["citations"]["interlayer"]
    assert facts["level_of_theory"] == "empirical"


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"intralayer": "tersof"}, "Did you mean 'tersoff'"),
        ({"interlayer": "lj"}, "unknown force field between layers 'lj'"),
        ({"cutoff": 0}, "is no distance"),
        ({"model": "x"}, "unknown parameter"),
    ],
)
def test_mistakes(params: dict[str, Any], words: str) -> None:
    with pytest.raises(HarnessError, match=words):
        build_potential("tersoff_ilp", params)


def test_foreign_elements_are_refused() -> None:
    with pytest.raises(HarnessError, match="does not know the element C; it knows B, N"):
        energy(Atoms("BC", positions=[[0, 0, 0], [0, 0, 1.5]]))
