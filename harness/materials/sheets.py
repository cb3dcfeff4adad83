"""Area and stress of a sheet in the plane of the cell's first two vectors."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from numpy.typing import ArrayLike

__all__ = ["area", "sheet_stress"]


def area(atoms: Atoms) -> float:
    """Area of the cell's first two vectors, Å²."""
    return float(np.linalg.norm(np.cross(atoms.cell[0], atoms.cell[1])))


def sheet_stress(stress: ArrayLike, atoms: Atoms) -> np.ndarray:
    """Stress times the height of the cell, eV/Å²; six Voigt components like `stress` (eV/Å³)."""
    height: float = atoms.get_volume() / area(atoms)
    return np.asarray(stress, dtype=float) * height
