"""The level of theory, in numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from ase import Atoms

from harness.errors import HarnessError

PSEUDOPOTENTIALS = {"B": "B.pbe-n-kjpaw_psl.1.0.0.UPF", "N": "N.pbe-n-kjpaw_psl.1.0.0.UPF"}
VALENCE = {"B": 3, "N": 5}
MASSES = {"B": 10.81, "N": 14.007}


@dataclass(frozen=True)
class Settings:
    """Plane-wave PBE with PAW data sets for a sheet in the xy plane, isolated along z.

    Parameters
    ----------
    ecutwfc, ecutrho
        Cut-offs of wave functions and density (Ry).
    k_length
        The number of k-points along a periodic lattice vector is this length (Å) over the distance between the
        lattice planes that the vector spans: 8 for the primitive cell of hBN, 4 for 2×2, 3 for the
        28-atom twisted cell, so that all of them are sampled alike.
    tail
        Room for the density beyond the outermost atoms (Å). The truncated Coulomb interaction is exact while sheet
        and tails fill at most half of the cell, so the height is twice the thickness with both tails.
    min_height
        Smallest cell height (Å).
    conv_thr
        Self-consistency threshold on the energy (Ry).
    tr2_ph
        Self-consistency threshold of the response to a field.
    """

    ecutwfc: float = 50.0
    ecutrho: float = 400.0
    k_length: float = 17.4
    tail: float = 3.0
    min_height: float = 16.0
    conv_thr: float = 1e-8
    tr2_ph: float = 1e-13
    mixing_beta: float = 0.7
    pseudo_dir: str = "/usr/share/espresso/pseudo"
    pseudopotentials: Mapping[str, str] = field(default_factory=lambda: dict(PSEUDOPOTENTIALS))

    def kmesh(self, atoms: Atoms) -> tuple[int, int, int]:
        """Divisions of the Γ-centred mesh; 1 along directions that are not periodic."""
        spacing = 1.0 / np.linalg.norm(np.linalg.pinv(atoms.cell.array[:2]), axis=0)
        # The 0.3 lets a strained cell keep the mesh of the unstrained one.
        n = [
            max(1, math.ceil(self.k_length / d - 0.3)) if p else 1 for d, p in zip(spacing, atoms.pbc[:2], strict=True)
        ]
        return n[0], n[1], 1

    def height(self, atoms: Atoms) -> float:
        """Cell height (Å) that keeps the truncated Coulomb interaction exact."""
        z = atoms.positions[:, 2]
        thickness = 2 * float(np.abs(z - z.mean()).max())
        return max(self.min_height, float(math.ceil(2 * (thickness + 2 * self.tail))))


def slab(atoms: Atoms, height: float) -> Atoms:
    """A copy with the mean height at z = 0 in a cell of `height`, as the truncated Coulomb interaction wants it.

    Raises
    ------
    HarnessError
        When the structure is periodic along z, or its cell is not a sheet in the xy plane.
    """
    if atoms.pbc[2] or not atoms.pbc.any():
        raise HarnessError(
            f"'dft' takes sheets that are periodic in the xy plane and not along z, but pbc is {atoms.pbc.tolist()}.",
            "Set atoms.pbc = (True, True, False).",
        )
    if np.abs(atoms.cell.array[:2, 2]).max() > 1e-9 or np.linalg.norm(np.cross(*atoms.cell.array[:2])) < 1e-3:
        raise HarnessError(
            "'dft' takes cells whose first two vectors span the xy plane.",
            "Give both in-plane vectors a length (with vacuum where the structure is not periodic) and no z part.",
        )
    out = Atoms(atoms.symbols, atoms.positions, cell=atoms.cell, pbc=(True, True, False))
    out.positions[:, 2] -= out.positions[:, 2].mean()
    out.cell[2] = (0.0, 0.0, height)
    return out
