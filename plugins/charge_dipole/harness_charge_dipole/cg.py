"""Preconditioned conjugate gradients in the space of neutral states."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from harness.errors import HarnessError

__all__ = ["Neutral", "catastrophe", "conjugate_gradients"]

_MOST = 500
Operator = Callable[[np.ndarray], np.ndarray]


def catastrophe() -> HarnessError:
    """The error for an energy without a minimum; widths tied to polarizabilities cannot cause it."""
    return HarnessError(
        "charge_dipole: the energy has no minimum (polarization catastrophe).",
        "Two atoms are too close for these polarizabilities; check the structure, or the model file.",
    )


class Neutral:
    """A preconditioner that keeps the charges of each group summing to zero.

    Parameters
    ----------
    inverse
        Approximate inverse, on arrays of shape (N, 4); symmetric and positive.
    groups
        Group of each atom.
    """

    def __init__(self, inverse: Operator, groups: np.ndarray) -> None:
        self.inverse, self.groups, self.count = inverse, groups, int(groups.max()) + 1
        self.sizes = np.bincount(groups, minlength=self.count)
        self.freed = np.empty((self.count, len(groups), 4))
        for group in range(self.count):
            unit = np.zeros((len(groups), 4))
            unit[groups == group, 0] = 1.0
            self.freed[group] = inverse(unit)
        self.schur = np.linalg.inv(np.array([self._sums(v) for v in self.freed]))

    def _sums(self, x: np.ndarray) -> np.ndarray:
        return np.bincount(self.groups, x[:, 0], self.count)

    def __call__(self, residual: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Approximate neutral answer to a residual, and the residual less the multipliers.

        Taking them out matters: they do not decay, and would bury the rest in rounding.
        """
        z = self.inverse(residual)
        multipliers = self._sums(z) @ self.schur
        r = residual.copy()
        r[:, 0] -= multipliers[self.groups]
        return z - np.einsum("g,gij->ij", multipliers, self.freed), r

    def neutralise(self, x: np.ndarray) -> np.ndarray:
        """A copy with the excess charge of each group spread over it."""
        x = x.copy()
        x[:, 0] -= (self._sums(x) / self.sizes)[self.groups]
        return x


def conjugate_gradients(
    product: Operator, rhs: np.ndarray, precondition: Neutral, tolerance: float, start: np.ndarray | None = None
) -> tuple[np.ndarray, int]:
    """Minimise ``x A x / 2 - rhs x`` over neutral states.

    Parameters
    ----------
    product
        x -> A x, on arrays of shape (N, 4); A symmetric and positive on neutral states.
    rhs
        Shape (N, 4).
    precondition
        Approximate inverse.
    tolerance
        Stop when the residual, measured by the preconditioner, has fallen to this fraction of the right-hand side's.
    start
        First guess.

    Returns
    -------
    x, iterations

    Raises
    ------
    HarnessError
        When there is no minimum, or none is found.
    """
    z, r = precondition(rhs)
    goal = tolerance * np.sqrt(max(float(np.vdot(r, z)), 0.0))
    x = np.zeros_like(rhs)
    if start is not None:
        x = precondition.neutralise(start)
        z, r = precondition(rhs - product(x))
    p, rz = z.copy(), float(np.vdot(r, z))
    for iteration in range(_MOST):
        if np.sqrt(max(rz, 0.0)) <= goal:
            return x, iteration
        ap = product(p)
        curvature = float(np.vdot(p, ap))
        if not curvature > 0.0:
            raise catastrophe()
        x += rz / curvature * p
        z, r = precondition(r - rz / curvature * ap)
        rz, old = float(np.vdot(r, z)), rz
        p = z + (rz / old) * p
    raise HarnessError(f"charge_dipole: no convergence in {_MOST} iterations.", "Check the structure.")
