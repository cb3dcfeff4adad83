"""Moiré cells of two honeycomb layers: commensurate twists (n, n + 1), and one layer strained against the other.

Twist (Shallcross et al., Phys. Rev. B 81, 165105 (2010), with r = 1): with primitive vectors e₁, e₂ at 120°,

    T₁ = (m + n) e₁ + n e₂,  T₂ = −n e₁ + m e₂  of the lower layer, m and n exchanged in the upper one, n = m + 1,
    cos θ = (m² + 4mn + n²) / (2 (m² + mn + n²)),  atoms 4 (m² + mn + n²) = 4 (3m² + 3m + 1),  period a / (2 sin θ/2)

Mismatch: (N + 1)² cells of the compressed layer on N² of the other, 2 [(N + 1)² + N²] atoms, period N a.

Layers are rotated so that T₁ lies along x; AA (or AA′) is at the origin. `moire_registry` says where which stacking is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from ase import Atoms

from harness.contracts.material import Material
from harness.contracts.parameters import Rule
from harness.errors import HarnessError
from harness.materials.honeycomb import SITES

#: Cells of the upper layer along each period: N has a lower layer compressed by 1/(N + 1), −N one stretched by
#: 1/(N − 1).
Mismatch = Annotated[int, Rule(lambda n: 3 <= abs(n) <= 10_000, "3 to 10000 cells, or -3 to -10000")]
#: Sites of the two atoms of a layer in fractions of its primitive cell.
BASIS = np.array(SITES)
_HEXAGONAL = np.array([[1.0, 0.0], [-0.5, math.sqrt(0.75)]])


@dataclass(frozen=True, slots=True)
class Moire:
    """A moiré cell with rigid, flat layers, and what is needed to say later where each atom belongs.

    Attributes
    ----------
    atoms
        Lower layer first, then the upper one; in each, the two atoms of a primitive cell follow one another. The array
        ``layer`` is 0 or 1. pbc (T, T, F), the bilayer at half height; T₁ along x, T₂ at 120° to it.
    repeats
        Integers (2, 2, 2): ``atoms.cell[:2, :2] == repeats[layer] @ lattices[layer]``.
    sites
        Where each atom belongs in its own layer, in fractions of that layer's primitive cell, (N, 2); not wrapped.
    angle
        By which the upper lattice is turned against the lower one, degrees, counter-clockwise.
    mismatch
        Compression of the lower layer, relative to the upper layer's lattice constant: 1/(N + 1) for N² upper cells;
        negative where it is stretched.
    antiparallel
        Whether the upper layer has its species exchanged.
    """

    atoms: Atoms
    repeats: np.ndarray
    sites: np.ndarray
    angle: float
    mismatch: float
    antiparallel: bool

    @property
    def plane(self) -> np.ndarray:
        """T₁ and T₂ as rows, Å (2, 2)."""
        return np.asarray(self.atoms.cell.array[:2, :2])

    @property
    def lattices(self) -> np.ndarray:
        """Primitive vectors of each layer as rows, Å (2, 2, 2)."""
        return np.asarray(np.linalg.inv(self.repeats) @ self.plane)

    @property
    def layer(self) -> np.ndarray:
        """0 or 1 for each atom, (N,)."""
        return np.asarray(self.atoms.arrays["layer"])

    @property
    def period(self) -> float:
        """Moiré period by theory, Å: that of t(r) = r (A₀⁻¹ − A₁⁻¹), the registry of rigid layers at r."""
        low, top = np.linalg.inv(self.lattices)
        return float(np.linalg.norm(np.linalg.inv(low - top), axis=1).min())


def twist_angle(n: int) -> float:
    """θ of the cell (n, n + 1), degrees."""
    m, k = n, n + 1
    return math.degrees(math.acos((m * m + 4 * m * k + k * k) / (2 * (m * m + m * k + k * k))))


def twist_atoms(n: int) -> int:
    """Number of atoms of the cell (n, n + 1)."""
    return 4 * (3 * n * n + 3 * n + 1)


def mismatch_atoms(cells: int) -> int:
    """Number of atoms with `cells`² cells in one layer and (`cells` + 1)² in the other."""
    return 2 * (cells**2 + (cells + 1) ** 2)


def twisted(material: Material, n: int, *, antiparallel: bool = False) -> Moire:
    """The cell (n, n + 1): 28 atoms at 21.79° for n = 1, 11,164 at 1.08° for n = 30.

    Parameters
    ----------
    material
        Of honeycomb layers; both have its lowest layer's atoms and its lattice constant.
    antiparallel
        Exchange the species of the upper layer, as in AA′.

    Raises
    ------
    HarnessError
        For n below 1.
    """
    if n < 1:
        raise HarnessError(f"there is no twisted cell (n, n + 1) with n = {n}.", "Give n of at least 1.")
    m, k = n, n + 1
    repeats = np.array([[[m + k, k], [-k, m]], [[m + k, m], [-m, k]]])
    length = material.a * math.sqrt(m * m + m * k + k * k)
    made = _stack(material, repeats, length, antiparallel, angle=twist_angle(n), mismatch=0.0)
    assert len(made.atoms) == twist_atoms(n)
    return made


def mismatched(material: Material, cells: int, *, antiparallel: bool = False) -> Moire:
    """One layer strained against the other: `cells`² primitive cells of the upper layer, which has the material's a.

    The lower layer has (`cells` + 1)² cells, so that it is compressed by 1/(`cells` + 1); for negative `cells` it has
    (|`cells`| − 1)² and is stretched by 1/(|`cells`| − 1).

    Parameters
    ----------
    material, antiparallel
        As for `twisted`.

    Raises
    ------
    HarnessError
        For fewer than two cells.
    """
    if abs(cells) < 2:
        raise HarnessError(f"{cells} cells make no moiré of two lattices.", "Give at least 2, or at most -2.")
    number = [abs(cells) + (1 if cells > 0 else -1), abs(cells)]
    repeats = np.array([number[0] * np.eye(2, dtype=int), number[1] * np.eye(2, dtype=int)])
    length = material.a * number[1]
    made = _stack(material, repeats, length, antiparallel, angle=0.0, mismatch=1 - number[1] / number[0])
    assert len(made.atoms) == mismatch_atoms(min(number))
    return made


def named_cells(
    material: Material, twists: Sequence[int], mismatch: Sequence[int], *, antiparallel: bool
) -> dict[str, Moire]:
    """Cells by name, smallest first: ``21.79deg``, ``mismatch9``, ``mismatchm11`` for a stretched layer.

    Parameters
    ----------
    material
        A bilayer of honeycomb layers.
    twists
        n of the twisted cells (n, n + 1).
    mismatch
        Cells of the upper layer along each period; see `mismatched`.
    antiparallel
        Whether the upper layer is turned by half a turn.
    """
    cells = {f"{twist_angle(n):.2f}deg": twisted(material, n, antiparallel=antiparallel) for n in twists}
    for n in mismatch:
        cells[f"mismatch{'m' if n < 0 else ''}{abs(n)}"] = mismatched(material, n, antiparallel=antiparallel)
    return dict(sorted(cells.items(), key=lambda entry: len(entry[1].atoms)))


def _stack(
    material: Material, repeats: np.ndarray, length: float, antiparallel: bool, angle: float, mismatch: float
) -> Moire:
    distance, height = material.distance, material.vacuum + material.distance
    symbols = list(material.symbols)
    plane = length * _HEXAGONAL
    lattices = np.linalg.inv(repeats) @ plane
    sheets, sites = [], []
    for layer in range(2):
        cells = _cells_inside(repeats[layer])
        mine = (cells[:, None, :] + BASIS).reshape(-1, 2)
        positions = np.zeros((len(mine), 3))
        positions[:, :2] = mine @ lattices[layer]
        positions[:, 2] = (height - distance) / 2 + layer * distance
        sheet = Atoms((symbols[::-1] if antiparallel and layer else symbols) * len(cells), positions=positions)
        sheet.set_array("layer", np.full(len(sheet), layer))
        sheets.append(sheet)
        sites.append(mine)
    atoms = sheets[0] + sheets[1]
    cell = np.zeros((3, 3))
    cell[:2, :2], cell[2, 2] = plane, height
    atoms.set_cell(cell)
    atoms.pbc = (True, True, False)
    return Moire(atoms, repeats, np.concatenate(sites), angle, mismatch, antiparallel)


def _cells_inside(repeat: np.ndarray) -> np.ndarray:
    """The primitive cells (i, j) whose origin lies in the cell that `repeat` spans; in integers, so none is lost."""
    (a, b), (c, d) = repeat
    area = a * d - b * c
    corners = np.array([(0, 0), repeat[0], repeat[1], repeat[0] + repeat[1]])
    ranges = [np.arange(low, high + 1) for low, high in zip(corners.min(axis=0), corners.max(axis=0), strict=True)]
    every = np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).reshape(-1, 2)
    scaled = every @ np.array([[d, -b], [-c, a]])  # fractions of the cell, times its area
    return np.asarray(every[((scaled >= 0) & (scaled < area)).all(axis=1)])
