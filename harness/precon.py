"""Preconditioners that keep their factorisation, so that a step costs a solve and not a factorisation."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase.optimize.precon import Exp
from scipy.sparse.linalg import splu


class KeptExp(Exp):
    """ASE's exponential preconditioner (Packwood et al., J. Chem. Phys. 144, 164109 (2016)), factorised once.

    ASE factorises the matrix afresh at every step, which costs as much as the forces of a cheap potential.
    """

    _factorised: Any = None
    _factor: Any = None

    def solve(self, x: np.ndarray) -> np.ndarray:
        """P⁻¹x; factorises only after P was rebuilt."""
        if self._factorised is not self.P:
            self._factor = splu(
                self.P.tocsc(),
                permc_spec="MMD_AT_PLUS_A",
                diag_pivot_thresh=0.01,
                options={"SymmetricMode": True},
            )
            self._factorised = self.P
        return self._factor.solve(x)
