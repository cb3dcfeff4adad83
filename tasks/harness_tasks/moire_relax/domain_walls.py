"""Measures of a relaxed moiré: areas of the stackings, walls between domains, period, symmetry.

Docs: docs/tasks/moire_relax.md. Everything follows from the registry and the layer distance at places in the plane.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import label

from harness_tasks.moire.cells import Moire
from harness_tasks.moire.landscape import Landscape
from harness_tasks.moire.registry_field import RegistryField, grid

#: Registries whose surroundings are counted as areas: the point of the registry cell nearest to a place decides.
NAMED: dict[str, list[tuple[float, float]]] = {
    "AA": [(0, 0)],
    "AB": [(1 / 3, 2 / 3)],
    "BA": [(2 / 3, 1 / 3)],
    "SP": [(0.5, 0.5), (0.5, 0), (0, 0.5)],
}
#: Domain centres whose walls cross at SP, by the registry of the domain: (from, to) three times.
WALLS: dict[str, list[tuple[tuple[float, float], tuple[float, float]]]] = {
    "AB": [((1 / 3, 2 / 3), (2 / 3, 1 / 3)), ((1 / 3, -1 / 3), (2 / 3, 1 / 3)), ((1 / 3, 2 / 3), (-1 / 3, 1 / 3))],
    "AA": [((0, 0), (1, 1)), ((0, 0), (1, 0)), ((0, 0), (0, 1))],
}
#: A cubic fitted to a wall as far as its slip is below this gives its slope in the middle.
CORE = 0.2
_METRIC = np.array([[1.0, -0.5], [-0.5, 1.0]])  # |t|² = t G tᵀ in units of a²

Registry = Callable[[np.ndarray], np.ndarray]


def rigid_to_place(moire: Moire) -> np.ndarray:
    """Γ: rigid layers have the registry t at t·Γ, Å (2, 2)."""
    low, top = np.linalg.inv(moire.lattices)
    return np.linalg.inv(low - top)


def areas(registry: np.ndarray) -> dict[str, float]:
    """Share of the places (…, 2) whose registry is nearest to each of `NAMED`."""
    t = registry.reshape(-1, 2)
    distances = []
    for points in NAMED.values():
        nearest = np.full(len(t), np.inf)
        for point in points:
            away = (t - point + 0.5) % 1.0 - 0.5
            for shift in ((0, 0), (1, 0), (0, 1), (1, 1), (-1, 0), (0, -1), (-1, -1)):
                vector = away + shift
                nearest = np.minimum(nearest, np.einsum("pa,ab,pb->p", vector, _METRIC, vector))
        distances.append(nearest)
    owner = np.argmin(distances, axis=0)
    return {name: float(np.mean(owner == k)) for k, name in enumerate(NAMED)}


@dataclass(frozen=True, slots=True)
class Wall:
    """A domain wall, along the straight line between the centres of two domains.

    Attributes
    ----------
    place
        From its middle, Å (m,).
    slip
        Share of the Burgers vector, −½ to ½, (m,).
    width
        1/(d slip/d place) in the middle, Å.
    """

    place: np.ndarray
    slip: np.ndarray
    width: float


def walls(moire: Moire, registry: Registry, domain: str, points: int = 161) -> list[Wall]:
    """The three walls of a cell between domains ``AB`` and ``BA``, or between domains ``AA``.

    Parameters
    ----------
    moire
        The cell.
    registry
        Local registry.
    domain
        ``AB`` or ``AA``.
    points
        On the line across each wall.
    """
    to_place, lattice = rigid_to_place(moire), moire.lattices.mean(axis=0)
    found = []
    for start, end in WALLS[domain]:
        ends = np.array([start, end]) @ to_place
        share = np.linspace(0, 1, points)
        line = ends[0] + share[:, None] * (ends[1] - ends[0])
        rigid = np.array(start) + share[:, None] * (np.array(end) - start)
        moved = (registry(line) - rigid + 0.5) % 1.0 - 0.5  # from the rigid registry, less than half a period
        burgers = (np.array(end) - start) @ lattice
        slip = (rigid + moved - (np.array(start) + end) / 2) @ lattice @ burgers / (burgers @ burgers)
        place = (share - 0.5) * np.linalg.norm(ends[1] - ends[0])
        slip = slip - slip[points // 2]
        inner = np.abs(slip) < CORE
        x, y = place[inner], slip[inner]
        powers = np.stack([x, x**3], axis=1)
        slope = float(np.linalg.lstsq(powers, y, rcond=None)[0][0])
        found.append(Wall(place, slip, 1 / slope if slope > 0 else math.nan))
    return found


def lonely_width(landscape: Landscape, domain: str, twist: bool) -> float:
    """Width of a single straight wall: b √(k / 2ΔV), k = μ/2 (twist: shear) or (λ + 2μ)/2 (mismatch), ΔV at SP.

    From ½ k (du/dx)² = V(u) − V(domain): two layers share the slip, hence half a modulus.
    """
    lam, mu = landscape.lame
    start, end = (np.array(t) for t in WALLS[domain][0])
    a = math.sqrt(landscape.area / math.sqrt(0.75))
    burgers = a * math.sqrt(float((end - start) @ _METRIC @ (end - start)))
    energies = landscape.energy(np.array([(start + end) / 2, start]))
    barrier = float(energies[0] - energies[1]) / landscape.area
    modulus = 0.5 * (mu if twist else lam + 2 * mu)
    return burgers * math.sqrt(modulus / (2 * barrier)) if barrier > 0 and modulus > 0 else math.nan


def period_of_map(moire: Moire, stacking_map: RegistryField, size: int) -> float:
    """Distance between neighbouring places where layers are farthest apart, Å; nan unless a cell has one.

    A place is the middle of a connected region where the distance exceeds the middle of its range.
    """
    field = np.tile(stacking_map.on_grid(stacking_map.distance, 1, size), (3, 3))
    regions, count = label(field > (field.max() + field.min()) / 2)
    middles = []
    for number in range(1, count + 1):
        i, j = np.nonzero(regions == number)
        if min(i.min(), j.min()) > 0 and max(i.max(), j.max()) < 3 * size - 1:
            middles.append(np.average([i, j], axis=1, weights=field[i, j] - field.min()) / size)
    central = [middle for middle in middles if ((middle >= 0.75) & (middle < 1.75)).all()]
    if len(central) != 1 or len(middles) < 2:
        return math.nan
    between = np.linalg.norm((np.array(middles) - central[0]) @ moire.plane, axis=1)
    return float(between[between > 1e-6].min())


def bulge(stacking_map: RegistryField, size: int) -> float:
    """Range of the height half-way between the layers, Å: how far the bilayer is from flat."""
    heights = stacking_map.positions[:, 2]
    middle = 0.5 * (stacking_map.on_grid(heights, 0, size) + stacking_map.on_grid(heights, 1, size))
    return float(np.ptp(middle))


def broken_symmetry(moire: Moire, stacking_map: RegistryField, size: int = 24) -> float:
    """Largest change of the local layer distance, seen on one layer, under the threefold axis, Å."""
    turn = np.array([[-0.5, math.sqrt(0.75)], [-math.sqrt(0.75), -0.5]])  # rows turn by 120°
    places = grid(moire, size) + 0.01
    mine = stacking_map.members[1]
    field = [stacking_map.sheets[1].interpolate(stacking_map.distance[mine], p) for p in (places, places @ turn)]
    return float(np.abs(field[0] - field[1]).max())
