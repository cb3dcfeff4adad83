"""The registries of two honeycomb layers: grid, symmetry, straight path, and smooth maps from few points.

A registry t is the shift of the upper layer from AA (parallel) or AA' (antiparallel), in fractions of the
primitive cell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.contracts.material import Material
from harness.materials.symmetry import operations

AB, BA, SP = np.array([1 / 3, 2 / 3]), np.array([2 / 3, 1 / 3]), np.array([1 / 2, 1 / 2])


def registry_operations(material: Material, antiparallel: bool) -> list[tuple[np.ndarray, np.ndarray]]:
    """What the symmetry of one layer does to the registry of two of them, and to their polarization.

    Every operation of the layer that leaves it on its side moves both layers, and turns t as it turns vectors. One
    that turns it over exchanges parallel layers and reverses t. In antiparallel layers that is an inversion, which
    leaves t where it is and is left out: there P vanishes.

    Parameters
    ----------
    material
        Its lowest layer is taken; honeycomb layers, whose operations all leave the registry (0, 0) in place.

    Returns
    -------
    list
        Pairs (on fractions (2, 2), on polarization (3, 3)) that leave the energy as it is: turns, each followed by
        its mirrors.
    """
    plane = material.cell[:2, :2]
    found = []
    for operation in operations(material.single_layer().atoms):
        on_p = operation.rotation
        over = on_p[2, 2] < 0
        if over and antiparallel:
            continue
        on_t = np.rint((plane @ on_p[:2, :2].T @ np.linalg.inv(plane)).T).astype(int)
        found.append((-on_t if over else on_t, on_p))
    return sorted(found, key=lambda pair: _order(pair[1]))


def _order(rotation: np.ndarray) -> tuple[int, bool, bool]:
    """The angle in degrees, whether x is reversed before, and whether z is."""
    mirrored = np.linalg.det(rotation[:2, :2]) < 0
    turn = rotation[:2, 0] * (-1 if mirrored else 1)
    return round(math.degrees(math.atan2(turn[1], turn[0]))) % 360, mirrored, rotation[2, 2] < 0


@dataclass(frozen=True, slots=True)
class Grid:
    """All registries (i/n, j/n) and how they follow from few.

    Attributes
    ----------
    nodes
        (m, 2) indices i, j of the representatives.
    owner
        (n, n) which of them a registry follows from.
    turn
        (n, n, 3, 3) what the polarization of the representative has to be multiplied with.
    """

    n: int
    nodes: np.ndarray
    owner: np.ndarray
    turn: np.ndarray

    @property
    def registries(self) -> np.ndarray:
        """Those of the representatives, (m, 2)."""
        return self.nodes / self.n

    @property
    def most_images(self) -> int:
        """The representative that most registries follow from."""
        return int(np.bincount(self.owner.ravel()).argmax())

    def image(self, node: int) -> np.ndarray:
        """Another registry that follows from the representative `node`, the last one; itself if there is none."""
        return np.asarray(np.argwhere(self.owner == node)[-1] / self.n)

    def energies(self, values: np.ndarray) -> np.ndarray:
        """Spread (m,) over the grid, (n, n)."""
        return np.asarray(values[self.owner])

    def polarizations(self, values: np.ndarray) -> np.ndarray:
        """Spread (m, 3) over the grid, (n, n, 3)."""
        return np.asarray(np.einsum("ijab,ijb->ija", self.turn, values[self.owner]))


def make_grid(n: int, symmetry: Sequence[tuple[np.ndarray, np.ndarray]]) -> Grid:
    """The grid of n × n registries under the operations of `registry_operations`."""
    owner = np.full((n, n), -1)
    turn = np.zeros((n, n, 3, 3))
    nodes: list[tuple[int, int]] = []
    for i in range(n):
        for j in range(n):
            if owner[i, j] >= 0:
                continue
            for on_t, on_p in symmetry:
                k, m = on_t @ (i, j) % n
                if owner[k, m] < 0:
                    owner[k, m], turn[k, m] = len(nodes), on_p
            nodes.append((i, j))
    return Grid(n, np.array(nodes), owner, turn)


def smooth(values: np.ndarray, size: int) -> np.ndarray:
    """Trigonometric interpolation of a periodic (n, n) map at size × size fractions, ends at 1 included."""
    n = len(values)
    waves = np.fft.fft2(values) / n**2
    k = np.fft.fftfreq(n, 1 / n)
    t = np.linspace(0, 1, size)
    phase = np.exp(2j * np.pi * np.outer(t, k))
    if n % 2 == 0:
        phase[:, n // 2] = np.cos(np.pi * n * t)  # the shortest wave has no direction
    return np.real(phase @ waves @ phase.T)
