"""The dipole of a strained sheet, followed through the strain without a choice of unit cell."""

from __future__ import annotations

import numpy as np
from ase import Atoms

from harness.contracts.measurement import Arrays
from harness.contracts.task import Stage
from harness_tasks.polarization.bond_dipoles import LocalDipoles
from harness_tasks.polarization.responses import Responses


class SheetDipole:
    """Asks for the dipole of each structure once; `stage` keeps the answers.

    Where the model has charges, its dipole in the plane is that of the atomic dipoles alone, since Σ q r has no meaning
    along a periodic direction. Here each charge is shared with the atoms it is bonded to, which makes neutral groups
    that move with the atoms (`LocalDipoles`): ``full`` has them, ``dipoles`` is Σ p.

    Attributes
    ----------
    parts
        ``("full",)``, or ``("full", "dipoles")`` where both exist and differ.
    """

    def __init__(self, responses: Responses, reference: Atoms, stage: Stage) -> None:
        self._responses, self._stage = responses, stage
        self._names = ["dipole"] + [name for name in ("charges", "atomic_dipoles") if name in responses.offered]
        both = len(self._names) == 3
        self._local = LocalDipoles(reference) if both else None
        self.parts = ("full", "dipoles") if both else ("full",)

    def __call__(self, key: str, atoms: Atoms) -> Arrays:
        """Each of `parts` (3,) of `atoms`, e Å; `key` names the structure."""
        name = f"dipole {key}"
        if name not in self._stage:
            self._stage.keep(name, self._ask(atoms))
        return self._stage[name]

    def born_charges(self, atoms: Atoms) -> np.ndarray | None:
        """(natoms, 3, 3) in e, their mean taken off (acoustic sum rule); None when nobody offers them."""
        if "born_effective_charges" not in self._responses.offered:
            return None
        if "born" not in self._stage:
            self._stage.keep("born", self._responses(atoms, ["born_effective_charges"]))
        charges = self._stage["born"]["born_effective_charges"]
        return np.asarray(charges - charges.mean(axis=0))

    def _ask(self, atoms: Atoms) -> Arrays:
        values = self._responses(atoms, self._names)
        full = np.array(values["dipole"], dtype=float)
        if self._local is None:
            return {"full": full}
        shared, _ = self._local.split(atoms.positions, atoms.cell.array, values["charges"])
        full[:2] += shared.sum(axis=0)[:2]
        return {"full": full, "dipoles": np.asarray(values["atomic_dipoles"]).sum(axis=0)}


def proper(dipole: np.ndarray, strain: np.ndarray, area: float) -> np.ndarray:
    """Polarization (3,) that leaves out what the strain alone makes of it, (1 + ε)⁻¹ D / A₀, e/Å.

    Its slope is the proper piezoelectric coefficient (Vanderbilt, J. Phys. Chem. Solids 61, 147 (2000)): the one of the
    current that flows, independent of the branch of P.

    Parameters
    ----------
    strain
        Tensor (3, 3).
    area
        Of the unstrained cell, Å².
    """
    return np.linalg.solve(np.eye(3) + strain, dipole) / area


def improper(dipole: np.ndarray, area: float) -> np.ndarray:
    """Dipole over the area of the strained cell, e/Å."""
    return dipole / area


def ions(charges: np.ndarray, moved: np.ndarray, area: float) -> np.ndarray:
    """Σ Z du/dε over the area, (3,) e/Å: what the ions' own motion adds to the clamped coefficient."""
    return np.asarray(np.einsum("iab,ib->a", charges, moved) / area)
