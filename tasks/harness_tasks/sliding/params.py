"""Parameters of the task `sliding`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, MultipleOf

from harness.contracts.parameters import Count, Distinct, ForceTolerance, Odd
from harness.errors import HarnessError


@dataclass(frozen=True, slots=True)
class SlidingParams:
    """Parameters of `sliding`.

    Attributes
    ----------
    path_points
        On the straight path AB-SP-BA, both ends included; odd, so that SP is one of them.
    paths
        ``rigid``: flat layers at the material's distance, the same structures for every potential; ``relaxed``: every
        atom free along z, in-plane positions held.
    grid
        The map has grid × grid registries, of which symmetry leaves a twelfth (parallel) or a sixth to be calculated;
        a multiple of 6, so that AA, AB, BA and SP are among them; 0 for no map.
    map
        ``relaxed`` or ``rigid``, as for the path.
    map_polarization
        Ask for the dipole at the registries of the map as well.
    relax_cell
        Take the potential's own lattice constant (AB, or AA' if antiparallel) in place of the material's.
    fmax, max_steps
        Of relaxations, eV/Å.
    """

    path_points: Annotated[int, Ge(5), Odd] = 9
    paths: Annotated[tuple[Literal["rigid", "relaxed"], ...], Distinct] = ("rigid", "relaxed")
    grid: Annotated[int, Ge(0), MultipleOf(6)] = 6
    map: Literal["rigid", "relaxed"] = "relaxed"
    map_polarization: bool = True
    relax_cell: bool = False
    fmax: ForceTolerance = 1e-4
    max_steps: Count = 200

    def __post_init__(self) -> None:
        if not (self.paths or self.grid):
            raise HarnessError("there is nothing to do: no path and no map.", "Give task.params.paths=[rigid,relaxed].")
