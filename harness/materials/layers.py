"""Which atoms form one sheet: connected components of the bond graph.

A sheet is what covalent bonds hold together. Height would do for a flat stack, but not for a bent one, where
the lower layer at the crest lies above the upper layer at the trough, and not for coordinates that were wrapped
into the cell. Bonds survive both.
"""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from ase.neighborlist import neighbor_list
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

__all__ = ["assign_layers"]

#: Factor on the sum of covalent radii below which two atoms count as bonded: wide enough for a bond in a hot or
#: strained sheet (B-N: 1.94 Å against 1.45 Å), well short of any distance between sheets.
BOND_FACTOR = 1.25


def assign_layers(atoms: Atoms, bond_factor: float = BOND_FACTOR) -> np.ndarray:
    """Number the layers of a stack from the bottom up.

    Parameters
    ----------
    atoms
        Structure, periodic in any directions; coordinates need not lie inside the cell.
    bond_factor
        Two atoms are bonded when closer than this times the sum of their covalent radii (ASE's table).

    Returns
    -------
    ndarray of int, shape (N,)
        Layer of each atom: 0 is the layer with the lowest mean height (third coordinate), and so on. A detached
        atom or molecule is a layer of its own. Where the third direction is periodic, counting starts above the
        largest gap along it, so a stack that straddles the cell boundary keeps its order.
    """
    n = len(atoms)
    if n == 0:
        return np.zeros(0, dtype=int)
    i, j = neighbor_list("ij", atoms, bond_factor * covalent_radii[atoms.numbers], self_interaction=False)
    graph = coo_matrix((np.ones(len(i), dtype=bool), (i, j)), shape=(n, n))
    count, label = connected_components(graph, directed=False)
    height = np.bincount(label, _heights(atoms), count) / np.bincount(label, minlength=count)
    rank = np.empty(count, dtype=int)
    rank[np.argsort(height, kind="stable")] = np.arange(count)
    return np.asarray(rank[label])


def _heights(atoms: Atoms) -> np.ndarray:
    """Height of each atom; along a periodic third direction, counted upwards from the largest gap."""
    if not atoms.pbc[2]:
        return np.asarray(atoms.positions[:, 2])
    s = atoms.get_scaled_positions(wrap=False)[:, 2] % 1.0
    ordered = np.sort(s)
    gaps = np.diff(np.append(ordered, ordered[0] + 1.0))
    start = ordered[(np.argmax(gaps) + 1) % len(ordered)]
    return np.asarray((s - start) % 1.0)
