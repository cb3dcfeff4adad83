"""Cells by stacking name: atoms, periods, registries; and how mistakes are told."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from harness_tasks.structures.cells import cells_for
from harness_tasks.structures.cells import rectangular as rectangular_sheet

from harness.errors import HarnessError
from harness.materials.honeycomb import STACKINGS
from harness.registry.lookup import build_material

A, D = 2.511, 3.35


def material(**changes: Any) -> dict[str, Any]:
    return {"symbols": ["B", "N"], "layers": 2, "stacking": "AB", "a": A, "distance": D, "vacuum": 20.0} | changes


def primitive(values: dict[str, Any]) -> Atoms:
    return build_material(values).atoms


def rectangular(values: dict[str, Any], nx: int = 1, ny: int = 1) -> Atoms:
    return rectangular_sheet(build_material(values), nx, ny)


def above(atoms: Atoms, index: int) -> list[str]:
    """Symbols of the atoms straight above atom `index`."""
    d = atoms.get_distances(index, range(len(atoms)), mic=True, vector=True)
    straight = np.linalg.norm(d[:, :2], axis=1) < 1e-6
    return [atoms.symbols[i] for i in np.flatnonzero(straight & (d[:, 2] > 1e-6))]


@pytest.mark.parametrize("build", [primitive, rectangular])
@pytest.mark.parametrize("stacking", STACKINGS)
def test_every_atom_has_three_bonds_and_layers_their_distance(build: Any, stacking: str) -> None:
    atoms = build(material(stacking=stacking))
    big = atoms.repeat((3, 3, 1))
    distances = big.get_all_distances(mic=True)
    assert ((distances > 0.1) & (distances < 1.5)).sum(axis=1).tolist() == [3] * len(big)
    bond = distances[(distances > 0.1) & (distances < 1.5)]
    assert bond == pytest.approx(np.full(bond.shape, A / math.sqrt(3)))
    assert np.ptp(atoms.positions[:, 2]) == pytest.approx(D)
    assert atoms.pbc.tolist() == [True, True, False]


def test_registries_put_the_named_atoms_on_top_of_each_other() -> None:
    tops = {}
    for stacking in STACKINGS:
        atoms = primitive(material(stacking=stacking))
        tops[stacking] = {atoms.symbols[i]: above(atoms, i) for i in (0, 1)}
    assert tops["AA"] == {"B": ["B"], "N": ["N"]}
    assert tops["AA'"] == {"B": ["N"], "N": ["B"]}
    assert tops["AB"] == {"B": [], "N": ["B"]}
    assert tops["BA"] == {"B": ["N"], "N": []}
    assert tops["SP"] == {"B": [], "N": []}


def test_ba_is_ab_upside_down() -> None:
    """Mirroring AB gives BA, up to a translation: the distances between species are the same."""

    def vertical(stacking: str) -> dict[tuple[str, str], float]:
        atoms = primitive(material(stacking=stacking))
        d = atoms.get_all_distances(mic=True)
        return {(atoms.symbols[i], atoms.symbols[j]): round(d[i, j], 9) for i in (0, 1) for j in (2, 3)}

    ab, ba = vertical("AB"), vertical("BA")
    assert {(upper, lower): r for (lower, upper), r in ab.items()} == ba != ab


def test_rectangular_is_the_primitive_cell_repeated() -> None:
    small, large = primitive(material()), rectangular(material(), 3, 2)
    assert len(large) == 8 * 6
    assert large.cell.lengths()[:2] == pytest.approx([3 * A, 2 * math.sqrt(3) * A])
    assert large.get_volume() / len(large) == pytest.approx(small.get_volume() / len(small))
    assert np.bincount(large.arrays["layer"]).tolist() == [24, 24]


def test_eight_by_eight_nanometres_are_4608_atoms() -> None:
    nx, ny = cells_for(build_material(material()), 80.0, 80.0)
    assert (nx, ny) == (32, 18)
    assert len(rectangular(material(), nx, ny)) == 4608


def test_monolayer_needs_neither_stacking_nor_distance() -> None:
    single = {k: v for k, v in material(layers=1).items() if k not in ("stacking", "distance")}
    assert len(rectangular(single)) == 4
    assert np.ptp(primitive(single).positions[:, 2]) == 0


@pytest.mark.parametrize(("stacking", "fourth"), [("AB", "same as the first"), ("AA'", "as the second")])
def test_four_layers_repeat_the_step_from_layer_to_layer(stacking: str, fourth: str) -> None:
    """AB goes on to the rhombohedral stack, which repeats after three layers; AA' alternates."""
    atoms = primitive(material(stacking=stacking, layers=4))
    again = {"same as the first": 0, "as the second": 1}[fourth]
    shift = atoms.positions[6:] - atoms.positions[2 * again : 2 * again + 2]
    fractions = np.linalg.solve(atoms.cell[:2, :2].T, shift[:, :2].T)
    assert fractions == pytest.approx(np.round(fractions), abs=1e-9)
    assert shift[:, 2] == pytest.approx((3 - again) * D)
    assert (atoms.numbers[6:] == atoms.numbers[2 * again : 2 * again + 2]).all()


def test_antiparallel_has_a_name_without_apostrophe() -> None:
    assert primitive(material(stacking="AAp")) == primitive(material(stacking="AA'"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"stacking": "ABB"}, "Did you mean 'AB'?"),
        ({"stacking": None}, "Choices: AA, AA', AB, BA, SP"),
        ({"a": -2.5}, "material.a must be positive"),
        ({"a": "wide"}, "material.a is 'wide'"),
        ({"distance": 0}, "material.distance must be positive"),
        ({"layers": 5}, "Choices: 1 to 4"),
        ({"layers": True}, "Choices: 1 to 4"),
        ({"vacuum": math.inf}, "material.vacuum must be positive"),
        ({"symbols": ["B"]}, "Give two chemical symbols"),
        ({"symbols": ["Xx", "N"]}, "'Xx', which is no chemical symbol"),
        ({"color": "red"}, "unknown parameter of material prototype 'honeycomb' 'color'"),
        ({"distanc": 3.0}, "Did you mean 'distance'?"),
        ({"prototype": "honeycom"}, "Did you mean 'honeycomb'?"),
        ({"file": "sheet.cif"}, "unknown parameter of a material from a file"),
    ],
)
def test_bad_materials_are_told_in_one_line(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(HarnessError, match=words.replace("?", r"\?")) as error:
        primitive(material(**changes))
    assert "\n" not in str(error.value)


def test_missing_and_negative_sizes() -> None:
    with pytest.raises(HarnessError, match="material.a is None"):
        primitive({"symbols": ["B", "N"], "layers": 1, "vacuum": 20.0})
    with pytest.raises(HarnessError, match="length is -80"):
        cells_for(build_material(material()), None, -80.0)
    with pytest.raises(HarnessError, match="width is 0"):
        cells_for(build_material(material()), 0.0, 80.0)
    with pytest.raises(HarnessError, match="nx is 0"):
        rectangular(material(), 0, 1)
