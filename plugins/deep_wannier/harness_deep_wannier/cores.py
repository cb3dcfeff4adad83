"""The ionic part of the polarization: cores and the centroids of the electrons that belong to them.

Electrons come in centroids, one on each carrier atom (N here: four Wannier functions, -8 e). A network gives the
displacement d of each centroid from its carrier. Every other atom (B: 3 e) shares its core equally among the carriers
that it is bonded to, so that in a sheet the group of a carrier is neutral and its dipole has no origin and no branch::

    p_N = sum over bonded B of (3 / bonds of B) (r_B - r_N) - 8 d_N          (e Å)

Zheng et al. (arXiv 2502.12698) do the same with the whole core of one B for each N; in a perfect sheet that differs by
a polarization quantum, and equal shares keep the threefold symmetry.

At an edge groups are charged; the total is still right, counted from the positions as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from ase import Atoms

from harness.materials.neighbours import find_pairs

__all__ = ["Cores"]


@dataclass(frozen=True)
class Cores:
    """Charges of cores and of centroids.

    Attributes
    ----------
    charges
        Core charge (e) by element.
    centroid
        Charge (e) of the electrons of one centroid.
    carriers
        Elements that have a centroid.
    bond
        Longest distance (Å) between a carrier and another atom that counts as a bond.
    """

    charges: Mapping[str, float] = field(default_factory=lambda: {"B": 3.0, "N": 5.0})
    centroid: float = -8.0
    carriers: tuple[str, ...] = ("N",)
    bond: float = 2.2

    def of(self, atoms: Atoms) -> tuple[np.ndarray, np.ndarray]:
        """Dipoles of the cores about their carriers, and their derivatives.

        Returns
        -------
        dipoles : (N, 3)
            e Å; zero for atoms that are no carriers, unless they have no bond: then their charge times their position.
        derivatives : (N,)
            e: d(sum of dipoles)_a / dr_b of each atom is this times delta_ab.
        """
        carrier = np.isin(atoms.symbols, self.carriers)
        charge = np.array([self.charges[symbol] for symbol in atoms.symbols])
        rigid = charge + self.centroid * carrier
        carriers, others, vectors = _bonds(atoms, carrier, self.bond)
        count = np.bincount(others, minlength=len(atoms))
        share = charge[others] / count[others]
        dipoles = np.zeros((len(atoms), 3))
        np.add.at(dipoles, carriers, share[:, None] * vectors)
        # what is left at a site: nothing in a sheet, the charge of the group at an edge
        left = np.where(count > 0, 0.0, rigid) + np.bincount(carriers, weights=share, minlength=len(atoms))
        dipoles[np.abs(left) > 1e-9] += (left[:, None] * atoms.positions)[np.abs(left) > 1e-9]
        return dipoles, rigid


def _bonds(atoms: Atoms, carrier: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Carrier, other atom and the vector (Å) from the one to the other, for every bond."""
    pairs = find_pairs(atoms, reach)
    chosen = carrier[pairs.i] & ~carrier[pairs.j]
    return pairs.i[chosen], pairs.j[chosen], pairs.vectors(atoms.positions)[chosen]
