"""Dipoles of atoms from Wannier centres.

Every N carries a core of 5 e, four doubly occupied Wannier functions and a third of the 3 e core of each B that it is
bonded to, which makes it neutral (paper 004, Zheng et al., arXiv 2502.12698, shares whole B cores; a third each keeps
the threefold symmetry and differs by a polarization quantum in a perfect layer)::

    p_N = 5 r_N + sum over 3 bonded B of r_B - 2 sum over 4 centres of r      (e Å)

A sum over neutral groups has no branches, unlike the dipole of a periodic cell.
"""

from __future__ import annotations

import numpy as np
from ase import Atoms

BOND = 2.2
"""Longest B-N distance (Å) that counts as a bond."""


class CentreError(RuntimeError):
    """The Wannier functions or bonds are not four and three to a nitrogen atom."""


def atomic_dipoles(atoms: Atoms, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Atomic dipoles (natoms, 3) in e Å and centres (natoms, 12) in Å, unwrapped to their N; zero rows for B.

    Parameters
    ----------
    centres
        (n, 3) Å, in any periodic image.

    Raises
    ------
    CentreError
        When a nitrogen atom does not come out with four centres and three bonds.
    """
    nitrogen = np.flatnonzero(atoms.symbols == "N")
    boron = np.flatnonzero(atoms.symbols == "B")
    steps = _images(atoms)
    # (centre, nitrogen, image): the image of each centre that is nearest to each nitrogen
    apart = centres[:, None, None] - atoms.positions[nitrogen][None, :, None] + steps
    length = np.linalg.norm(apart, axis=-1)
    owner = length.min(axis=2).argmin(axis=1)
    dipoles, table = np.zeros((len(atoms), 3)), np.zeros((len(atoms), 12))
    for n, index in enumerate(nitrogen):
        mine = np.flatnonzero(owner == n)
        if len(mine) != 4:
            raise CentreError(f"nitrogen {index} has {len(mine)} Wannier centres instead of 4")
        vectors = apart[mine, n, length[mine, n].argmin(axis=1)]
        bonds = (atoms.positions[boron][:, None] - atoms.positions[index] + steps).reshape(-1, 3)
        bonds = bonds[np.argsort(np.linalg.norm(bonds, axis=1))[:3]]
        if np.linalg.norm(bonds[-1]) > BOND:
            raise CentreError(f"nitrogen {index} has no three bonded borons")
        dipoles[index] = bonds.sum(axis=0) - 2 * vectors.sum(axis=0)
        order = np.lexsort(np.round(vectors, 3).T[::-1])
        table[index] = (vectors[order] + atoms.positions[index]).ravel()
    return dipoles, table


def _images(atoms: Atoms) -> np.ndarray:
    """Lattice translations to the neighbouring cells along periodic directions, (n, 3) Å."""
    reach = [range(-2, 3) if p else range(1) for p in atoms.pbc[:2]]
    return np.array([i * atoms.cell[0] + j * atoms.cell[1] for i in reach[0] for j in reach[1]])
