"""How far apart two structures are, whatever the order of atoms, the origin, the orientation and the cell chosen."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list

NEIGHBOURS = 20
REACH = 9.0
"""Å; a monolayer has 24 atoms of each kind within 7 Å of an atom."""


def fingerprint(atoms: Atoms) -> np.ndarray:
    """Each atom's surroundings, (natoms, 1 + 2 × 20): its kind, and sorted distances (Å) to its nearest B and N."""
    symbols = np.array(atoms.get_chemical_symbols())
    first, second, distance = neighbor_list("ijd", atoms, REACH)
    rows = np.full((len(atoms), 1 + 2 * NEIGHBOURS), REACH)
    for i in range(len(atoms)):
        # Kinds are 100 Å apart: a B never counts as the counterpart of an N.
        rows[i, 0] = 0.0 if symbols[i] == "B" else 100.0 * np.sqrt(rows.shape[1])
        for part, kind in enumerate("BN"):
            near = np.sort(distance[(first == i) & (symbols[second] == kind)])[:NEIGHBOURS]
            rows[i, 1 + part * NEIGHBOURS : 1 + part * NEIGHBOURS + len(near)] = near
    return rows


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """Hausdorff distance (Å) of two fingerprints.

    The root-mean-square difference of neighbour distances between an atom of one structure and the most similar
    atom of the other, for the atom that matches worst. Zero for a structure and its supercells, rotated, reflected
    or reordered copies.
    """
    rms = np.sqrt(((one[:, None] - other[None]) ** 2).mean(axis=-1))
    return float(max(rms.min(axis=0).max(), rms.min(axis=1).max()))


def clusters(prints: dict[str, np.ndarray], nearer_than: float, together: list[list[str]]) -> list[list[str]]:
    """Groups of names whose structures are linked by distances below `nearer_than` (Å) or listed `together`."""
    names = sorted(prints)
    root = {name: name for name in names}

    def find(name: str) -> str:
        while root[name] != name:
            name = root[name]
        return name

    pairs = [(a, b) for i, a in enumerate(names) for b in names[:i] if apart(prints[a], prints[b]) < nearer_than]
    pairs += [(group[0], name) for group in together for name in group[1:]]
    for a, b in pairs:
        root[find(a)] = find(b)
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(find(name), []).append(name)
    return sorted(groups.values())
