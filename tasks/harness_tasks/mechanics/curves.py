"""Stress and energy against one component of strain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from harness.materials.sheets import area
from harness.units import N_PER_M
from harness_tasks.mechanics.strain_series import Point, Series
from harness_tasks.mechanics.virial import strained

XX, YY, ZZ, XY = 0, 1, 2, 5
NAMES = {"relaxed": "", "clamped": "_clamped"}


def along(component: int, size: float) -> np.ndarray:
    """Six Voigt components with one of them set."""
    strain = np.zeros(6)
    strain[component] = size
    return strain


def both_ways(strains: tuple[float, ...]) -> list[float]:
    """Zero and the strains in either direction, in rising order."""
    return sorted([-value for value in strains] + [0.0] + list(strains))


@dataclass(slots=True)
class Curves:
    """The points of one direction of strain: sheet stress (N/m) and energy (eV) against strain."""

    strain: list[float]
    points: list[Point]
    stress: np.ndarray  # (n, 6)
    energy: np.ndarray

    @classmethod
    def of(cls, series: Series, strains: list[float], component: int, ask: Callable[[np.ndarray], Point]) -> Curves:
        """Ask for every point along one `component`.

        Parameters
        ----------
        series
            Gives the unstrained cell.
        strains
            Magnitudes.
        component
            Voigt index.
        ask
            Point of a strain, (6,) in Voigt order.
        """
        points = [ask(along(component, size)) for size in strains]
        areas = [area(strained(series.base, point.strain)) for point in points]
        stress = np.array([point.virial / a for point, a in zip(points, areas, strict=True)]) * N_PER_M
        return cls(strains, points, stress, np.array([point.energy for point in points]))
