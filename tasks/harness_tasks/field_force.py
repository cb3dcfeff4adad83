"""The force of a uniform field on atoms: Born charges from the polarization model, the acoustic sum rule imposed."""

from __future__ import annotations

import numpy as np
from ase import Atoms

from harness.protocols import Context
from harness_tasks.sheets import polarization


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
