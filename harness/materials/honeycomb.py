"""The prototype ``honeycomb``: one to four flat layers of two atoms, stacked by name.

Axes: x along zigzag (period a), y along armchair (period √3 a), z out of the sheet and never periodic.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from ase.data import atomic_numbers

from harness.contracts.material import Material, Source, hexagonal_plane
from harness.errors import HarnessError, nearest, unknown_choice

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
#: Sites of a layer's two atoms, fractions of the 120° cell.
SITES = ((0.0, 0.0), (1 / 3, 2 / 3))
MAX_LAYERS = 4


def honeycomb(
    *,
    a: Any = None,
    vacuum: Any = None,
    symbols: Any = ("B", "N"),
    layers: Any = 2,
    stacking: Any = None,
    distance: Any = None,
    name: str = "material",
) -> Material:
    """Layers of two atoms in the 120° cell.

    Parameters
    ----------
    a
        Lattice constant, Å.
    vacuum
        Height of the cell above the stack, Å.
    symbols
        Two chemical symbols.
    layers
        1 to 4.
    stacking
        For more than one layer: AA, AB, BA, SP (parallel), AA' or AAp (antiparallel).
    distance
        Of neighbouring layers, Å; needed for more than one.

    Raises
    ------
    HarnessError
        For an unknown stacking or symbol, and for lengths and numbers that are not positive.
    """
    given = {"symbols": symbols, "a": a, "layers": layers, "stacking": stacking, "distance": distance, "vacuum": vacuum}
    if isinstance(layers, bool) or not isinstance(layers, int) or not 1 <= layers <= MAX_LAYERS:
        raise HarnessError(f"material.layers is {layers!r}.", f"Choices: 1 to {MAX_LAYERS}.")
    shift, antiparallel = stacking_of(str(stacking)) if layers > 1 else ((0.0, 0.0), False)
    length = positive(a, "a")
    apart = positive(distance, "distance") if layers > 1 or distance is not None else 0.0
    height = positive(vacuum, "vacuum")
    numbers = [atomic_numbers[symbol] for symbol in _two_symbols(symbols)]
    sheet = Material(
        name=str(name),
        cell=np.vstack([hexagonal_plane(length), [0.0, 0.0, height]]),
        sites=np.array(SITES),
        heights=np.full(2, height / 2),
        numbers=np.array(numbers),
        layer=np.zeros(2, dtype=int),
        vacuum=height,
        distance=apart,
        honeycomb=True,
        source=Source("honeycomb", given),
    )
    if layers == 1:
        return sheet
    kind = ALIASES.get(str(stacking), str(stacking))
    return sheet.restacked(layers, apart, registry=shift, antiparallel=antiparallel, stacking=kind)


def stacking_of(name: str) -> tuple[tuple[float, float], bool]:
    """Registry in fractions of the primitive cell, and whether the layers are antiparallel.

    Raises
    ------
    HarnessError
        For an unknown name.
    """
    name = ALIASES.get(name, name)
    if name not in STACKINGS:
        raise unknown_choice("stacking", name, STACKINGS)
    return STACKINGS[name]


def positive(value: Any, name: str) -> float:
    """The entry `name` of a material as a positive number.

    Raises
    ------
    HarnessError
        When it is missing, not a number or not positive.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise HarnessError(
            f"material.{name} is {value!r}.", f"Give it as a number, e.g. material.{name}=2.5."
        ) from None
    if not (number > 0 and math.isfinite(number)):
        raise HarnessError(f"material.{name} is {number:g}.", f"material.{name} must be positive.")
    return number


def _two_symbols(symbols: Any) -> list[str]:
    hint = "Give two chemical symbols, e.g. material.symbols=[B,N]."
    listed = list(symbols) if isinstance(symbols, Sequence) and not isinstance(symbols, str) else []
    if len(listed) != 2:
        raise HarnessError(f"material.symbols is {symbols!r}.", hint)
    for symbol in listed:
        if symbol not in atomic_numbers or symbol == "X":
            near = nearest(str(symbol), (known for known in atomic_numbers if known != "X"))
            guess = f" Did you mean '{near}'?" if near else ""
            raise HarnessError(f"material.symbols has '{symbol}', which is no chemical symbol.{guess}", hint)
    return listed
