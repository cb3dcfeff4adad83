"""Symmetry operations of a crystal or a sheet, and which components of a tensor they forbid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import spglib
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
    """The point operations of `atoms`, one for each rotation, the identity first; found by spglib.

    Where the third direction is not periodic, they are those of the layer group: none turns the sheet's normal into
    its plane, and none relies on a repetition along it. The third cell vector has to be normal to the others there.

    Parameters
    ----------
    tolerance
        Å, how far an atom may be from the image of another one.

    Raises
    ------
    ValueError
        When atoms overlap or the cell has no volume.
    """
    cell = (atoms.cell.array, atoms.get_scaled_positions(wrap=False), atoms.numbers)
    if atoms.pbc[2]:
        found = spglib.get_symmetry_dataset(cell, symprec=tolerance)
    else:
        found = spglib.get_symmetry_layerdataset(cell, aperiodic_dir=2, symprec=tolerance)
    if found is None:
        raise ValueError("spglib finds no symmetry operations: atoms overlap, or the cell has no volume")
    group: dict[bytes, Operation] = {}
    # rows of the transposed matrix: images of the cell's vectors in terms of them; sorting makes the order definite
    pairs = zip(np.swapaxes(found.rotations, 1, 2), found.translations, strict=True)
    for matrix, translation in sorted(pairs, key=lambda pair: pair[0].ravel().tolist()):
        if matrix.tobytes() not in group:
            rotation = np.linalg.solve(atoms.cell.array, matrix @ atoms.cell.array).T
            left, _, right = np.linalg.svd(rotation)
            group[matrix.tobytes()] = Operation(left @ right, _image(cell, matrix, translation))
    return sorted(group.values(), key=lambda operation: not np.allclose(operation.rotation, np.eye(3), atol=1e-6))


def _image(cell: tuple[np.ndarray, np.ndarray, np.ndarray], matrix: np.ndarray, translation: np.ndarray) -> np.ndarray:
    """The atom next to where each atom is moved, (natoms,)."""
    vectors, scaled, numbers = cell
    difference = (scaled @ matrix + translation)[:, None] - scaled[None, :]
    difference -= np.round(difference)
    distance = np.linalg.norm(difference @ vectors, axis=2)
    distance[numbers[:, None] != numbers[None, :]] = np.inf
    nearest: np.ndarray = distance.argmin(axis=1)
    return nearest


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
