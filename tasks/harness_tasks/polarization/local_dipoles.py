"""Dipoles of the neutral groups of a bilayer, and the smooth polarization that they make on the moiré torus.

A group is one atom (N in hBN) with an equal share of every atom that it is bonded to: a third of each of its three B.
Its dipole,

    p = p_N + Σ_B p_B/3 + Σ_B (q_B/3)(r_B − r_N) + Q (z_N − z_mid) ẑ,      Q = q_N + Σ_B q_B/3,

has no branch and vanishes in the plane where the surroundings are threefold; polarization models without charges have
the first two terms only. Q, the charge that went from one layer or one place to another, counts across the sheet, from
the middle between the layers; in the plane it is a current between groups, and is left out. Zheng et al., arXiv
2502.12698, give the whole core of one B to each N; equal shares keep the threefold symmetry and differ from that by a
polarization quantum in a perfect layer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.neighborlist import natural_cutoffs, neighbor_list

from harness.materials.layers import BOND_FACTOR

#: Share of the number of groups that is left for waves: the rest says how well they fit.
WAVES_PER_GROUP = 0.5
MOST_WAVES = 400


@dataclass(frozen=True, slots=True)
class Groups:
    """Who belongs to which group; from one structure, good for any other with the same bonds.

    Attributes
    ----------
    centre
        Index of the atom that each group is centred at, (m,).
    layer
        0 or 1 for each group, (m,).
    bond_centre, bond_other, bond_image
        Each bond of a centre: group, index of the other atom, cell it lies in; (b,), (b,), (b, 3).
    share
        What belongs to that group of the other atom, (b,).
    """

    centre: np.ndarray
    layer: np.ndarray
    bond_centre: np.ndarray
    bond_other: np.ndarray
    bond_image: np.ndarray
    share: np.ndarray

    @classmethod
    def of(cls, atoms: Atoms, layer: np.ndarray, symbol: str) -> Groups:
        """Groups around the atoms `symbol` of a structure with the given layers (N,)."""
        i, j, images = neighbor_list("ijS", atoms, natural_cutoffs(atoms, mult=BOND_FACTOR))
        central = np.array(atoms.get_chemical_symbols()) == symbol
        kept = central[i] & ~central[j] & (layer[i] == layer[j])
        number = np.cumsum(central) - 1
        bonds = np.bincount(j[kept], minlength=len(atoms))
        centre = np.flatnonzero(central)
        return cls(centre, layer[centre], number[i[kept]], j[kept], images[kept], 1.0 / bonds[j[kept]])

    def dipoles(self, atoms: Atoms, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Dipole of each group from ``atomic_dipoles`` (N, 3) and, where there are, ``charges`` (N,); e Å, (m, 3)."""
        own = np.asarray(values["atomic_dipoles"], dtype=float)
        found = own[self.centre] + self._gather(self.share[:, None] * own[self.bond_other])
        if "charges" in values:
            charges = np.asarray(values["charges"], dtype=float)
            given = self.share * charges[self.bond_other]
            middle = float(np.mean([atoms.positions[self.centre[self.layer == k], 2].mean() for k in (0, 1)]))
            arm = atoms.positions[self.bond_other] + self.bond_image @ atoms.cell.array
            arm[:, :2] -= atoms.positions[self.centre[self.bond_centre], :2]
            arm[:, 2] -= middle
            found += self._gather(given[:, None] * arm)
            found[:, 2] += charges[self.centre] * (atoms.positions[self.centre, 2] - middle)
        return np.asarray(found)

    def _gather(self, of_bonds: np.ndarray) -> np.ndarray:
        return np.stack([np.bincount(self.bond_centre, column, len(self.centre)) for column in of_bonds.T], axis=1)


class Waves:
    """Least squares of plane waves of the moiré torus to values at scattered points.

    As many stars of waves as leave every second value for the residual, and no more than `MOST_WAVES`.

    Parameters
    ----------
    points
        Å, (m, 2), wrapped or not.
    plane
        Periods as rows, Å (2, 2).
    """

    def __init__(self, points: np.ndarray, plane: np.ndarray) -> None:
        most = min(MOST_WAVES, max(7, math.floor(WAVES_PER_GROUP * len(points))))
        reach = math.ceil(math.sqrt(most)) + 1
        k = np.stack(np.meshgrid(*2 * [np.arange(-reach, reach + 1)], indexing="ij"), axis=-1).reshape(-1, 2)
        length = np.linalg.norm(k @ np.linalg.inv(plane).T, axis=1)
        order = np.argsort(length, kind="stable")
        length, k = length[order], k[order]
        whole = np.searchsorted(length, length[most] * (1 - 1e-6))  # whole stars only
        half = (k[:whole, 0] > 0) | ((k[:whole, 0] == 0) & (k[:whole, 1] >= 0))
        self.k = k[:whole][half]
        self._basis = self._at(points @ np.linalg.inv(plane))

    def fit(self, values: np.ndarray) -> tuple[np.ndarray, float]:
        """Coefficients (waves, c) of `values` (m, c), and the rms of what is left of all components."""
        found = np.linalg.lstsq(self._basis, values, rcond=None)[0]
        return found, float(np.sqrt(((self._basis @ found - values) ** 2).sum(axis=1).mean()))

    def on_grid(self, coefficients: np.ndarray, size: int) -> np.ndarray:
        """The fit at the points (i T₁ + j T₂)/size, (size, size, c)."""
        steps = np.arange(size) / size
        fractions = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
        return np.asarray((self._at(fractions) @ coefficients).reshape(size, size, -1))

    def _at(self, fractions: np.ndarray) -> np.ndarray:
        phase = 2 * np.pi * fractions @ self.k.T
        return np.hstack([np.cos(phase), np.sin(phase[:, 1:])])  # the first wave is the mean
