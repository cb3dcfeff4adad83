"""Dipoles of neutral groups: each nitrogen with a third of each of its three bonded borons."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list

__all__ = ["site_dipoles"]

#: Longest B-N bond, Å; atoms of another layer stay beyond.
_BOND = 2.0


def site_dipoles(atoms: Atoms, charges: np.ndarray, dipoles: np.ndarray) -> np.ndarray:
    """Dipole of each nitrogen's group, relative to the nitrogen, as DFT labels it from Wannier centres.

    Parameters
    ----------
    charges, dipoles
        Of the atoms: (N,) e and (N, 3) e Å.

    Returns
    -------
    ndarray, shape (N, 3)
        e Å; zero for boron.
    """
    i, j, bonds = neighbor_list("ijD", atoms, {("B", "N"): _BOND})
    owned = atoms.numbers[i] == 7
    i, j, bonds = i[owned], j[owned], bonds[owned]
    out = np.where(atoms.numbers[:, None] == 7, dipoles, 0.0)
    np.add.at(out, i, (charges[j, None] * bonds + dipoles[j]) / 3)
    return out
