"""Small structures of a material that show mistakes: strained and rattled, so that nothing vanishes by symmetry.

Every function returns fresh structures and is reproducible from its random generator.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from ase import Atoms

from harness.contracts.material import Material
from harness.materials.honeycomb import STACKINGS

#: Distance of the layers where the material gives none, Å.
DISTANCE = 3.4
#: Heights of the upper layer above the lower one on the path `lift`, Å: beyond the reach of interlayer potentials.
LIFT = (4.0, 17.0)
#: Largest displacement of an atom, Å, and strain on the path `shake`.
SHAKE = (0.35, 0.04)
#: Distance of the two slabs that must not see each other, Å.
FAR = 40.0
#: Empty space around the molecule, Å.
AROUND = 10.0

Path = Callable[[float], Atoms]


def flat(material: Material) -> Atoms:
    """Two primitive cells side by side, in equilibrium; pbc (T, T, F)."""
    return material.atoms.repeat((2, 1, 1))


def slab(material: Material, rng: np.random.Generator, rattle: float, strain: float) -> Atoms:
    """Two primitive cells under a random in-plane strain, rattled; pbc (T, T, F).

    Parameters
    ----------
    material
        Gives the primitive cell.
    rng
        Source of the random numbers.
    rattle
        Standard deviation of the displacements, Å.
    strain
        Size of the random strain.
    """
    atoms = flat(material)
    deform(atoms, strain * in_plane(rng))
    atoms.positions += rng.normal(scale=rattle, size=atoms.positions.shape)
    return atoms


def bulk(material: Material, rng: np.random.Generator, rattle: float, strain: float) -> Atoms:
    """The layers stacked without vacuum in a tilted cell, strained and rattled; pbc (T, T, T).

    Parameters
    ----------
    material
        Gives the primitive cell.
    rng
        Source of the random numbers.
    rattle
        Standard deviation of the displacements, Å.
    strain
        Size of the random strain.
    """
    atoms = flat(material)
    tilt = rng.uniform(-0.5, 0.5, size=2)
    atoms.cell[2] = (*tilt, material.layers * distance(material))
    atoms.positions[:, 2] -= atoms.positions[:, 2].min()
    atoms.pbc = True
    deform(atoms, strain * symmetric(rng))
    atoms.positions += rng.normal(scale=rattle, size=atoms.positions.shape)
    return atoms


def molecule(material: Material, rng: np.random.Generator, rattle: float) -> Atoms:
    """One ring of six atoms a honeycomb layer, or a piece of another sheet, free in space; pbc (F, F, F)."""
    if not material.honeycomb:
        atoms = flat(material)
        atoms.pbc = False
        atoms.positions += rng.normal(scale=rattle, size=atoms.positions.shape)
        atoms.center(vacuum=AROUND)
        return atoms
    first, second = material.symbols
    bond = material.a / math.sqrt(3)
    angles = np.arange(6) * math.pi / 3
    ring = bond * np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
    layers = material.layers
    step = np.array([0.4, 0.3, distance(material)])  # of the rings above each other
    positions = np.concatenate([ring + layer * step for layer in range(layers)])
    atoms = Atoms([first, second] * 3 * layers, positions=positions)
    atoms.positions += rng.normal(scale=rattle, size=atoms.positions.shape)
    atoms.center(vacuum=AROUND)
    return atoms


def far_apart(atoms: Atoms) -> Atoms:
    """A slab and its copy, moved sideways and up by `FAR`."""
    other = atoms.copy()
    other.positions += (0.7, 0.4, FAR)
    both = atoms + other
    both.cell[2, 2] += FAR
    return both


def lift(material: Material, rng: np.random.Generator, rattle: float) -> Path:
    """A path from two layers near each other to two that are far apart; its parameter runs from 0 to 1."""
    registry, antiparallel = material.registry, material.antiparallel
    if material.layers == 1 and material.honeycomb:
        registry, antiparallel = STACKINGS["AB"]
    near = LIFT[0] + material.single_layer().thickness
    pair = material.restacked(2, near, registry=registry, antiparallel=antiparallel).atoms
    pair.positions += rng.normal(scale=rattle, size=pair.positions.shape)
    pair.cell[2, 2] += LIFT[1] - LIFT[0]
    upper = np.arange(len(pair)) >= len(pair) // 2

    def at(t: float) -> Atoms:
        atoms = pair.copy()
        atoms.positions[upper, 2] += LIFT[0] * ((LIFT[1] / LIFT[0]) ** t - 1)  # slowly where much happens
        return atoms

    return at


def shake(atoms: Atoms, rng: np.random.Generator) -> Path:
    """A straight path through `atoms` (at 0.5) along which all distances change, images' included."""
    direction = rng.uniform(-1, 1, size=atoms.positions.shape)
    direction *= SHAKE[0] / np.linalg.norm(direction, axis=1).max()
    strain = SHAKE[1] * in_plane(rng)

    def at(t: float) -> Atoms:
        moved = atoms.copy()
        moved.positions += (2 * t - 1) * direction
        deform(moved, (2 * t - 1) * strain)
        return moved

    return at


def deform(atoms: Atoms, strain: np.ndarray) -> None:
    """Apply a symmetric strain (3, 3) to cell and positions in place."""
    matrix = np.eye(3) + strain
    atoms.set_cell(atoms.cell.array @ matrix)
    atoms.positions[:] = atoms.positions @ matrix


def in_plane(rng: np.random.Generator) -> np.ndarray:
    """A random strain in the plane, of unit norm."""
    tensor = np.zeros((3, 3))
    tensor[:2, :2] = rng.normal(size=(2, 2))
    return _unit(tensor)


def out_of_plane(rng: np.random.Generator) -> np.ndarray:
    """A random strain of the zz, yz and xz components, of unit norm."""
    tensor = np.zeros((3, 3))
    tensor[2] = rng.normal(size=3)
    return _unit(tensor)


def symmetric(rng: np.random.Generator) -> np.ndarray:
    """A random strain of all six components, of unit norm."""
    return _unit(rng.normal(size=(3, 3)))


def distance(material: Material) -> float:
    """Distance of the layers' mean heights, Å."""
    return material.distance or material.thickness + DISTANCE


def _unit(tensor: np.ndarray) -> np.ndarray:
    tensor = tensor + tensor.T
    return np.asarray(tensor / np.linalg.norm(tensor))
