"""Parameters of the task `sliding`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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

    path_points: int = 9
    paths: tuple[Literal["rigid", "relaxed"], ...] = ("rigid", "relaxed")
    grid: int = 6
    map: Literal["rigid", "relaxed"] = "relaxed"
    map_polarization: bool = True
    relax_cell: bool = False
    fmax: float = 1e-4
    max_steps: int = 200

    def __post_init__(self) -> None:
        if self.path_points < 5 or self.path_points % 2 == 0:
            raise HarnessError(f"task.params.path_points is {self.path_points}.", "Give an odd number of at least 5.")
        if self.grid < 0 or self.grid % 6:
            raise HarnessError(f"task.params.grid is {self.grid}.", "Give a multiple of 6, or 0 for no map.")
        if len(set(self.paths)) < len(self.paths) or not (self.paths or self.grid):
            raise HarnessError(
                "task.params.paths names a path twice, or there is nothing to do.", "Give [rigid,relaxed]."
            )
        if not (self.fmax > 0 and self.max_steps > 0):
            raise HarnessError("task.params.fmax and max_steps must be positive.", "Give e.g. fmax=1e-4 max_steps=200.")
