"""Moiré cells against the closed forms: counts, angle, period, bonds, registry of rigid and of displaced layers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from ase.neighborlist import neighbor_list
from harness_tasks.moire.cells import Moire, mismatched, twist_angle, twisted
from harness_tasks.moire.registry_field import RegistryField, grid

from harness.errors import HarnessError
from harness.registry.lookup import build_material

MATERIAL = build_material({"name": "bn_bilayer", "a": 2.504, "stacking": "AB", "distance": 3.35, "vacuum": 25.0})
#: n, degrees, atoms, period (Å) of cells that were published (Nieto Luna et al., 2025; Zheng et al., arXiv 2502.12698).
PUBLISHED = [
    (1, 21.787, 28, 6.625), (2, 13.174, 76, 10.915), (3, 9.430, 148, 15.231), (4, 7.341, 244, 19.557),
    (5, 6.009, 364, 23.887), (10, 3.150, 1324, 45.556), (20, 1.6135, 5044, 88.918), (30, 1.0845, 11164, 132.286),
]  # fmt: skip


def nearest_image(t: np.ndarray) -> np.ndarray:
    return (t + 0.5) % 1.0 - 0.5


def rigid_registry(moire: Moire, points: np.ndarray) -> np.ndarray:
    low, top = np.linalg.inv(moire.lattices)
    return points @ (low - top)


@pytest.mark.parametrize(("n", "angle", "atoms", "period"), PUBLISHED)
def test_twisted_cells_have_the_published_angle_atoms_and_period(
    n: int, angle: float, atoms: int, period: float
) -> None:
    moire = twisted(MATERIAL, n)
    assert moire.angle == pytest.approx(angle, abs=1e-3)
    assert len(moire.atoms) == 4 * (3 * n**2 + 3 * n + 1) == atoms
    assert moire.period == pytest.approx(period, abs=1e-3)
    assert moire.period == pytest.approx(MATERIAL.a / (2 * math.sin(math.radians(moire.angle) / 2)))
    assert np.linalg.norm(moire.plane, axis=1) == pytest.approx(moire.period)  # one moiré period a cell


@pytest.mark.parametrize("antiparallel", [False, True])
@pytest.mark.parametrize("n", [1, 3])
def test_every_atom_of_a_twisted_cell_has_its_three_bonds(n: int, antiparallel: bool) -> None:
    moire = twisted(MATERIAL, n, antiparallel=antiparallel)
    i, j, d = neighbor_list("ijd", moire.atoms, 1.7)
    assert (np.bincount(i) == 3).all()
    assert d == pytest.approx(MATERIAL.a / math.sqrt(3))
    assert (moire.atoms.numbers[i] != moire.atoms.numbers[j]).all()
    assert (moire.layer[i] == moire.layer[j]).all()
    first = moire.atoms.numbers[[0, len(moire.atoms) // 2]]  # the atoms on the axis through AA or AA'
    assert (first[0] == first[1]) != antiparallel


def test_upper_layer_is_turned_by_the_angle() -> None:
    low, top = twisted(MATERIAL, 4).lattices
    turn = math.degrees(math.atan2(np.linalg.det(np.stack([low[0], top[0]])), low[0] @ top[0]))
    assert turn == pytest.approx(twist_angle(4))
    assert np.linalg.norm(np.concatenate([low, top]), axis=1) == pytest.approx(MATERIAL.a)


@pytest.mark.parametrize(("cells", "atoms", "strain"), [(9, 362, 0.1), (19, 1522, 0.05), (-11, 442, -0.1)])
def test_mismatched_cells_have_the_published_atoms(cells: int, atoms: int, strain: float) -> None:
    moire = mismatched(MATERIAL, cells)
    assert len(moire.atoms) == atoms
    assert moire.mismatch == pytest.approx(strain)
    low, top = moire.lattices
    assert np.linalg.norm(top, axis=1) == pytest.approx(MATERIAL.a)
    assert np.linalg.norm(low, axis=1) == pytest.approx(MATERIAL.a * (1 - strain))
    assert moire.period == pytest.approx(np.linalg.norm(moire.plane[0]))


@pytest.mark.parametrize(
    "moire",
    [
        twisted(MATERIAL, 4),
        mismatched(MATERIAL, 9),
        twisted(MATERIAL, 2),
    ],
)
def test_registry_of_rigid_layers_is_linear_in_place(moire: Moire) -> None:
    stacking_map = RegistryField(moire, moire.atoms.positions)
    wrong = nearest_image(stacking_map.registry - rigid_registry(moire, moire.atoms.positions[:, :2]))
    assert np.abs(wrong).max() < 1e-12
    assert stacking_map.distance == pytest.approx(MATERIAL.distance)


def test_registry_follows_a_slip_of_the_upper_layer_and_a_smooth_displacement() -> None:
    moire = twisted(MATERIAL, 6)
    positions = moire.atoms.positions.copy()
    slip = 0.2 * moire.lattices[0, 0]
    positions[moire.layer == 1, :2] += slip
    stacking_map = RegistryField(moire, positions)
    atom = np.flatnonzero(moire.layer == 1)[40]
    expected = rigid_registry(moire, positions[[atom], :2]) + slip @ np.linalg.inv(moire.lattices[1])
    assert np.abs(nearest_image(stacking_map.registry[[atom]] - expected)).max() < 1e-12

    wave = 2 * np.pi * np.linalg.inv(moire.plane)[:, 0]
    points = grid(moire, 7)
    shifted = moire.atoms.positions.copy()
    shifted[moire.layer == 0, 0] += 0.1 * np.sin(shifted[moire.layer == 0, :2] @ wave)
    moved = np.zeros((len(points), 2))
    for _ in range(30):  # what is at a point now was at the point less what it moved by
        moved[:, 0] = 0.1 * np.sin((points - moved) @ wave)
    expected = rigid_registry(moire, points) - moved @ np.linalg.inv(moire.lattices[0])
    found = RegistryField(moire, shifted + [5.0, -3.0, 0.0])
    here = found.registry_at(points + [5.0, -3.0])
    assert np.abs(nearest_image(here - expected)).max() < 3e-3


def test_pairs_face_each_other() -> None:
    moire = twisted(MATERIAL, 5)
    pairs = RegistryField(moire, moire.atoms.positions).pairs("N")
    symbols = np.array(moire.atoms.get_chemical_symbols())
    assert len(pairs.upper) == len(moire.atoms) // 4
    assert (symbols[pairs.upper] == "N").all() and (symbols[pairs.lower] == "N").all()
    assert pairs.vector[:, 2] == pytest.approx(MATERIAL.distance)
    # the shift of the nearest atom is the registry, as seen from the nearest lattice point
    lattice = moire.lattices.mean(axis=0)
    wrong = nearest_image(pairs.vector[:, :2] @ np.linalg.inv(lattice) - pairs.registry)
    assert np.abs(wrong).max() < 1e-2


def test_grid_of_an_array_is_periodic_and_exact_at_atoms() -> None:
    moire = twisted(MATERIAL, 3)
    stacking_map = RegistryField(moire, moire.atoms.positions)
    values = np.cos(2 * np.pi * moire.atoms.get_scaled_positions()[:, 0])
    for layer in (0, 1):
        assert stacking_map.on_grid(values, layer, 6)[0, 0] == pytest.approx(1.0)  # an atom lies at the origin


@pytest.mark.parametrize("call", [lambda: twisted(MATERIAL, 0), lambda: mismatched(MATERIAL, 1)])
def test_impossible_cells_are_refused(call: object) -> None:
    with pytest.raises(HarnessError, match="Give"):
        call()  # type: ignore[operator]
