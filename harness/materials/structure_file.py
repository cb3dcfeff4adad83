"""A material from a structure file: open direction along z, primitive cell, layers by bonds, honeycombs recognised."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import spglib
from ase import Atoms
from ase.data import chemical_symbols
from ase.formula import Formula

from harness.contracts.material import Material, Source, hexagonal_plane
from harness.errors import HarnessError, nearest
from harness.materials.honeycomb import MAX_LAYERS, SITES, STACKINGS
from harness.materials.layers import assign_layers
from harness.materials.symmetry import TOLERANCE

#: Empty space that makes a direction open, Å: more than any distance between layers.
MIN_VACUUM = 6.0
#: Largest difference of heights in a layer that counts as flat, Å.
FLAT = 0.05
_WORDS = {1: "monolayer", 2: "bilayer", 3: "trilayer", 4: "four layers"}


def material_from_file(*, file: Any, name: Any = None) -> Material:
    """Read a sheet or a stack of one to four sheets from whatever ASE reads; the last structure in the file.

    Parameters
    ----------
    file
        Path of a CIF, POSCAR, extxyz, ….
    name
        What reports show; by default formula, layers, stacking where it is recognised, and the name of the file.

    Raises
    ------
    HarnessError
        When the file cannot be read, or holds a crystal without vacuum, a molecule, a ribbon, or too many layers.
    """
    path = Path(str(file)).expanduser().absolute()
    atoms, numbers = _stack(_read(path), path.name)
    material = _material(_primitive(atoms), path.name, numbers)
    source = Source(file=str(path), sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    words = [material.formula, _WORDS[material.layers], material.stacking]
    shown = str(name) if name else f"{' '.join(word for word in words if word)}, {path.name}"
    return replace(material, name=shown, source=source)


def _read(path: Path) -> Atoms:
    if not path.is_file():
        siblings = [entry.name for entry in path.parent.iterdir() if entry.is_file()] if path.parent.is_dir() else []
        near = nearest(path.name, siblings)
        guess = f" Did you mean '{near}'?" if near else ""
        raise HarnessError(f"the structure file '{path}' does not exist.{guess}", "Give material.file=PATH.")
    try:
        atoms = ase.io.read(path)
    except Exception as error:  # each of ASE's readers has errors of its own
        reason = " ".join(str(error).split()) or type(error).__name__
        raise HarnessError(
            f"ASE cannot read a structure from '{path}': {reason}.", "Give a CIF, a POSCAR, an extxyz, …."
        ) from error
    assert isinstance(atoms, Atoms)
    if not (len(atoms) and np.isfinite(atoms.positions).all() and (atoms.numbers > 0).all()):
        raise HarnessError(f"'{path}' holds no structure of known elements.", "Give material.file=PATH.")
    return Atoms(atoms.numbers, positions=atoms.positions, cell=atoms.cell, pbc=atoms.pbc)


def _stack(atoms: Atoms, name: str) -> tuple[Atoms, np.ndarray]:
    """The stack with its open direction along z, the first vector along x; and the layer of each atom."""
    remedy = "Give a sheet, or a stack of one to four sheets, with vacuum above it, or material=bn_bilayer."
    if atoms.cell.rank < 2 or not atoms.pbc.any():
        raise HarnessError(f"{name} holds a molecule: it has no periodic cell.", remedy)
    if atoms.pbc.sum() < 2:
        raise HarnessError(f"{name} is periodic in one direction only.", remedy)
    if atoms.cell.rank == 2:
        atoms.cell = atoms.cell.complete()
    gaps = np.array([np.inf if not atoms.pbc[axis] else _gap(atoms, axis)[0] for axis in range(3)])
    axis = int(gaps.argmax())
    if gaps[axis] < MIN_VACUUM:
        raise HarnessError(
            f"{name} holds a bulk crystal, or a sheet without vacuum: its largest gap is {gaps[axis]:.1f} Å.",
            f"A sheet needs at least {MIN_VACUUM:g} Å of vacuum above it.",
        )
    flat = _upright(atoms, axis)
    layers = assign_layers(flat)
    count = int(layers.max()) + 1
    if int(assign_layers(flat.repeat((2, 2, 1))).max()) + 1 != count or (np.delete(gaps, axis) > MIN_VACUUM).any():
        raise HarnessError(f"{name} holds molecules or ribbons: its atoms are not bonded to whole sheets.", remedy)
    if count > MAX_LAYERS:
        raise HarnessError(f"{name} has {count} layers.", f"Choices: 1 to {MAX_LAYERS}.")
    return flat, layers


def _gap(atoms: Atoms, axis: int) -> tuple[float, float]:
    """Largest empty space along a periodic direction, Å, and the fraction of the cell at which it ends."""
    cell = atoms.cell.array
    normal = np.cross(cell[axis - 2], cell[axis - 1])
    height = abs(cell[axis] @ normal) / np.linalg.norm(normal)
    fractions = np.sort(atoms.get_scaled_positions(wrap=False)[:, axis] % 1.0)
    gaps = np.diff(np.append(fractions, fractions[0] + 1.0))
    widest = int(gaps.argmax())
    return float(gaps[widest] * height), float(fractions[(widest + 1) % len(fractions)])


def _upright(atoms: Atoms, axis: int) -> Atoms:
    """The open direction `axis` along z, the other two vectors in the plane, the first along x; right-handed."""
    cell, positions = atoms.cell.array, atoms.positions.copy()
    if atoms.pbc[axis]:  # put the stack together where it crosses the boundary
        start = _gap(atoms, axis)[1]
        positions -= np.floor(atoms.get_scaled_positions(wrap=False)[:, axis] - start + 1e-9)[:, None] * cell[axis]
    first, second = cell[axis - 2], cell[axis - 1]
    if np.linalg.det([first, second, cell[axis]]) < 0:
        first, second = second, first
    x = first / np.linalg.norm(first)
    z = np.cross(first, second)
    z /= np.linalg.norm(z)
    frame = np.array([x, np.cross(z, x), z])
    turned = positions @ frame.T
    thickness = float(np.ptp(turned[:, 2]))
    # the vacuum of the file; where it says that nothing repeats, the height of the cell may be anything
    height = max(abs(float(cell[axis] @ z)), thickness + (0.0 if atoms.pbc[axis] else 2 * MIN_VACUUM))
    turned[:, 2] += height / 2 - (turned[:, 2].max() + turned[:, 2].min()) / 2
    plane = np.array([first, second]) @ frame.T
    plane[0, 1:] = plane[1, 2] = 0.0
    return Atoms(atoms.numbers, positions=turned, cell=[*plane, [0, 0, height]], pbc=(True, True, False))


def _primitive(atoms: Atoms) -> Atoms:
    """The smallest cell in the plane, by the translations that spglib finds; its vectors as short as can be."""
    cell = atoms.cell.array
    scaled = atoms.get_scaled_positions(wrap=False)
    found = spglib.get_symmetry_layerdataset((cell, scaled, atoms.numbers), aperiodic_dir=2, symprec=TOLERANCE)
    if found is None:
        raise HarnessError("two atoms of the structure lie in the same place.", "Correct the structure file.")
    pure = found.translations[(found.rotations == np.eye(3, dtype=int)).all(axis=(1, 2))]
    shifts = np.vstack([(pure[:, :2] + 1e-6) % 1.0 - 1e-6, [[1.0, 0.0], [0.0, 1.0]]])
    steps = np.array([(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)])
    vectors = (shifts[:, None] + steps).reshape(-1, 2) @ cell[:2, :2]
    length = np.linalg.norm(vectors, axis=1)
    ordered = vectors[np.lexsort((-vectors[:, 1].round(4), -vectors[:, 0].round(4), length.round(4)))]
    ordered = ordered[np.linalg.norm(ordered, axis=1) > 0.1]
    area = abs(np.linalg.det(cell[:2, :2])) / len(pure)
    first, second = next(
        (u, v) for u, v in combinations(ordered, 2) if abs(abs(u[0] * v[1] - u[1] * v[0]) - area) < 0.01 * area
    )
    if first[0] * second[1] - first[1] * second[0] < 0:
        second = -second
    if first @ second > 1e-3:  # at 90° or more
        second = second - first
    small = np.zeros((3, 3))
    small[0, :2], small[1, :2], small[2, 2] = first, second, cell[2, 2]
    fractions = np.linalg.solve(small.T, atoms.positions.T).T
    kept: list[int] = []
    for number in range(len(atoms)):
        apart = fractions[kept] - fractions[number]
        apart[:, :2] -= np.round(apart[:, :2])
        near = np.linalg.norm(apart @ small, axis=1) < 5 * TOLERANCE
        if not (near & (atoms.numbers[kept] == atoms.numbers[number])).any():
            kept.append(number)
    angle = np.arctan2(first[1], first[0])
    turn = np.array([[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    turned = small @ turn.T
    turned[0, 1] = 0.0
    return Atoms(atoms.numbers[kept], scaled_positions=fractions[kept], cell=turned, pbc=(True, True, False))


def _material(atoms: Atoms, name: str, numbers: np.ndarray) -> Material:
    layer = assign_layers(atoms)
    if int(layer.max()) != int(numbers.max()):
        raise HarnessError(f"{name}: its primitive cell has other layers than the whole.", "Give another file.")
    order = np.lexsort((np.arange(len(atoms)), layer))
    atoms, layer = atoms[order], layer[order]
    heights = atoms.positions[:, 2]
    middle = np.array([heights[layer == number].mean() for number in range(layer.max() + 1)])
    distance = float(middle[-1] - middle[0]) / max(1, len(middle) - 1)
    general = Material(
        name=name,
        cell=atoms.cell.array,
        sites=atoms.get_scaled_positions(wrap=False)[:, :2] % 1.0,
        heights=heights,
        numbers=atoms.numbers,
        layer=layer,
        vacuum=float(atoms.cell[2, 2] - np.ptp(heights)),
        distance=distance,
    )
    return _honeycomb(general) or general


def _honeycomb(given: Material) -> Material | None:
    """The same stack in the convention of the prototype ``honeycomb``; None where its layers are no flat honeycombs."""
    plane = given.cell[:2]
    lengths = np.linalg.norm(plane, axis=1)
    projection = plane[0] @ plane[1] / lengths[0]
    if abs(lengths[0] - lengths[1]) > TOLERANCE or abs(projection + lengths[0] / 2) > TOLERANCE:
        return None
    layers = [given.layer == number for number in range(given.layers)]
    species = set(given.numbers.tolist())
    for members in layers:
        if members.sum() != 2 or set(given.numbers[members].tolist()) != species:
            return None
        if np.ptp(given.heights[members]) > FLAT:
            return None
    ordered = Formula("".join(chemical_symbols[number] for number in given.numbers[layers[0]])).format("periodic")
    first = chemical_symbols.index(next(iter(Formula(ordered).count())))
    placed = [_placed(given, members, first) for members in layers]
    if None in placed:
        return None
    found = [entry for entry in placed if entry is not None]
    if found[0][1]:  # half a turn of the whole about the vertical axis, so that the first species lies at the origin
        given = replace(given, sites=-given.sites)
        return _honeycomb(given)
    shifts = np.array([entry[0] for entry in found])
    shifts = shifts - shifts[0]
    flipped = [entry[1] for entry in found]
    return _restored(given, shifts, flipped, first)


def _placed(given: Material, members: np.ndarray, first: int) -> tuple[np.ndarray, bool] | None:
    """Where the site (0, 0) of a layer lies, and whether the second species is there; None for no honeycomb."""
    sites, numbers = given.sites[members], given.numbers[members]
    for start in sorted((0, 1), key=lambda index: numbers[index] != first):
        bond = sites[1 - start] - sites[start] - SITES[1]
        if np.linalg.norm((bond - np.round(bond)) @ given.cell[:2]) < TOLERANCE:
            return sites[start], bool(numbers[start] != first)
    return None


def _restored(given: Material, shifts: np.ndarray, flipped: list[bool], first: int) -> Material:
    """Two atoms a layer at `shifts` (layers, 2); named where it is a stack of equal steps."""
    others = [number for number in given.numbers[given.layer == 0].tolist() if number != first]
    pair = [first, others[0] if others else first]
    heights = np.array([given.heights[given.layer == number].mean() for number in range(given.layers)])
    length = float(np.linalg.norm(given.cell[:2], axis=1).mean())
    step = shifts[1] if given.layers > 1 else np.zeros(2)
    flat = replace(
        given,
        cell=np.vstack([hexagonal_plane(length), given.cell[2]]),
        sites=np.concatenate([np.array(SITES) + shift for shift in shifts]),
        heights=np.repeat(heights, 2),
        numbers=np.concatenate([pair[::-1] if flip else pair for flip in flipped]),
        vacuum=float(given.cell[2, 2] - np.ptp(heights)),
        registry=(float(step[0]) % 1.0, float(step[1]) % 1.0),
        antiparallel=given.layers > 1 and flipped[1],
        honeycomb=True,
    )
    if given.layers == 1 or np.ptp(np.diff(heights)) > TOLERANCE:
        return flat
    for stacking, (shift, antiparallel) in STACKINGS.items():
        wanted = np.arange(given.layers)[:, None] * np.array(shift)
        off = shifts - wanted
        off = (off - np.round(off)) @ flat.cell[:2]
        kinds = [antiparallel and number % 2 == 1 for number in range(given.layers)]
        if np.linalg.norm(off, axis=1).max() < 5 * TOLERANCE and kinds == flipped:
            return flat.restacked(
                given.layers, flat.distance, registry=shift, antiparallel=antiparallel, stacking=stacking
            )
    return flat
