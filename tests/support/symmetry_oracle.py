"""Point operations by trying every matrix of small integers: the oracle of `harness.materials.symmetry`."""

from __future__ import annotations

import itertools

import numpy as np
from ase import Atoms


def brute_force(atoms: Atoms, tolerance: float = 2e-3) -> list[tuple[np.ndarray, np.ndarray]]:
    """Cartesian rotation (3, 3) and image of each atom (natoms,), the identity first, of a reduced cell."""
    cell = atoms.cell.array
    whole = np.array(list(itertools.product((-1, 0, 1), repeat=9)), dtype=float).reshape(-1, 3, 3)
    moved = whole @ cell
    lengths = np.abs(np.linalg.norm(moved, axis=2) - np.linalg.norm(cell, axis=1)).max(axis=1)
    angles = np.abs(moved @ np.swapaxes(moved, 1, 2) - cell @ cell.T).max(axis=(1, 2)) / cell.max()
    scaled = np.linalg.solve(cell.T, atoms.positions.T).T
    found = []
    for matrix in whole[(lengths < tolerance) & (angles < tolerance)]:
        image = _image(atoms, scaled @ matrix, scaled, tolerance)
        if image is not None:
            left, _, right = np.linalg.svd(np.linalg.solve(cell, matrix @ cell).T)
            found.append((left @ right, image))
    found.sort(key=lambda pair: not np.allclose(pair[0], np.eye(3), atol=1e-6))
    return found


def _image(atoms: Atoms, moved: np.ndarray, scaled: np.ndarray, tolerance: float) -> np.ndarray | None:
    numbers, cell = atoms.numbers, atoms.cell.array
    same = numbers[:, None] == numbers[None, :]
    for target in np.flatnonzero(numbers == numbers[0]):
        apart = moved + (scaled[target] - moved[0])
        difference = apart[:, None] - scaled[None, :]
        difference -= np.round(difference)
        near = same & (np.linalg.norm(difference @ cell, axis=2) < tolerance)
        if (near.sum(axis=1) == 1).all() and (near.sum(axis=0) == 1).all():
            image: np.ndarray = near.argmax(axis=1)
            return image
    return None
