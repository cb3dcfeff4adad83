"""Products of a sparse matrix with a block of vectors, compiled by numba.

Rows are padded to a common number of entries, a multiple of four, and the block is so narrow that both of its states
stay in the second cache. Four entries are added at once, so that a row of the result is loaded and stored a quarter as
often.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

__all__ = ["BLOCK", "cluster_rows", "accumulate", "moments"]

#: Columns of a block: loops over them have a fixed length, which the compiler unrolls. With 64 of them it
#: does 11 and 19 billion products a second (float64, float32), with 32 it does 8 and 12.
BLOCK = 64
OPTIONS: dict[str, Any] = {
    "cache": True,
    "fastmath": {"reassoc", "contract", "nsz"},
    "error_model": "numpy",
    "nogil": True,
}


@njit(**OPTIONS)
def _row(r, columns, values, x, y):
    """y[r] = −y[r] + Σ values x: the matrix carries the factor 2 of the recurrence."""
    for b in range(BLOCK):
        y[r, b] = -y[r, b]
    for e in range(0, columns.shape[1], 4):
        a0, a1, a2, a3 = values[r, e], values[r, e + 1], values[r, e + 2], values[r, e + 3]
        c0, c1, c2, c3 = columns[r, e], columns[r, e + 1], columns[r, e + 2], columns[r, e + 3]
        for b in range(BLOCK):
            y[r, b] += a0 * x[c0, b] + a1 * x[c1, b] + a2 * x[c2, b] + a3 * x[c3, b]


@njit(**OPTIONS)
def moments(columns, values, start, count, out):
    """Chebyshev moments ⟨i|T_n|i⟩ of sites `start` … of a cluster, by the doubling trick.

    Parameters
    ----------
    columns, values
        Padded rows (n, w) of twice the scaled matrix.
    start
        The site of each column of the block, (BLOCK,); −1 where there is none.
    count
        Number of moments, even: half as many products.
    out
        Filled, (BLOCK, count).
    """
    n = columns.shape[0]
    x = np.zeros((n, BLOCK), dtype=values.dtype)
    y = np.zeros((n, BLOCK), dtype=values.dtype)
    for b in range(BLOCK):
        if start[b] >= 0:
            x[start[b], b] = 1.0
    for r in range(n):
        _row(r, columns, values, x, y)
    for r in range(n):
        for b in range(BLOCK):
            y[r, b] *= values.dtype.type(0.5)
    square, cross = np.zeros(BLOCK), np.zeros(BLOCK)
    s, c = np.zeros(BLOCK, dtype=values.dtype), np.zeros(BLOCK, dtype=values.dtype)
    first = np.zeros(BLOCK)
    for b in range(BLOCK):
        if start[b] >= 0:
            first[b] = y[start[b], b]
            out[b, 0], out[b, 1] = 1.0, first[b]
    for m in range(1, count // 2):  # y is T_m, x is T_{m−1}
        square[:] = 0.0
        cross[:] = 0.0
        for r in range(n):
            if r % 64 == 0:
                for b in range(BLOCK):
                    square[b] += s[b]
                    cross[b] += c[b]
                    s[b] = 0
                    c[b] = 0
            _row(r, columns, values, y, x)
            for b in range(BLOCK):
                s[b] += y[r, b] * y[r, b]
            for b in range(BLOCK):
                c[b] += x[r, b] * y[r, b]
        for b in range(BLOCK):
            square[b] += s[b]
            cross[b] += c[b]
            s[b] = 0
            c[b] = 0
            if start[b] >= 0:
                out[b, 2 * m] = 2 * square[b] - 1.0
                out[b, 2 * m + 1] = 2 * cross[b] - first[b]
        x, y = y, x


@njit(**OPTIONS)
def accumulate(columns, values, coefficients, block, out):
    """out = Σ_n coefficients[n] T_n applied to the columns of `block` (n, BLOCK)."""
    n = columns.shape[0]
    x, y = block.copy(), np.zeros_like(block)
    for r in range(n):
        _row(r, columns, values, x, y)
    half, c0, c1 = values.dtype.type(0.5), coefficients[0], coefficients[1]
    for r in range(n):
        for b in range(BLOCK):
            y[r, b] *= half
            out[r, b] = c0 * x[r, b] + c1 * y[r, b]
    for m in range(2, len(coefficients)):
        factor = coefficients[m]
        for r in range(n):
            _row(r, columns, values, y, x)
            for b in range(BLOCK):
                out[r, b] += factor * x[r, b]
        x, y = y, x


@njit(**OPTIONS)
def cluster_rows(sites, cells, table, first, neighbours, shifts, values, diagonal, columns, entries):
    """Padded rows of the part of a periodic matrix that lies in a cluster.

    Parameters
    ----------
    sites, cells
        Site of the home cell and cell (n, 2) of each member, cells counted from the corner of `table`.
    table
        Place in the cluster of each site in each cell, −1 where it is not a member, (N, c1, c2).
    first, neighbours, shifts, values
        Entries ``first[i]:first[i + 1]`` of row i, with the cell of the neighbour relative to that of i.
    diagonal
        By site of the home cell.
    columns, entries
        Filled, (n, w); what pads a row is zero times itself.
    """
    for m in range(len(sites)):
        i = sites[m]
        columns[m, :] = m
        entries[m, :] = 0
        entries[m, 0] = diagonal[i]
        place = 1
        for e in range(first[i], first[i + 1]):
            a, b = cells[m, 0] + shifts[e, 0], cells[m, 1] + shifts[e, 1]
            if 0 <= a < table.shape[1] and 0 <= b < table.shape[2]:
                c = table[neighbours[e], a, b]
                if c >= 0:
                    columns[m, place] = c
                    entries[m, place] = values[e]
                    place += 1
