"""Structures in the form that deepmd takes: sorted out types, and a cell that is periodic in all directions or none."""

from __future__ import annotations

import numpy as np
from ase import Atoms

__all__ = ["box"]

#: Empty space along open directions, in cutoffs.
ROOM = 4.0


def box(atoms: Atoms, cutoff: float) -> np.ndarray | None:
    """The cell to compute in, (3, 3) Å, or None without periodic directions.

    deepmd knows full periodicity or none. Along the other directions the cell becomes perpendicular to the periodic
    ones, and higher than the atoms reach by `ROOM` cutoffs: one keeps images apart, and more spare deepmd the copies of
    them that it makes where atoms lie near a boundary (one twentieth of a force call for bilayers of 900 atoms).
    """
    if not atoms.pbc.any():
        return None
    cell: np.ndarray = atoms.cell.array.copy()
    open_ones = np.flatnonzero(~atoms.pbc)
    if len(open_ones) == 0:
        return cell
    normals = np.linalg.svd(cell[atoms.pbc])[2][atoms.pbc.sum() :]
    for i, normal in zip(open_ones, normals, strict=True):
        heights = atoms.positions @ normal
        cell[i] = (np.ptp(heights) + ROOM * cutoff) * normal
    if np.linalg.det(cell) < 0:  # deepmd wraps coordinates by the inverse: any sign works, a positive one is plain
        cell[open_ones[0]] *= -1
    return cell
