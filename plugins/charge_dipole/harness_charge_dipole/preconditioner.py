"""Factorised sparse approximate inverse of the interaction: what each atom's neighbourhood would answer by itself.

For each atom i the equations of the atoms j <= i nearby are solved exactly, which gives row i of a sparse lower
triangular G with ``G A G^T ~ 1`` (Kolotilina and Yeremin, SIAM J. Matrix Anal. Appl. 14, 45 (1993)). ``G^T G`` is
positive whatever the structure, and the strong overlap of neighbouring Gaussians no longer slows the iteration.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import bsr_array

from harness_charge_dipole.kernels import blocks, radial

__all__ = ["approximate_inverse"]

_CHUNK_PAIRS = 400_000


def approximate_inverse(
    i: np.ndarray, j: np.ndarray, vectors: np.ndarray, widths: np.ndarray, own: np.ndarray, reach: float
) -> bsr_array:
    """Sparse factor G, shape (4N, 4N): ``G^T G`` approximates the inverse of the interaction in units of e²/(4π ε₀).

    Parameters
    ----------
    i, j, vectors
        Ordered pairs sorted by i, with ``r_i - r_j``, at least all within `reach`.
    widths
        Gaussian width of each atom, Å.
    own
        Self terms, shape (N, 4), in units of e²/(4π ε₀).
    reach
        Neighbours up to this distance are solved together, Å.
    """
    n = len(widths)
    r2 = np.einsum("ij,ij->i", vectors, vectors)
    keep = np.flatnonzero((j < i) & (r2 < reach**2))
    # nearest image of each neighbour only
    order = keep[np.lexsort((r2[keep], j[keep], i[keep]))]
    first = np.ones(len(order), dtype=bool)
    first[1:] = (i[order][1:] != i[order][:-1]) | (j[order][1:] != j[order][:-1])
    order = order[first]
    i, j, vectors = i[order], j[order], vectors[order]
    start = np.searchsorted(i, np.arange(n + 1))
    sizes = np.diff(start)
    indptr = np.concatenate([[0], np.cumsum(sizes + 1)]).astype(np.int32)
    indices = np.empty(indptr[-1], dtype=np.int32)
    data = np.empty((indptr[-1], 4, 4))
    for size in np.unique(sizes):
        atoms = np.flatnonzero(sizes == size)
        step = max(1, _CHUNK_PAIRS // (size + 1) ** 2)
        for part in (atoms[s : s + step] for s in range(0, len(atoms), step)):
            pick = start[part][:, None] + np.arange(size)
            members = np.concatenate([j[pick], part[:, None]], axis=1)
            places = np.concatenate([-vectors[pick], np.zeros((len(part), 1, 3))], axis=1)
            rows = _rows(members, places, widths, own)
            slots = indptr[part][:, None] + np.arange(size + 1)
            indices[slots] = members
            data[slots] = rows
    return bsr_array((data, indices, indptr), shape=(4 * n, 4 * n))


def _rows(members: np.ndarray, places: np.ndarray, widths: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Row blocks of G for clusters of equal size m + 1, the atom itself last: shape (B, m + 1, 4, 4)."""
    count, m = members.shape
    low = np.tril_indices(m, -1)
    d = (places[:, low[0]] - places[:, low[1]]).reshape(-1, 3)
    w = widths[members]
    pair = blocks(d, radial(np.linalg.norm(d, axis=1), np.hypot(w[:, low[0]], w[:, low[1]]).ravel(), 2))
    pair = pair.reshape(count, -1, 4, 4)
    a = np.zeros((count, m, m, 4, 4))
    a[:, low[0], low[1]] = pair
    a[:, low[1], low[0]] = pair.swapaxes(2, 3)
    diag = np.arange(m)
    a[:, diag[:, None], diag[:, None], np.arange(4), np.arange(4)] = own[members]
    flat = a.swapaxes(2, 3).reshape(count, 4 * m, 4 * m)
    unit = np.zeros((count, 4 * m, 4))
    unit[:, -4:] = np.eye(4)
    x = np.linalg.solve(flat, unit)
    factor = np.linalg.cholesky(0.5 * (x[:, -4:] + x[:, -4:].swapaxes(1, 2)))
    rows = np.linalg.solve(factor, x.swapaxes(1, 2))  # (B, 4, 4 m)
    return rows.reshape(count, 4, m, 4).swapaxes(1, 2)
