"""Grimme's D2 dispersion correction, for labels that are stored without any dispersion.

S. Grimme, J. Comput. Chem. 27, 1787 (2006): ``E = -s6 sum_{i<j} C6_ij / r^6 / (1 + exp(-d (r / R_ij - 1)))`` with
``C6_ij = sqrt(C6_i C6_j)`` and ``R_ij = R_i + R_j``; s6 = 0.75 for PBE, d = 20.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, chemical_symbols
from ase.units import J, mol

from harness.errors import unknown_choice

S6_PBE = 0.75
STEEPNESS = 20.0
#: Å. Pairs further apart hold 2 µeV of a layer's energy per atom.
CUTOFF = 50.0
_ROW = 5_000_000  # pairs at a time: bounds the memory

_RANGES = {"Sc Ti V Cr Mn Fe Co Ni Cu Zn": (10.80, 1.562), "Y Zr Nb Mo Tc Ru Rh Pd Ag Cd": (24.67, 1.639)}
#: Table 1 of the paper: C6 in J nm⁶/mol, van der Waals radius in Å.
TABLE = {
    "H": (0.14, 1.001), "He": (0.08, 1.012),
    "Li": (1.61, 0.825), "Be": (1.61, 1.408), "B": (3.13, 1.485), "C": (1.75, 1.452), "N": (1.23, 1.397),
    "O": (0.70, 1.342), "F": (0.75, 1.287), "Ne": (0.63, 1.243),
    "Na": (5.71, 1.144), "Mg": (5.71, 1.364), "Al": (10.79, 1.639), "Si": (9.23, 1.716), "P": (7.84, 1.705),
    "S": (5.57, 1.683), "Cl": (5.07, 1.639), "Ar": (4.61, 1.595),
    "K": (10.80, 1.485), "Ca": (10.80, 1.474), "Ga": (16.99, 1.650), "Ge": (17.10, 1.727), "As": (16.37, 1.760),
    "Se": (12.64, 1.771), "Br": (12.47, 1.749), "Kr": (12.01, 1.727),
    "Rb": (24.67, 1.628), "Sr": (24.67, 1.606), "In": (37.32, 1.672), "Sn": (38.71, 1.804), "Sb": (38.44, 1.881),
    "Te": (31.74, 1.892), "I": (31.50, 1.892), "Xe": (29.99, 1.881),
    **{symbol: pair for symbols, pair in _RANGES.items() for symbol in symbols.split()},
}  # fmt: skip


class Dispersion(NamedTuple):
    """Energy (eV), forces (natoms, 3) in eV/Å, stress (6,) in eV/Å³ over the volume of the cell."""

    energy: float
    forces: np.ndarray
    stress: np.ndarray


def d2(atoms: Atoms, s6: float = S6_PBE, cutoff: float = CUTOFF) -> Dispersion:
    """The correction for a structure, summed over images along its periodic directions only.

    Parameters
    ----------
    atoms
        Any `pbc`; a sheet with pbc (True, True, False) has no images across, however low its cell.
    s6
        Global scale, which belongs to the functional.
    cutoff
        Largest distance of a pair (Å).

    Returns
    -------
    Dispersion
        The stress is zero for cells without a volume.

    Raises
    ------
    HarnessError
        For an element beyond xenon.
    """
    for symbol in sorted(set(atoms.symbols)):
        if symbol not in TABLE:
            raise unknown_choice("element for D2", symbol, TABLE)
    c6_of, radius_of = _tables()
    c6 = np.sqrt(np.multiply.outer(c6_of[atoms.numbers], c6_of[atoms.numbers]))
    radius = np.add.outer(radius_of[atoms.numbers], radius_of[atoms.numbers])
    energy, forces, virial = 0.0, np.zeros((len(atoms), 3)), np.zeros((3, 3))
    between = atoms.positions[None, :, :] - atoms.positions[:, None, :]
    for shifts in _images(atoms, cutoff):
        r = between[None] + shifts[:, None, None, :]
        distance = np.linalg.norm(r, axis=-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            bare = -s6 * c6 / distance**6
            damping = 1.0 / (1.0 + np.exp(np.clip(-STEEPNESS * (distance / radius - 1.0), None, 500.0)))
            slope = bare * damping * (-6.0 / distance + (1.0 - damping) * STEEPNESS / radius)
        counted = (distance > 1e-6) & (distance <= cutoff)
        # every pair is met from both its ends, hence the halves
        energy += 0.5 * float(np.sum(bare * damping, where=counted))
        pull = np.divide(slope, distance, out=np.zeros_like(slope), where=counted)[..., None] * r
        forces += pull.sum(axis=(0, 2))
        virial += 0.5 * np.einsum("sija,sijb->ab", pull, r)
    stress = np.zeros(6)
    if atoms.cell.rank == 3:
        stress = (virial / atoms.get_volume())[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]
    return Dispersion(energy, forces, stress)


def _tables() -> tuple[np.ndarray, np.ndarray]:
    """C6 in eV Å⁶ and radii in Å, by atomic number."""
    c6, radius = np.zeros(len(chemical_symbols)), np.ones(len(chemical_symbols))
    for symbol, (coefficient, r) in TABLE.items():
        c6[atomic_numbers[symbol]] = coefficient * J / mol * 1e6  # nm⁶ = 10⁶ Å⁶
        radius[atomic_numbers[symbol]] = r
    return c6, radius


def _images(atoms: Atoms, cutoff: float) -> Iterator[np.ndarray]:
    """Lattice vectors that can bring a pair within the cutoff, some at a time."""
    cell, pbc = atoms.cell.complete().array, atoms.pbc
    heights = 1.0 / np.linalg.norm(np.linalg.inv(cell), axis=0)
    spread = np.ptp(atoms.positions @ np.linalg.inv(cell), axis=0) if len(atoms) else np.zeros(3)
    reach = np.where(pbc, np.ceil(cutoff / heights + spread), 0).astype(int)
    grid = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in reach), indexing="ij"), axis=-1).reshape(-1, 3)
    vectors = grid @ cell
    size = max(1, _ROW // max(1, len(atoms) ** 2))
    for start in range(0, len(vectors), size):
        yield vectors[start : start + size]
