"""The force of a uniform field on atoms: Born charges from the polarization model, the acoustic sum rule imposed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from ase import Atoms

from harness.contracts.task import Context
from harness_tasks.structures.sheets import polarization


def balanced_charges(ctx: Context, atoms: Atoms) -> np.ndarray:
    """Born charges less their mean over the atoms, (natoms, 3, 3) e, first index polarization, second displacement.

    Without the subtraction a uniform field would push the whole sheet (Deng et al., arXiv 2407.15081).
    """
    charges = polarization(ctx, atoms, ["born_effective_charges"])["born_effective_charges"]
    return charges - charges.mean(axis=0)


def force(charges: np.ndarray, field: np.ndarray) -> np.ndarray:
    """F_ib = Σ_a E_a Z_iab, (natoms, 3) eV/Å; the sum is over the polarization's index, the first one.

    Parameters
    ----------
    charges
        e, (natoms, 3, 3), Z_iab = ∂P_a/∂u_ib.
    field
        V/Å, (3,).
    """
    return np.einsum("a,iab->ib", field, charges)


class FieldForce:
    """The force of a field that may grow, with Born charges that are asked for every so many steps.

    Parameters
    ----------
    field
        ``field(step)`` in V/Å, (3,).
    every
        Steps between two evaluations of the Born charges; between them the last ones act.
    slip
        What `errors` looks at: weights of the forces, (natoms, 3), that add up to the one that slides the layers.
    other
        A structure of other size. A polarization model that starts from its last answers forgets them when it is
        asked about this one, so that a run that goes on repeats the one without an interruption.

    Attributes
    ----------
    errors
        Rows: slip force of the oldest charges, and of new ones at the same place and field, eV/Å.
    evaluations
        Of the Born charges.
    """

    def __init__(
        self, ctx: Context, field: Callable[[int], np.ndarray], every: int, slip: np.ndarray, other: Atoms
    ) -> None:
        self._ctx, self._field, self._every, self._slip, self._other = ctx, field, every, slip, other
        self._charges: np.ndarray | None = None
        self._age = 0
        self.errors: list[tuple[float, float]] = []
        self.evaluations = 0

    def renew(self) -> None:
        """Forget the charges, at the beginning of a leg."""
        self._charges = None

    def __call__(self, atoms: Atoms, step: int) -> np.ndarray:
        """eV/Å, (natoms, 3)."""
        field = self._field(step)
        if not field.any():
            return np.zeros((len(atoms), 3))
        if self._charges is None:
            polarization(self._ctx, self._other, ["born_effective_charges"])
        if self._charges is None or self._age >= self._every:
            old, self._charges = self._charges, balanced_charges(self._ctx, atoms)
            self.evaluations += 1
            if old is not None and self._every > 1:
                pair = [float((self._slip * force(charges, field)).sum()) for charges in (old, self._charges)]
                self.errors.append((pair[0], pair[1]))
            self._age = 0
        self._age += 1
        return force(self._charges, field)
