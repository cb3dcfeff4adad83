"""The ribbon of the task `bend`: its bins, its held strip, how its edges are moved inwards, how it is bumped."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from ase import Atoms

from harness.errors import HarnessError

#: Vacuum beyond each edge of an open ribbon, Å.
EDGE_VACUUM = 15.0


@dataclass(frozen=True, slots=True)
class Ribbon:
    """The flat, unloaded ribbon and what belongs to each of its atoms.

    Attributes
    ----------
    flat
        Reference structure; lengths along y, bending out of the x-y plane.
    layer, bins
        Layer from the bottom, and bin along y, of each atom. A bin is half an armchair period, the distance of
        neighbouring zigzag lines; atoms keep their bin, whatever they do later.
    held
        Mask of the atoms that do not relax.
    spacing
        Distance of neighbouring bins, Å.
    span
        Distance between the innermost held bins across the free part, Å: the length L of the clamped plate.
    periodic
        Whether bin 0 follows on the last one.
    """

    flat: Atoms
    layer: np.ndarray
    bins: np.ndarray
    held: np.ndarray
    spacing: float
    span: float
    periodic: bool
    follows: np.ndarray  # by how much each atom moves with the far edge: 0 near, 1 far

    @property
    def n_bins(self) -> int:
        """Number of bins, held ones included."""
        return int(self.bins.max()) + 1

    @property
    def width(self) -> float:
        """Along x, Å."""
        return float(self.flat.cell[0, 0])

    @property
    def free_area(self) -> float:
        """Area between the clamps, Å²: what energies and curvatures are averaged over."""
        return self.width * self.span

    @property
    def free_bins(self) -> np.ndarray:
        """Mask (n_bins,) of the bins that are not held."""
        return np.asarray(np.bincount(self.bins, self.held, self.n_bins) == 0)

    def loaded(self, positions: np.ndarray, before: float, after: float) -> Atoms:
        """The ribbon at end shortening `after` (Å), from `positions` at shortening `before`."""
        atoms = self.flat.copy()
        atoms.positions = positions
        atoms.positions[:, 1] -= (after - before) * self.follows
        if self.periodic:
            cell = atoms.cell.array.copy()
            cell[1, 1] -= after
            atoms.set_cell(cell)
        return atoms

    def bump(self, amplitude: float) -> np.ndarray:
        """Heights (natoms,) of the clamped plate's first buckling mode, Å: amplitude/2 (1 − cos 2πs)."""
        return 0.5 * amplitude * (1 - np.cos(2 * np.pi * self.follows))

    def amplitude_for(self, curvature: float) -> float:
        """Height of the buckle with that root mean square `curvature` (1/Å): κ L² / (√2 π²)."""
        return curvature * self.span**2 / (math.sqrt(2) * math.pi**2)

    def shortening_for(self, curvature: float) -> float:
        """End shortening beyond the critical one for that root mean square `curvature`: κ² L³ / 8π²."""
        return curvature**2 * self.span**3 / (8 * math.pi**2)


def make_ribbon(sheet: Atoms, periods: int, held: float, boundary: str) -> Ribbon:
    """A ribbon from a flat rectangular `sheet` with the array ``layer`` (see `cells.rectangular`).

    Parameters
    ----------
    periods
        Number of armchair periods along y.
    held
        Width of the held strip (each of the two, if open), Å; at least two bins.
    boundary
        ``periodic`` or ``open``.

    Raises
    ------
    HarnessError
        When the held strips leave less than eight bins free.
    """
    flat = sheet.copy()
    layer = flat.arrays["layer"].copy()
    length = float(flat.cell[1, 1])
    n_bins = 2 * periods
    spacing = length / n_bins
    bins = np.empty(len(flat), dtype=int)
    for sheet_number in np.unique(layer):
        for number in np.unique(flat.numbers):
            members = np.flatnonzero((layer == sheet_number) & (flat.numbers == number))
            order = members[np.argsort(flat.positions[members, 1].round(6), kind="stable")]
            bins[order] = np.arange(len(order)) * n_bins // len(order)
    n_held = max(2, round(held / spacing))
    periodic = boundary == "periodic"
    free = n_bins - n_held * (1 if periodic else 2)
    if free < 8:
        raise HarnessError(
            f"a ribbon of {length:.1f} Å with {held:g} Å held has {max(free, 0)} free zigzag lines.",
            "Give task.params.length of at least 30 Å.",
        )
    mask = bins < n_held
    if not periodic:
        mask |= bins >= n_bins - n_held
        cell = flat.cell.array.copy()
        cell[1, 1] += 2 * EDGE_VACUUM
        flat.set_cell(cell)
        flat.pbc = (True, False, False)
        flat.positions[:, 1] += EDGE_VACUUM
    span = (free + 1) * spacing
    start = flat.positions[bins == n_held - 1, 1].mean()
    follows = np.clip((flat.positions[:, 1] - start) / span, 0.0, 1.0)
    follows[mask] = np.round(follows[mask])
    return Ribbon(flat, layer, bins, mask, spacing, span, periodic, follows)
