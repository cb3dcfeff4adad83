"""The crystal that a task runs on: one sheet or a stack of sheets, built and validated once before a task sees it.

The cell is periodic in the plane and open along z. Prototypes and structure files are read by `harness.materials`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols
from ase.formula import Formula


class Need(StrEnum):
    """What a task may need of a material; `harness.materials.needs` says what each one means."""

    TWO_LAYERS = "two layers"
    ONE_OR_TWO_LAYERS = "one or two layers"
    HONEYCOMB_LAYERS = "honeycomb layers"
    PARALLEL_LAYERS = "parallel layers"
    POLAR_STACKING = "polar stacking"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a material comes from: a prototype with its parameters, or a structure file.

    Attributes
    ----------
    prototype
        Name of the prototype; empty for a file.
    parameters
        What the prototype was given.
    file, sha256
        Absolute path and content hash of the structure file; empty for a prototype.
    """

    prototype: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    file: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Material:
    """A primitive cell with its layers; arrays are read-only, and every change makes another material.

    Attributes
    ----------
    name
        What reports show.
    cell
        (3, 3), Å. The first vector lies along x, the second one in the x-y plane, the third one along z.
    sites
        (natoms, 2), fractions of the first two vectors; not wrapped. Layers follow one another from the bottom up.
    heights
        (natoms,), z in Å; the stack lies at half height of the cell.
    numbers
        (natoms,), atomic numbers.
    layer
        (natoms,), layer of each atom; 0 is the lowest one.
    vacuum
        Height of the cell less that of the stack, Å.
    distance
        Of the mean heights of neighbouring layers, Å; 0 for one layer if none is given.
    stacking
        Name of the stacking, e.g. ``AB``; empty for one layer and where it has no name.
    registry
        Shift of the second layer from the lowest one, in fractions of the first two vectors; (0, 0) for one layer.
    antiparallel
        Whether every second layer is the lowest one after half a turn about the vertical axis (see `restacked`).
    honeycomb
        Whether every layer is a flat honeycomb of the same two atoms at (0, 0) and (1/3, 2/3) of the 120° cell, plus
        the layer's shift, with the species exchanged in antiparallel layers.
    source
        The prototype or the file.
    """

    name: str
    cell: np.ndarray
    sites: np.ndarray
    heights: np.ndarray
    numbers: np.ndarray
    layer: np.ndarray
    vacuum: float
    distance: float = 0.0
    stacking: str = ""
    registry: tuple[float, float] = (0.0, 0.0)
    antiparallel: bool = False
    honeycomb: bool = False
    source: Source = field(default_factory=Source)

    def __post_init__(self) -> None:
        n = len(self.numbers)
        shapes = {"cell": (3, 3), "sites": (n, 2), "heights": (n,), "numbers": (n,), "layer": (n,)}
        for key, shape in shapes.items():
            array = np.array(getattr(self, key), dtype=int if key in ("numbers", "layer") else float)
            if array.shape != shape or not np.isfinite(array).all():
                raise ValueError(f"{key} of material '{self.name}' must be finite numbers of shape {shape}")
            array.setflags(write=False)
            object.__setattr__(self, key, array)
        if n == 0 or self.layer[0] != 0 or not np.isin(np.diff(self.layer), (0, 1)).all():
            raise ValueError(f"layers of material '{self.name}' must follow one another from 0")
        upper = self.cell[[0, 0, 1, 2, 2], [1, 2, 2, 0, 1]]
        if upper.any() or not (self.cell.diagonal() > 0).all():
            raise ValueError(f"the cell of material '{self.name}' must have a along x, b in the x-y plane, c along z")

    @property
    def atoms(self) -> Atoms:
        """A fresh structure: the primitive cell, pbc (T, T, F)."""
        positions = np.empty((len(self.numbers), 3))
        for number in range(self.layers):
            members = self.layer == number
            positions[members] = self.sites[members] @ self.cell[:2]
        positions[:, 2] = self.heights
        return Atoms(self.numbers, positions=positions, cell=self.cell, pbc=(True, True, False))

    @property
    def layers(self) -> int:
        """Number of layers."""
        return int(self.layer[-1]) + 1

    @property
    def a(self) -> float:
        """Length of the first cell vector, Å."""
        return float(self.cell[0, 0])

    @property
    def thickness(self) -> float:
        """Difference of the highest and the lowest atom's heights, Å."""
        return float(np.ptp(self.heights))

    @property
    def symbols(self) -> tuple[str, ...]:
        """Chemical symbols of the lowest layer's atoms, in their order."""
        return tuple(chemical_symbols[number] for number in self.numbers[self.layer == 0])

    @property
    def formula(self) -> str:
        """Reduced chemical formula of the whole cell, e.g. ``BN``."""
        symbols = "".join(chemical_symbols[number] for number in self.numbers)
        return str(Formula(symbols).reduce()[0].format("periodic"))

    def with_lattice_constant(self, a: float) -> Self:
        """The same stack with its cell scaled in the plane, so that the first vector has the length `a` (Å)."""
        if self.honeycomb:
            plane = hexagonal_plane(a)
        else:
            plane = self.cell[:2] * (a / self.a)
        return replace(self, cell=np.vstack([plane, self.cell[2]]))

    def restacked(
        self,
        layers: int,
        distance: float,
        *,
        registry: tuple[float, float] = (0.0, 0.0),
        antiparallel: bool = False,
        stacking: str = "",
    ) -> Self:
        """The lowest layer, so many times.

        Parameters
        ----------
        layers
            Number of layers; 1 gives the lowest layer alone.
        distance
            Of the mean heights of neighbouring layers, Å.
        registry
            Shift of each layer from the one below, in fractions of the first two cell vectors.
        antiparallel
            Every second layer makes half a turn about the vertical axis through the middle of its first and its last
            atom, and its atoms are listed in reverse. A honeycomb then has its species exchanged.
        stacking
            Name of the result's stacking.
        """
        lowest = self.layer == 0
        sites, numbers = self.sites[lowest], self.numbers[lowest]
        rumple = self.heights[lowest] - self.heights[lowest].mean()
        height = self.vacuum + (layers - 1) * distance + float(np.ptp(rumple))
        middle = height / 2 - (rumple.max() + rumple.min()) / 2
        turned = sites[0] + sites[-1] - sites[::-1]
        flipped = [antiparallel and number % 2 == 1 for number in range(layers)]
        return replace(
            self,
            cell=np.vstack([self.cell[:2], [0.0, 0.0, height]]),
            sites=np.concatenate(
                [(turned if flip else sites) + number * np.array(registry) for number, flip in enumerate(flipped)]
            ),
            heights=np.concatenate(
                [
                    middle + (number - (layers - 1) / 2) * distance + (rumple[::-1] if flip else rumple)
                    for number, flip in enumerate(flipped)
                ]
            ),
            numbers=np.concatenate([numbers[::-1] if flip else numbers for flip in flipped]),
            layer=np.repeat(np.arange(layers), len(numbers)),
            distance=distance,
            stacking=stacking,
            registry=registry if layers > 1 else (0.0, 0.0),
            antiparallel=antiparallel and layers > 1,
        )

    def single_layer(self) -> Self:
        """The lowest layer alone, at half height of a cell with the same vacuum."""
        return self.restacked(1, self.distance)


def hexagonal_plane(a: float) -> np.ndarray:
    """Vectors (2, 3) of length `a` (Å) at 120°, the first one along x."""
    return np.array([[a, 0.0, 0.0], [-a / 2, a * math.sqrt(3) / 2, 0.0]])


#: Makes a material of the keys of ``material``, given as keywords; raises HarnessError for values that make none.
MaterialFactory = Callable[..., Material]
