"""The registries of two honeycomb layers: grid, symmetry, straight path, and smooth maps from few points.

A registry t is the shift of the upper layer from AA (parallel) or AA' (antiparallel), in fractions of the 120° cell.
Both kinds have the threefold axis and the mirror planes along the bonds, C3v. In parallel layers the horizontal mirror
exchanges the layers: t → −t with P∥ as it is and P⊥ reversed. In antiparallel ones inversion does, and leaves t where
it is: there P vanishes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

AB, BA, SP = np.array([1 / 3, 2 / 3]), np.array([2 / 3, 1 / 3]), np.array([1 / 2, 1 / 2])
_TURN = np.array([[0, -1], [1, -1]])  # of fractions by 120°
_TURN_P = np.array([[-0.5, -math.sqrt(0.75), 0], [math.sqrt(0.75), -0.5, 0], [0, 0, 1]])
_MIRROR, _MIRROR_P = np.array([[-1, 1], [0, 1]]), np.diag([-1.0, 1, 1])  # x → −x
_SWAP, _SWAP_P = -np.eye(2, dtype=int), np.diag([1.0, 1, -1])


def operations(antiparallel: bool) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs (on fractions (2, 2), on polarization (3, 3)) that leave the energy as it is."""
    found = []
    for turns in range(3):
        for mirrors in range(2):
            for swaps in range(1 if antiparallel else 2):
                on_t = np.linalg.matrix_power(_TURN, turns)
                on_p = np.linalg.matrix_power(_TURN_P, turns)
                if mirrors:
                    on_t, on_p = on_t @ _MIRROR, on_p @ _MIRROR_P
                if swaps:
                    on_t, on_p = on_t @ _SWAP, on_p @ _SWAP_P
                found.append((on_t, on_p))
    return found


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


def make_grid(n: int, antiparallel: bool) -> Grid:
    """The grid of n × n registries."""
    owner = np.full((n, n), -1)
    turn = np.zeros((n, n, 3, 3))
    nodes: list[tuple[int, int]] = []
    for i in range(n):
        for j in range(n):
            if owner[i, j] >= 0:
                continue
            for on_t, on_p in operations(antiparallel):
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
