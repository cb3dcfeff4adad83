"""The linear equations of the model for one structure: dense with Cholesky, or on a mesh with conjugate gradients.

States and right-hand sides are arrays of shape (N, 4): charge (e) and dipole (e Å) of each atom, or what is
conjugate to them (V, V/Å). Charges obey one neutrality condition per group of atoms.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from harness.units import COULOMB
from harness_charge_dipole.cg import Neutral, catastrophe, conjugate_gradients
from harness_charge_dipole.geometry import Frame
from harness_charge_dipole.kernels import self_blocks
from harness_charge_dipole.mesh import Mesh
from harness_charge_dipole.preconditioner import approximate_inverse
from harness_charge_dipole.short import ShortRange
from harness_charge_dipole.smooth import FourierSum

__all__ = ["DenseSystem", "MeshSystem"]

#: Digits of the explicit sums; they cost little more than fewer would.
DENSE_DIGITS = 11.0
#: Neighbours that the preconditioner solves together, Å.
REACH = 4.0


def _self_terms(widths: np.ndarray, inverse_alpha: np.ndarray | None, smooth: float | None) -> np.ndarray:
    """Diagonal (N, 4): self interaction of each atom less that of the smooth part, eV/e², eV/(e Å)²."""
    own = self_blocks(widths)
    if inverse_alpha is not None:
        own[:, 1:] = inverse_alpha
    if smooth is not None:
        own = own - self_blocks(np.full(len(widths), smooth / np.sqrt(2)))
    return COULOMB * own


class DenseSystem:
    """All interactions in one matrix: exact, O(N³), for up to some hundred atoms.

    Parameters
    ----------
    frame
        The structure.
    widths
        Gaussian width of each atom, Å.
    groups
        Group of each atom; each group is neutral.
    inverse_alpha
        Diagonal of the inverse polarizability of each atom, shape (N, 3), 1/Å³, where it is not that of the width.
    """

    def __init__(
        self, frame: Frame, widths: np.ndarray, groups: np.ndarray, inverse_alpha: np.ndarray | None = None
    ) -> None:
        n, d = len(widths), len(frame.lattice)
        self.far: FourierSum | None = None
        smooth = None
        cutoff = 0.0
        if d:
            s = np.sqrt(DENSE_DIGITS * np.log(10.0))
            # the wider the smooth part, the fewer waves and the more pairs: near this width both cost the same
            size = np.linalg.norm(frame.lattice, axis=1).prod() ** (1 / d)
            smooth = max(np.sqrt(2) * widths.max(), min(0.12 * size + 1.0, 5.0))
            cutoff = s * smooth
            self.far = FourierSum(frame, smooth, DENSE_DIGITS)
        self.near = ShortRange(frame, widths, smooth, cutoff)
        matrix = self.near.matrix().toarray()
        if self.far is not None:
            matrix += self.far.matrix()
        matrix[np.diag_indices(4 * n)] += _self_terms(widths, inverse_alpha, smooth).ravel()
        self.matrix = matrix
        try:
            # C order seen as Fortran order of the transpose: factorised without a copy
            self.factor = cho_factor(matrix.T.copy(order="F"), overwrite_a=True, check_finite=False)
        except np.linalg.LinAlgError:
            raise catastrophe() from None
        self.constraint = np.zeros((4 * n, groups.max() + 1))
        self.constraint[4 * np.arange(n), groups] = 1.0
        self.freed = cho_solve(self.factor, self.constraint)
        self.schur = np.linalg.inv(self.constraint.T @ self.freed)

    def solve(self, rhs: np.ndarray, start: np.ndarray | None = None) -> np.ndarray:
        """State x with ``A x = rhs`` but for the multipliers, groups neutral; `start` is not needed here."""
        x = cho_solve(self.factor, rhs.ravel())
        x -= self.freed @ (self.schur @ (self.constraint.T @ x))
        return np.asarray(x.reshape(-1, 4))

    def product(self, x: np.ndarray) -> np.ndarray:
        """A x, shape (N, 4)."""
        return np.asarray((self.matrix @ x.ravel()).reshape(-1, 4))

    def forces(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Bilinear forces ``-x (dA/dr) y / 2``, shape (N, 3), eV/Å."""
        out = self.near.forces(x, y)
        return out if self.far is None else out + self.far.forces(x, y)


class MeshSystem:
    """The same equations without the matrix: near pairs sparse, the rest on a mesh, solved by iteration.

    Parameters
    ----------
    frame, widths, groups, inverse_alpha
        As for `DenseSystem`.
    tolerance
        Relative error of the solution that is asked for.
    smooth
        Width of the smooth part, Å. None: by the height of the structure, so that near pairs and mesh cost about the
        same for flat and bent sheets (a bent one has a taller mesh).
    """

    def __init__(
        self,
        frame: Frame,
        widths: np.ndarray,
        groups: np.ndarray,
        inverse_alpha: np.ndarray | None = None,
        tolerance: float = 1e-6,
        smooth: float | None = None,
    ) -> None:
        digits = -np.log10(tolerance) + 0.5
        self.tolerance = tolerance
        if smooth is None:
            smooth = min(2.2 + 0.03 * float(np.ptp(frame.positions @ frame.open, axis=0).max()), 4.0)
        smooth = max(smooth, np.sqrt(2) * widths.max())
        self.near = ShortRange(frame, widths, smooth, np.sqrt(digits * np.log(10.0)) * smooth)
        self.far = Mesh(frame, smooth, digits)
        self.sparse = self.near.matrix()
        self.diagonal = _self_terms(widths, inverse_alpha, smooth)
        own = self.diagonal / COULOMB + self_blocks(np.full(len(widths), smooth / np.sqrt(2)))
        try:
            factor = approximate_inverse(self.near.i, self.near.j, self.near.vectors, widths, own, REACH)
        except np.linalg.LinAlgError:
            raise catastrophe() from None
        transposed = factor.T.tobsr(blocksize=(4, 4))
        self.precondition = Neutral(
            lambda r: (transposed @ (factor @ np.ascontiguousarray(r).ravel()) / COULOMB).reshape(-1, 4), groups
        )
        self.iterations = 0

    def product(self, x: np.ndarray) -> np.ndarray:
        """A x, shape (N, 4)."""
        flat = np.ascontiguousarray(x).ravel()
        return np.asarray((self.sparse @ flat + self.far.matvec(flat)).reshape(-1, 4) + self.diagonal * x)

    def solve(self, rhs: np.ndarray, start: np.ndarray | None = None) -> np.ndarray:
        """State x with ``A x = rhs`` but for the multipliers, groups neutral; `start` shortens the way."""
        x, self.iterations = conjugate_gradients(self.product, rhs, self.precondition, 0.3 * self.tolerance, start)
        return x

    def forces(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Bilinear forces ``-x (dA/dr) y / 2``, shape (N, 3), eV/Å."""
        return np.asarray(self.near.forces(x, y) + self.far.forces(x, y))
