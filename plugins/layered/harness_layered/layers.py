"""Layers along a trajectory: found once, kept while the atoms move."""

from __future__ import annotations

import numpy as np
from ase import Atoms

from harness.errors import HarnessError
from harness.materials.layers import assign_layers

__all__ = ["LayerMemory"]

JUMP = 1.0  # Å in one step; dynamics and relaxations move atoms by a tenth of it


class LayerMemory:
    """The layer of each atom, remembered while the same atoms move.

    An integer array ``atoms.arrays["layer"]`` of the user's is taken as it is: it decides cases that bonds cannot
    (a detached atom that belongs to a sheet). Otherwise layers are the connected components of the bond graph of
    the first structure seen, and stay while it moves: a sheet does not change its atoms when it bends, slides or
    leaves the cell. They are found anew when the number of atoms, their elements or the periodicity change, or when
    an atom jumps by more than `JUMP` at once, for then this may be another structure of the same atoms. That layers
    have come so close that bonds would join them is noticed by the interlayer potential.
    """

    def __init__(self) -> None:
        self._key: tuple[bytes, bytes] | None = None
        self._layers = np.zeros(0, dtype=int)
        self._positions = np.zeros((0, 3))

    def layers(self, atoms: Atoms) -> np.ndarray:
        """Layer of each atom, shape (N,), from 0 upwards."""
        given: np.ndarray | None = atoms.arrays.get("layer")
        if given is not None:
            if given.ndim != 1 or not np.issubdtype(given.dtype, np.integer):
                raise HarnessError("the structure's array 'layer' is not one integer per atom.",
                                   "Remove it, or number the layers 0, 1, ...")  # fmt: skip
            return given
        key = (atoms.numbers.tobytes(), atoms.pbc.tobytes())
        if key != self._key or np.abs(atoms.positions - self._positions).max(initial=0.0) > JUMP:
            self._layers = assign_layers(atoms)
            self._key = key
        self._positions = atoms.positions.copy()
        return self._layers
