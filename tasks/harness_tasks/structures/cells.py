"""Rectangular cells of layered honeycomb sheets.

Axes: x along zigzag (period a), y along armchair (period √3 a), z out of the sheet and never periodic.
"""

from __future__ import annotations

import math

import numpy as np
from ase import Atoms

from harness.contracts.material import Material, Need
from harness.errors import HarnessError, UnsupportedError


def rectangular(material: Material, nx: int = 1, ny: int = 1) -> Atoms:
    """A rectangular sheet of `nx` zigzag by `ny` armchair periods, four atoms a layer in each.

    The array ``layer`` numbers the layers from the bottom. Positions are not wrapped into the cell.

    Raises
    ------
    HarnessError
        For a number of cells below one, and for layers that are no honeycombs.
    """
    for name, number in (("nx", nx), ("ny", ny)):
        if number < 1:
            raise HarnessError(f"{name} is {number}.", "A sheet needs at least one cell in each direction.")
    if not material.honeycomb:
        raise UnsupportedError(
            f"rectangular sheets are made of honeycomb layers alone, not of {material.name}.",
            "Give material=bn_bilayer.",
            [Need.HONEYCOMB_LAYERS],
        )
    small = material.atoms
    a, height = small.cell[0, 0], small.cell[2, 2]
    shift = np.array([a / 2, a * math.sqrt(3) / 2, 0.0])
    small.set_array("layer", material.layer)
    second = small.copy()
    second.positions += shift
    atoms = small + second
    atoms.set_cell(np.diag([a, 2 * shift[1], height]))
    atoms.pbc = (True, True, False)
    return atoms.repeat((nx, ny, 1))


def cells_for(material: Material, width: float | None, length: float) -> tuple[int, int]:
    """The whole number of rectangular cells next to `width` along x and `length` along y (Å); at least one each."""
    for name, size in (("width", width), ("length", length)):
        if size is not None and not size > 0:
            raise HarnessError(f"{name} is {size} Å.", "Give a positive length, or null for one cell of width.")
    nx = 1 if width is None else max(1, round(width / material.a))
    return nx, max(1, round(length / (math.sqrt(3) * material.a)))
