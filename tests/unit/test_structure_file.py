"""Materials from structure files: any axis, any cell, the same sheet; and what is refused, in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111, graphene, graphene_nanoribbon, molecule, mx2
from ase.io import write
from scipy.spatial.transform import Rotation

from harness.contracts.material import Material, Need
from harness.errors import HarnessError, UnsupportedError
from harness.materials.honeycomb import STACKINGS
from harness.materials.needs import check_needs, has
from harness.registry.lookup import build_material

BILAYER: dict[str, Any] = {"layers": 2, "stacking": "AB", "a": 2.511, "distance": 3.35, "vacuum": 20.0}


def read(atoms: Atoms, path: Path) -> Material:
    write(path, atoms)
    return build_material({"name": None, "file": str(path)})


@pytest.mark.parametrize("stacking", STACKINGS)
@pytest.mark.parametrize("layers", [2, 3, 4])
@pytest.mark.parametrize("suffix", ["cif", "vasp", "extxyz"])
def test_a_prototype_comes_back_from_a_file(tmp_path: Path, layers: int, stacking: str, suffix: str) -> None:
    made = build_material(BILAYER | {"layers": layers, "stacking": stacking})
    found = read(made.atoms, tmp_path / f"sheet.{suffix}")
    assert found.honeycomb and found.stacking == stacking and found.layers == layers
    assert found.atoms.positions == pytest.approx(made.atoms.positions, abs=1e-5)
    assert found.atoms.cell.array == pytest.approx(made.atoms.cell.array, abs=1e-5)
    assert (found.numbers == made.numbers).all()
    assert found.name == f"BN {({2: 'bilayer', 3: 'trilayer', 4: 'four layers'})[layers]} {stacking}, sheet.{suffix}"


def turned(atoms: Atoms, how: str) -> Atoms:
    """The same bilayer written otherwise."""
    atoms = atoms.copy()
    atoms.pbc = True
    rng = np.random.default_rng(3)
    if how == "rotated in space":
        matrix = Rotation.random(random_state=1).as_matrix()
        return Atoms(atoms.numbers, atoms.positions @ matrix.T, cell=atoms.cell.array @ matrix.T, pbc=True)
    if how == "vacuum along x":
        return Atoms(
            atoms.numbers, atoms.positions[:, [2, 0, 1]], cell=atoms.cell.array[[2, 0, 1]][:, [2, 0, 1]], pbc=True
        )
    if how == "left-handed":
        return Atoms(atoms.numbers, atoms.positions, cell=atoms.cell.array[[1, 0, 2]], pbc=True)
    if how == "tilted":
        cell = atoms.cell.array.copy()
        cell[2, :2] = 3.1, -1.7
        return Atoms(atoms.numbers, atoms.positions, cell=cell, pbc=True)
    if how == "across the boundary":
        atoms.positions[:, 2] -= atoms.positions[:, 2].mean()
        atoms.wrap()
        return atoms
    if how == "supercell in another order":
        large = atoms.repeat((3, 2, 1))
        large.positions += [0.3, 0.7, 2.0]
        return large[rng.permutation(len(large))]
    if how == "rectangular":
        cell = atoms.cell.array.copy()
        second = atoms.copy()
        second.positions += cell[0] + cell[1]
        both = atoms + second
        both.set_cell([cell[0], cell[0] + 2 * cell[1], cell[2]])
        return both
    assert how == "60 degrees"
    cell = atoms.cell.array.copy()
    cell[1] += cell[0]
    return Atoms(atoms.numbers, atoms.positions, cell=cell, pbc=True)


@pytest.mark.parametrize(
    "how",
    ["rotated in space", "vacuum along x", "left-handed", "tilted", "across the boundary", "supercell in another order",
     "rectangular", "60 degrees"],
)  # fmt: skip
@pytest.mark.parametrize("stacking", ["AB", "BA", "AA'"])
def test_the_same_bilayer_however_it_is_written(tmp_path: Path, how: str, stacking: str) -> None:
    made = build_material(BILAYER | {"stacking": stacking})
    found = read(turned(made.atoms, how), tmp_path / "sheet.extxyz")
    assert found.stacking == stacking
    assert found.atoms.positions == pytest.approx(made.atoms.positions, abs=1e-5)
    assert found.atoms.cell.array == pytest.approx(made.atoms.cell.array, abs=1e-5)


def test_two_layers_at_no_named_registry_keep_it(tmp_path: Path) -> None:
    made = build_material(BILAYER)
    atoms = made.atoms
    atoms.positions[2:] += np.array([0.1, 0.05]) @ atoms.cell.array[:2]
    found = read(atoms, tmp_path / "slid.cif")
    assert found.honeycomb and found.stacking == ""
    assert found.registry == pytest.approx((1 / 3 + 0.1, 2 / 3 + 0.05), abs=1e-5)
    assert found.name == "BN bilayer, slid.cif"


def test_sheets_that_are_no_honeycombs(tmp_path: Path) -> None:
    sheet = mx2("MoS2", kind="2H", a=3.18, thickness=3.19, vacuum=8.0).repeat((2, 2, 1))
    found = read(sheet, tmp_path / "mos2.extxyz")
    assert (found.layers, found.formula, found.honeycomb, len(found.numbers)) == (1, "MoS2", False, 3)
    assert found.a == pytest.approx(3.18) and found.thickness == pytest.approx(3.19)
    assert not has(found, Need.HONEYCOMB_LAYERS) and not has(found, Need.TWO_LAYERS)
    silicene = graphene("Si2", a=3.87, vacuum=10.0)
    silicene.positions[1, 2] += 0.45
    assert not read(silicene, tmp_path / "silicene.cif").honeycomb
    flat = read(graphene(vacuum=10.0), tmp_path / "graphene.cif")
    assert flat.honeycomb and flat.symbols == ("C", "C")


@pytest.mark.parametrize(
    ("atoms", "words"),
    [
        (bulk("Cu"), "bulk crystal"),
        (molecule("H2O"), "molecule"),
        (molecule("C6H6", vacuum=8.0, pbc=True), "molecules or ribbons"),
        (graphene_nanoribbon(4, 3, vacuum=8.0, saturated=True), "one direction"),
        (Atoms(graphene(vacuum=1.7), pbc=True), "vacuum"),
    ],
)  # fmt: skip
def test_what_is_no_sheet_is_refused(tmp_path: Path, atoms: Atoms, words: str) -> None:
    with pytest.raises(HarnessError, match=words) as error:
        read(atoms, tmp_path / "given.extxyz")
    assert "\n" not in str(error.value) and "given.extxyz" in str(error.value)


def test_too_many_layers_missing_and_unreadable_files(tmp_path: Path) -> None:
    layers = build_material(BILAYER | {"layers": 4}).atoms
    more = layers + layers
    more.positions[8:, 2] += 4 * 3.35
    more.cell[2, 2] += 4 * 3.35
    with pytest.raises(HarnessError, match="has 8 layers. Choices: 1 to 4"):
        read(more, tmp_path / "eight.cif")
    with pytest.raises(HarnessError, match="does not exist. Did you mean 'eight.cif'"):
        build_material({"file": str(tmp_path / "eigth.cif")})
    (tmp_path / "notes.cif").write_text("no structure")
    with pytest.raises(HarnessError, match="cannot read a structure"):
        build_material({"file": str(tmp_path / "notes.cif")})
    metal = fcc111("Cu", (1, 1, 3), vacuum=8.0)  # a bonded slab is one layer
    assert read(metal, tmp_path / "slab.cif").layers == 1


def test_a_material_says_what_it_lacks() -> None:
    with pytest.raises(UnsupportedError, match="needs two layers; material.layers is 3.") as error:
        check_needs("sliding", {Need.TWO_LAYERS}, build_material(BILAYER | {"layers": 3}))
    assert error.value.missing == ["two layers"]


def test_a_material_cannot_be_changed() -> None:
    material = build_material(BILAYER)
    with pytest.raises(AttributeError):
        material.vacuum = 3.0  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        material.sites[0] = 0.5
    material.atoms.positions[:] = 0.0
    assert np.ptp(material.atoms.positions[:, 2]) == pytest.approx(3.35)
