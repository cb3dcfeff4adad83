"""How often a vector field on the moiré torus wraps the sphere: the winding number on a lattice.

A field P is known on n × n points u = (i/n, j/n) of a cell. Each plaquette is split along the cell's shorter diagonal
into two triangles, and a triangle of directions n₁, n₂, n₃ = P/|P|, counter-clockwise, covers the solid angle Ω of

    tan(Ω/2) = n₁·(n₂ × n₃) / (1 + n₁·n₂ + n₂·n₃ + n₃·n₁)

(B. Berg and M. Lüscher, Nucl. Phys. B 190, 412 (1981), in the form of A. van Oosterom and J. Strackee, IEEE Trans.
Biomed. Eng. 30, 125 (1983)); Q = Σ Ω/4π is the integral (4π)⁻¹ ∫ n·(∂n/∂x × ∂n/∂y) of Zheng et al., arXiv 2502.12698,
Eq. 3. Over the whole torus it is an integer, whatever the grid; over a part of it, it is what the grid resolves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Winding:
    """Solid angles of the triangles of a grid.

    Attributes
    ----------
    density
        Ω/4π of each triangle, (2 n²,); nan where the field vanishes at a corner.
    centres
        Their centroids in fractions of the cell, in [0, 1), (2 n², 2).
    corners
        Grid indices of their corners, (2 n², 3, 2).
    """

    density: np.ndarray
    centres: np.ndarray
    corners: np.ndarray

    def number(self, region: np.ndarray | None = None) -> float:
        """Q of the triangles in the mask `region` (2 n²,), or of all; those without a solid angle count nothing."""
        chosen = self.density if region is None else self.density[region]
        return float(np.nansum(chosen))


def winding(field: np.ndarray, cell: np.ndarray) -> Winding:
    """Solid angles of a field (n, n, 3), known at (i/n) cell[0] + (j/n) cell[1], on a torus with the cell (2, 2)."""
    n = len(field)
    grid = np.stack(np.meshgrid(np.arange(n), np.arange(n), indexing="ij"), axis=-1).reshape(-1, 2)
    if np.dot(cell[0], cell[1]) > 0:  # acute: the short diagonal joins the ends of the two vectors
        halves = np.array([[(0, 0), (1, 0), (0, 1)], [(1, 0), (1, 1), (0, 1)]])
    else:
        halves = np.array([[(0, 0), (1, 0), (1, 1)], [(0, 0), (1, 1), (0, 1)]])
    if np.linalg.det(cell) < 0:
        halves = halves[:, ::-1]
    corners = (grid[:, None, None] + halves).reshape(-1, 3, 2)
    centres = corners.mean(axis=1) / n % 1.0
    corners %= n
    length = np.linalg.norm(field, axis=-1)
    with np.errstate(all="ignore"):
        direction = np.where(length[..., None] > 0, field / length[..., None], np.nan)
    density = solid_angle(*np.moveaxis(direction[corners[..., 0], corners[..., 1]], 1, 0)) / (4 * np.pi)
    return Winding(density, centres, corners)


def solid_angle(first: np.ndarray, second: np.ndarray, third: np.ndarray) -> np.ndarray:
    """Of the spherical triangles with these unit vectors (..., 3) as corners, in (−2π, 2π); positive when they turn
    counter-clockwise, seen from outside."""
    volume = np.einsum("...a,...a->...", first, np.cross(second, third))
    pairs = [np.einsum("...a,...a->...", x, y) for x, y in ((first, second), (second, third), (third, first))]
    return np.asarray(2 * np.arctan2(volume, 1 + sum(pairs)))
