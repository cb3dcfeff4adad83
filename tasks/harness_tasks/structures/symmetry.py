"""Symmetry operations of a crystal or a sheet, and which components of a tensor they forbid."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms

#: Å, how far an atom may be from the image of another one.
TOLERANCE = 2e-3


@dataclass(frozen=True, slots=True)
class Operation:
    """A rotation (or rotation and inversion) followed by a translation that maps the structure onto itself.

    Attributes
    ----------
    rotation
        Cartesian, (3, 3).
    image
        The atom that each atom is moved onto, (natoms,).
    """

    rotation: np.ndarray
    image: np.ndarray

    def vectors(self, values: np.ndarray) -> np.ndarray:
        """What `values` (natoms, 3), one vector per atom, become."""
        moved = np.empty_like(values)
        moved[self.image] = values @ self.rotation.T
        return moved

    def tensor(self, values: np.ndarray) -> np.ndarray:
        """What a tensor (3, …, 3) of any rank becomes."""
        for axis in range(values.ndim):
            values = np.moveaxis(np.tensordot(self.rotation, values, axes=(1, axis)), 0, axis)
        return values


def operations(atoms: Atoms, tolerance: float = TOLERANCE) -> list[Operation]:
    """The point operations of `atoms`, one for each rotation, the identity first.

    Vacuum counts as part of the cell, which a sheet in the middle of it does not notice.
    """
    cell = atoms.cell.array
    metric = cell @ cell.T
    whole = np.array(list(itertools.product((-1, 0, 1), repeat=9)), dtype=float).reshape(-1, 3, 3)
    close = np.abs(whole @ metric @ np.swapaxes(whole, 1, 2) - metric).max(axis=(1, 2)) < tolerance * cell.max()
    scaled = np.linalg.solve(cell.T, atoms.positions.T).T
    found = []
    for matrix in whole[close]:  # rows: images of the cell's vectors in terms of them
        image = _image(atoms, scaled @ matrix, scaled, tolerance)
        if image is not None:
            rotation = np.linalg.solve(cell, matrix @ cell).T
            left, _, right = np.linalg.svd(rotation)
            found.append(Operation(left @ right, image))
    found.sort(key=lambda operation: not np.allclose(operation.rotation, np.eye(3), atol=1e-6))
    return found


def invariant(group: Sequence[Operation], tensor: np.ndarray) -> np.ndarray:
    """The part of a `tensor` (3, …, 3) that survives every operation of the point `group`."""
    return np.asarray(np.mean([operation.tensor(tensor) for operation in group], axis=0))


def allowed(group: Sequence[Operation], *index: int) -> bool:
    """Whether the component with that `index` of a property tensor may differ from zero.

    The last two of three indices are those of a strain and are taken as symmetric.
    """
    basis = np.zeros((3,) * len(index))
    basis[index] = 1.0
    if len(index) == 3:
        basis = basis + np.swapaxes(basis, 1, 2)
    return bool(abs(invariant(group, basis)[index]) > 1e-6)


def has_threefold_axis(group: Sequence[Operation]) -> bool:
    """Whether a third of a turn about z is among the operations: then a sheet is isotropic in its plane."""
    turn = np.array([[-0.5, -np.sqrt(0.75), 0], [np.sqrt(0.75), -0.5, 0], [0, 0, 1]])
    return any(np.allclose(operation.rotation, turn, atol=1e-3) for operation in group)


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
