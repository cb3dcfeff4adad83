"""Radial functions and 4 x 4 blocks of the interaction between Gaussian charges and dipoles.

Two normalised Gaussians ``exp(-r**2 / R**2)`` of widths R_i and R_j interact as ``erf(r / a) / r`` with
``a = sqrt(R_i**2 + R_j**2)`` (Mayer, PRB 75, 045407 (2007)). All derivatives follow from ``B_{n+1} = -B_n' / r``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import erf

__all__ = ["blocks", "pair_forces", "radial", "self_blocks"]

#: Below this ratio r / a the closed forms lose digits to cancellation and the series takes over.
_SERIES_BELOW = 0.6
_SERIES_TERMS = 14


def radial(r: np.ndarray, a: ArrayLike, order: int) -> list[np.ndarray]:
    """The functions B_0 .. B_order of ``erf(r / a) / r``; smooth down to r = 0.

    Parameters
    ----------
    r
        Distances, Å, any shape.
    a
        Combined width, Å, a number or the shape of `r`.
    order
        Highest function wanted: 2 for energies, 3 for forces.

    Returns
    -------
    list of ndarray
        B_n, in Å^-(2n+1).
    """
    a = np.broadcast_to(np.asarray(a, dtype=float), r.shape)
    u = r / a
    small = u < _SERIES_BELOW
    big_r = np.where(small, 1.0, r)
    gauss = np.exp(-u * u) * (2.0 / np.sqrt(np.pi))
    out = [erf(u) / big_r]
    power = gauss / a  # (2 / a^2)^n exp(-u^2) 2 / (sqrt(pi) a)
    for n in range(1, order + 1):
        # from B_{n+1} = -B_n'/r: r^2 B_n = (2 n - 1) B_{n-1} - power
        out.append(((2 * n - 1) * out[-1] - power) / big_r**2)
        power = power * 2.0 / a**2
    if small.any():
        for n, value in enumerate(_series(u[small], a[small], order)):
            out[n][small] = value
    return out


def _series(u: np.ndarray, a: np.ndarray, order: int) -> list[np.ndarray]:
    """B_n = 2/sqrt(pi) 2^n / a^(2n+1) F_n(u^2), with the Boys function F_n summed as a power series."""
    x = u * u
    found = []
    for n in range(order + 1):
        term, total = np.ones_like(x), np.full_like(x, 1.0 / (2 * n + 1))
        for k in range(1, _SERIES_TERMS):
            term = -term * x / k
            total += term / (2 * n + 2 * k + 1)
        found.append(2.0 / np.sqrt(np.pi) * 2.0**n / a ** (2 * n + 1) * total)
    return found


def blocks(vectors: np.ndarray, b: list[np.ndarray]) -> np.ndarray:
    """Interaction blocks between (q, p_x, p_y, p_z) of atoms i and j, in units of e²/(4π ε₀).

    Parameters
    ----------
    vectors
        ``r_i - r_j``, shape (M, 3), Å.
    b
        B_0, B_1, B_2 at these distances, each of shape (M,).

    Returns
    -------
    ndarray, shape (M, 4, 4)
        The energy of the pair is ``COULOMB * x_i @ block @ x_j``.
    """
    out = np.empty((len(vectors), 4, 4))
    b1r = b[1][:, None] * vectors
    out[:, 0, 0] = b[0]
    out[:, 0, 1:] = b1r
    out[:, 1:, 0] = -b1r
    out[:, 1:, 1:] = -b[2][:, None, None] * vectors[:, :, None] * vectors[:, None, :]
    for axis in range(1, 4):
        out[:, axis, axis] += b[1]
    return out


def self_blocks(widths: np.ndarray) -> np.ndarray:
    """Limits r -> 0 of `blocks` for a = sqrt(2) R: hardness and inverse polarizability, shape (N, 4) diagonals."""
    b0, b1 = radial(np.zeros(len(widths)), np.sqrt(2.0) * widths, 1)
    return np.column_stack([b0, b1, b1, b1])


def pair_forces(
    vectors: np.ndarray, b: list[np.ndarray], xi: np.ndarray, xj: np.ndarray, yi: np.ndarray, yj: np.ndarray
) -> np.ndarray:
    """Force on i from j, made bilinear in two states x and y; x = y gives the force itself.

    Parameters
    ----------
    vectors, b
        ``r_i - r_j`` (M, 3) and B_0 .. B_3 there.
    xi, xj, yi, yj
        Charge and dipole (q, p_x, p_y, p_z) of both atoms in either state, shape (M, 4).

    Returns
    -------
    ndarray, shape (M, 3)
        In units of e²/(4π ε₀); symmetric under exchange of the states.
    """
    return np.asarray(0.5 * (_one_way(vectors, b, xi, yj) + _one_way(vectors, b, yi, xj)))


def _one_way(r: np.ndarray, b: list[np.ndarray], xi: np.ndarray, xj: np.ndarray) -> np.ndarray:
    qi, pi, qj, pj = xi[:, 0], xi[:, 1:], xj[:, 0], xj[:, 1:]
    d = qi[:, None] * pj - qj[:, None] * pi
    pir, pjr = np.einsum("ij,ij->i", pi, r), np.einsum("ij,ij->i", pj, r)
    along = qi * qj * b[1] + b[2] * (np.einsum("ij,ij->i", d, r) + np.einsum("ij,ij->i", pi, pj)) - b[3] * pir * pjr
    return np.asarray(along[:, None] * r - b[1][:, None] * d + b[2][:, None] * (pjr[:, None] * pi + pir[:, None] * pj))
