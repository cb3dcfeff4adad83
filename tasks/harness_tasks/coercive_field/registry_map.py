"""Fields beside the path: on the map of energy and polarization over all registries, without friction of any kind.

The layers start at BA and flow downhill in the enthalpy V(t) − E·p(t), as slow layers do. Three paths leave BA, to the
three neighbouring AB; the in-plane field decides which one is taken, and how much E⊥ it takes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from harness_tasks.coercive_field.switching import Axes
from harness_tasks.structures.registries import BA

#: In-plane fields are turned from the path by these angles, degrees; 60° is between two of them. The path lies in a
#: mirror plane: the other side is the same.
ANGLES = np.arange(3.75, 90.0, 7.5)
#: Coercive fields are halved in so many times from twice that of the path.
HALVINGS = 10
#: Layers stay where the force that is left is this share of the largest one of the map.
STILL = 1e-4
#: Over the coercive field by this share the direction is looked at.
OVER = 0.05
_STEPS = 4000


class Periodic:
    """Trigonometric interpolation of maps over the registries, with slopes.

    Parameters
    ----------
    values
        (n, n, p): p maps at the registries (i/n, j/n).
    cell
        Vectors of the 120° cell, Å (2, 2).
    """

    def __init__(self, values: np.ndarray, cell: np.ndarray) -> None:
        n = len(values)
        waves = np.fft.fft2(values, axes=(0, 1)) / n**2
        inverse = np.linalg.inv(cell).T
        around = np.array([(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)])
        vectors, heights = [], []
        for k in np.ndindex(n, n):
            # Of all waves that are equal at the registries the longest; equal ones share, which keeps the symmetry.
            images = 2 * np.pi * (np.array(k) + n * around) @ inverse
            length = np.linalg.norm(images, axis=1)
            longest = images[length < length.min() + 1e-6]
            vectors += list(longest)
            heights += [waves[k] / len(longest)] * len(longest)
        self.vectors, self.heights = np.array(vectors), np.array(heights)  # (waves, 2) 1/Å, (waves, p)
        rising = 1j * self.vectors[:, :, None] * self.heights[:, None, :]
        self._rising = rising.reshape(len(self.vectors), -1)

    def slopes(self, places: np.ndarray) -> np.ndarray:
        """Derivatives by the place at `places` (m, 2) Å: (m, 2, p)."""
        phase = np.exp(1j * places @ self.vectors.T)
        return np.asarray((phase @ self._rising).real.reshape(len(places), 2, -1))

    def bend(self, places: np.ndarray) -> np.ndarray:
        """Size of the second derivatives, the root of the sum of their squares, at `places`: (m, p)."""
        phase = np.exp(1j * places @ self.vectors.T)
        bends = np.einsum("mk,ka,kb,kp->mabp", phase, self.vectors, self.vectors, self.heights, optimize=True).real
        return np.asarray(np.sqrt((bends**2).sum(axis=(1, 2))))


@dataclass(frozen=True, slots=True)
class TransverseFields:
    """What in-plane fields at `angles` (degrees, from the path) do.

    Attributes
    ----------
    fields
        E⊥ that lets the layers go, V/Å (m,); nan where twice the path's coercive field does not.
    directions
        0: along the path; 1 and 2: along those 120° and 240° from it; −1: none; (m,).
    """

    angles: np.ndarray
    fields: np.ndarray
    directions: np.ndarray

    @property
    def sector(self) -> tuple[float, float]:
        """Angles, to both sides, that slide the layers along the path, and the distance of those tried, degrees."""
        step = float(np.diff(self.angles).mean())
        return 2 * step * float((self.directions == 0).sum()), step


class Surface:
    """Energy (n, n) eV and dipole (n, n, 3) e Å of a primitive cell over the registries.

    Parameters
    ----------
    energy
        (n, n), eV.
    dipole
        (n, n, 3), e Å.
    cell
        In-plane vectors, Å.
    axes
        Directions of fields and slip.
    """

    def __init__(self, energy: np.ndarray, dipole: np.ndarray, cell: np.ndarray, axes: Axes) -> None:
        self._all = Periodic(np.concatenate([energy[..., None], dipole], axis=-1), cell)
        share = np.linspace(0, 1, 24, endpoint=False)
        everywhere = np.stack(np.meshgrid(share, share), axis=-1).reshape(-1, 2) @ cell
        self._bends = self._all.bend(everywhere).max(axis=0)
        self._still = STILL * float(np.linalg.norm(self._all.slopes(everywhere)[..., 0], axis=1).max())
        self._start = BA @ cell
        self._axes = axes
        self._half = 0.5 * float(np.linalg.norm(cell[0])) / math.sqrt(3)
        self._paths = np.stack([_turned(axes.slip, 120.0 * k)[:2] for k in range(3)])

    def flow(self, fields: np.ndarray) -> np.ndarray:
        """Which path (0, 1, 2) layers that start at BA take in each of `fields` (m, 3); −1 when they stay."""
        weights = np.concatenate([np.ones((len(fields), 1)), -fields], axis=1)
        step = 1 / (self._bends * np.array([1.0, *np.abs(fields).max(axis=0)])).sum()
        places = np.tile(self._start, (len(fields), 1))
        taken = np.full(len(fields), -1)
        moving = np.arange(len(fields))
        for _ in range(_STEPS):
            push = -np.einsum("mbc,mc->mb", self._all.slopes(places[moving]), weights[moving])
            places[moving] += step * push
            progress = (places[moving] - self._start) @ self._paths.T
            over = progress.max(axis=1) >= self._half
            taken[moving[over]] = progress[over].argmax(axis=1)
            moving = moving[~over & (np.linalg.norm(push, axis=1) > self._still)]
            if not len(moving):
                break
        return taken

    def beside(self, parallel: float, largest: float) -> TransverseFields:
        """In-plane fields of the size `parallel` at `ANGLES`; E⊥ is looked for up to `largest`, V/Å."""
        across = self._axes.field(0.0, 1.0)
        along = parallel * np.stack([_turned(self._axes.field(1.0, 0.0), angle) for angle in ANGLES])
        low, high = np.zeros(len(ANGLES)), np.full(len(ANGLES), largest)
        never = self.flow(along + largest * across) < 0
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            gone = self.flow(along + middle[:, None] * across) >= 0
            low, high = np.where(gone, low, middle), np.where(gone, middle, high)
        directions = self.flow(along + (1 + OVER) * high[:, None] * across)
        return TransverseFields(ANGLES, np.where(never, np.nan, 0.5 * (low + high)), directions)


def _turned(vector: np.ndarray, degrees: float) -> np.ndarray:
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([c * vector[0] - s * vector[1], s * vector[0] + c * vector[1], vector[2]])
