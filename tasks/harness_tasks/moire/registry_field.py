"""Where which stacking is in a moiré structure, rigid or relaxed: registry, layer distance, displacements, pairs.

The registry t of a point is the shift of the upper layer from AA (AA′ if antiparallel) that makes a perfect bilayer
look as the structure looks there, in fractions of the primitive 120° cell, as in `harness_tasks.structures.registries`:
t = X₀ − X₁, where X_l is the place in the perfect layer l of the material that is now at that point. An atom knows its
own X; that of the other layer is interpolated between the atoms around, so it is right in relaxed structures too.

For a structure `atoms` made from ``moire = twisted(material, n)`` (`harness_tasks.moire.cells`), in the same order::

    look = Look(moire, atoms.positions)
    look.layer               # (N,) 0 or 1
    look.registry            # (N, 2) of every atom, in [0, 1)
    look.distance            # (N,) Å, local layer distance
    look.displacement        # (N, 3) Å, from the rigid layers
    look.pairs("N")          # atoms of one species facing each other: indices, midpoints, vectors
    look.registry_at(points) # (k, 2) anywhere in the plane
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.interpolate import LinearNDInterpolator
from scipy.spatial import Delaunay, cKDTree

from harness_tasks.moire.cells import Moire

#: Neighbours in the other layer whose heights make the local distance (Nieto Luna et al., 2025).
FACING = 3


class PeriodicPoints:
    """Points in a plane with two periods, with enough images around the cell for interpolation and neighbours.

    Parameters
    ----------
    points
        Å, (n, 2), wrapped or not.
    plane
        Periods as rows, Å (2, 2).
    margin
        How far images reach beyond the cell, Å.
    """

    def __init__(self, points: np.ndarray, plane: np.ndarray, margin: float = 6.0) -> None:
        self.plane = plane
        heights = abs(np.linalg.det(plane)) / np.linalg.norm(plane[::-1], axis=1)
        wrapped = np.floor(points @ np.linalg.inv(plane))
        reach = margin / heights
        images = np.ceil(reach).astype(int)
        fractions = points @ np.linalg.inv(plane) - wrapped
        found = []
        for i in range(-images[0], images[0] + 1):
            for j in range(-images[1], images[1] + 1):
                shifted = fractions + (i, j)
                near = np.flatnonzero(((shifted > -reach) & (shifted < 1 + reach)).all(axis=1))
                found.append((near, (i, j) - wrapped[near]))
        self.index = np.concatenate([near for near, _ in found])
        self.image = np.concatenate([image for _, image in found]).astype(int)
        self.points = points[self.index] + self.image @ plane

    def wrap(self, points: np.ndarray) -> np.ndarray:
        """`points` moved into the cell by whole periods."""
        fractions = points @ np.linalg.inv(self.plane)
        return np.asarray(points - np.floor(fractions) @ self.plane)

    @cached_property
    def tree(self) -> cKDTree:
        """Of the points and their images."""
        return cKDTree(self.points)

    def nearest(self, points: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Indices (n, k) of the nearest points, and the vectors to them from `points`, Å (n, k, 2)."""
        inside = self.wrap(points)
        _, found = self.tree.query(inside, k=k)
        found = found.reshape(len(points), k)
        return self.index[found], self.points[found] - inside[:, None, :]

    @cached_property
    def triangles(self) -> Delaunay:
        """Between the points and their images."""
        return Delaunay(self.points)

    def interpolate(self, values: np.ndarray, points: np.ndarray) -> np.ndarray:
        """`values` (n, …) of the points, linear in the triangles between them, at `points`."""
        return np.asarray(LinearNDInterpolator(self.triangles, values[self.index])(self.wrap(points)))


@dataclass(frozen=True, slots=True)
class Pairs:
    """Atoms of one species in the upper layer and the nearest of that species in the lower one, seen from above.

    Attributes
    ----------
    upper, lower
        Indices, (n,). One lower atom may face two upper ones and another none where lattices differ.
    vector
        From lower to upper atom, Å (n, 3).
    middle
        Å, (n, 2), in the plane; wrapped into the cell.
    registry
        At the middle, (n, 2).
    """

    upper: np.ndarray
    lower: np.ndarray
    vector: np.ndarray
    middle: np.ndarray
    registry: np.ndarray


class RegistryField:
    """What a moiré structure looks like at every atom.

    Parameters
    ----------
    moire
        The cell it was made from.
    positions
        Of the same atoms in the same order, Å (N, 3); wrapped or not.
    """

    def __init__(self, moire: Moire, positions: np.ndarray) -> None:
        self.moire, self.positions = moire, np.asarray(positions, dtype=float)
        self.layer = moire.layer
        self.members = [np.flatnonzero(self.layer == number) for number in (0, 1)]

    @cached_property
    def moved(self) -> np.ndarray:
        """From the rigid layers, by the shortest way, Å (N, 3)."""
        moved = self.positions - self.moire.atoms.positions
        cell = self.moire.plane
        moved[:, :2] -= np.rint(moved[:, :2] @ np.linalg.inv(cell)) @ cell
        return np.asarray(moved)

    @property
    def displacement(self) -> np.ndarray:
        """From the rigid layers, less the mean over all atoms, Å (N, 3)."""
        return np.asarray(self.moved - self.moved.mean(axis=0))

    @cached_property
    def sheets(self) -> list[PeriodicPoints]:
        """The atoms of each layer, seen from above."""
        return [PeriodicPoints(self.positions[mine, :2], self.moire.plane) for mine in self.members]

    @cached_property
    def registry(self) -> np.ndarray:
        """Of every atom, (N, 2) in [0, 1)."""
        found = np.empty((len(self.positions), 2))
        for mine in self.members:
            found[mine] = self.registry_at(self.positions[mine, :2])
        return found

    def material_point(self, points: np.ndarray, layer: int) -> np.ndarray:
        """X of the layer at `points` (n, 2), fractions of its primitive cell; jumps by whole periods of the moiré."""
        mine, sheet = self.members[layer], self.sheets[layer]
        moved = sheet.interpolate(self.moved[mine, :2], points)
        return np.asarray((points - moved) @ np.linalg.inv(self.moire.lattices[layer]))

    def registry_at(self, points: np.ndarray) -> np.ndarray:
        """At any `points` in the plane, Å (n, 2); (n, 2) in [0, 1)."""
        return np.asarray((self.material_point(points, 0) - self.material_point(points, 1)) % 1.0)

    @cached_property
    def distance(self) -> np.ndarray:
        """Mean |Δz| of each atom to its three nearest neighbours in the other layer, Å (N,)."""
        found = np.empty(len(self.positions))
        for number, mine in enumerate(self.members):
            other = self.members[1 - number]
            facing, _ = self.sheets[1 - number].nearest(self.positions[mine, :2], FACING)
            heights = self.positions[other, 2][facing]
            found[mine] = np.abs(self.positions[mine, 2][:, None] - heights).mean(axis=1)
        return found

    def pairs(self, symbol: str) -> Pairs:
        """Each atom `symbol` of the upper layer with the nearest such atom of the lower one."""
        species = np.array(self.moire.atoms.get_chemical_symbols()) == symbol
        low, top = (mine[species[mine]] for mine in self.members)
        sheet = PeriodicPoints(self.positions[low, :2], self.moire.plane)
        index, across = sheet.nearest(self.positions[top, :2], 1)
        lower = low[index[:, 0]]
        vector = np.empty((len(top), 3))
        vector[:, :2] = -across[:, 0]
        vector[:, 2] = self.positions[top, 2] - self.positions[lower, 2]
        middle = sheet.wrap(self.positions[top, :2] - vector[:, :2] / 2)
        return Pairs(top, lower, vector, middle, self.registry_at(middle))

    def on_grid(self, values: np.ndarray, layer: int, size: int) -> np.ndarray:
        """`values` (N, …) of the atoms of one layer at the points (i T₁ + j T₂) / size, (size, size, …)."""
        mine = self.members[layer]
        return (
            self.sheets[layer].interpolate(values[mine], grid(self.moire, size)).reshape(size, size, *values.shape[1:])
        )


def grid(moire: Moire, size: int) -> np.ndarray:
    """The points (i T₁ + j T₂) / size, Å (size², 2), j running fastest."""
    steps = np.arange(size) / size
    fractions = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
    return np.asarray(fractions @ moire.plane)
