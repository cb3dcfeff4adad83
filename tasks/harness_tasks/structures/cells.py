"""Cells of layered honeycomb sheets: primitive or rectangular, one to four layers, by stacking name.

Axes: x along zigzag (period a), y along armchair (period √3 a), z out of the sheet and never periodic.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from ase import Atoms

from harness.errors import HarnessError, unknown

#: Shift of each further layer in fractions of the 120° primitive cell, and whether its species are exchanged.
#: AB, BA and SP are the labels of parallel stacking: AB has N of the lower layer below B of the upper one. Shifts add
#: up, so that three layers AB are the rhombohedral stack; exchanged species alternate.
STACKINGS: dict[str, tuple[tuple[float, float], bool]] = {
    "AA": ((0.0, 0.0), False),
    "AB": ((1 / 3, 2 / 3), False),
    "BA": ((2 / 3, 1 / 3), False),
    "SP": ((1 / 2, 1 / 2), False),
    "AA'": ((0.0, 0.0), True),
}
#: The apostrophe of AA' has to be quoted in a shell; this name has not.
ALIASES = {"AAp": "AA'"}
MAX_LAYERS = 4


def primitive(material: Mapping[str, Any]) -> Atoms:
    """The 120° primitive cell, two atoms a layer.

    Parameters
    ----------
    material
        ``symbols`` (two chemical symbols), ``a`` (Å), ``layers``, ``stacking`` and ``distance`` (Å) for more than one,
        ``vacuum`` (Å, height of the cell above the stack).

    Returns
    -------
    Atoms
        pbc (T, T, F), the stack at half height of the cell.

    Raises
    ------
    HarnessError
        For an unknown stacking and for lengths and numbers that are not positive.
    """
    layers, shift, flip = _stacking(material)
    a = positive(material, "a")
    distance = positive(material, "distance") if layers > 1 else 0.0
    height = positive(material, "vacuum") + (layers - 1) * distance
    symbols = list(material.get("symbols", ("B", "N")))
    cell = np.array([[a, 0, 0], [-a / 2, a * math.sqrt(3) / 2, 0], [0, 0, height]])
    fractions = np.array([(0.0, 0.0), (1 / 3, 2 / 3)])
    sheets = []
    for layer in range(layers):
        positions = (fractions + layer * np.array(shift)) @ cell[:2]
        positions[:, 2] = height / 2 + (layer - (layers - 1) / 2) * distance
        exchanged = flip and layer % 2
        sheets.append(Atoms(symbols[::-1] if exchanged else symbols, positions=positions))
    atoms = sum(sheets[1:], start=sheets[0])
    atoms.set_cell(cell)
    atoms.pbc = (True, True, False)
    return atoms


def rectangular(material: Mapping[str, Any], nx: int = 1, ny: int = 1) -> Atoms:
    """A rectangular sheet of `nx` zigzag by `ny` armchair periods, four atoms a layer in each.

    The array ``layer`` numbers the layers from the bottom. Positions are not wrapped into the cell.

    Raises
    ------
    HarnessError
        As for `primitive`, and for a number of cells below one.
    """
    for name, number in (("nx", nx), ("ny", ny)):
        if number < 1:
            raise HarnessError(f"{name} is {number}.", "A sheet needs at least one cell in each direction.")
    small = primitive(material)
    a, height = small.cell[0, 0], small.cell[2, 2]
    shift = np.array([a / 2, a * math.sqrt(3) / 2, 0.0])
    small.set_array("layer", np.repeat(np.arange(len(small) // 2), 2))
    second = small.copy()
    second.positions += shift
    atoms = small + second
    atoms.set_cell(np.diag([a, 2 * shift[1], height]))
    atoms.pbc = (True, True, False)
    return atoms.repeat((nx, ny, 1))


def cells_for(material: Mapping[str, Any], width: float | None, length: float) -> tuple[int, int]:
    """The whole number of rectangular cells next to `width` along x and `length` along y (Å); at least one each."""
    a = positive(material, "a")
    for name, size in (("width", width), ("length", length)):
        if size is not None and not size > 0:
            raise HarnessError(f"{name} is {size} Å.", "Give a positive length, or null for one cell of width.")
    nx = 1 if width is None else max(1, round(width / a))
    return nx, max(1, round(length / (math.sqrt(3) * a)))


def positive(material: Mapping[str, Any], name: str) -> float:
    """The entry `name` of a material as a positive number.

    Raises
    ------
    HarnessError
        When it is missing, not a number or not positive.
    """
    try:
        number = float(material[name])
    except (KeyError, TypeError, ValueError):
        raise HarnessError(
            f"material.{name} is {material.get(name)!r}.", f"Give it as a number, e.g. material.{name}=2.5."
        ) from None
    if not (number > 0 and math.isfinite(number)):
        raise HarnessError(f"material.{name} is {number:g}.", f"material.{name} must be positive.")
    return number


def _stacking(material: Mapping[str, Any]) -> tuple[int, tuple[float, float], bool]:
    layers = material.get("layers", 2)
    if isinstance(layers, bool) or not isinstance(layers, int) or not 1 <= layers <= MAX_LAYERS:
        raise HarnessError(f"material.layers is {layers!r}.", f"Choices: 1 to {MAX_LAYERS}.")
    if layers == 1:
        return layers, (0.0, 0.0), False
    name = str(material.get("stacking"))
    name = ALIASES.get(name, name)
    if name not in STACKINGS:
        raise unknown("stacking", name, STACKINGS)
    shift, flip = STACKINGS[name]
    return layers, shift, flip
