"""Energies, forces and virial of a moment tensor potential, compiled by numba.

The moments are sums over neighbours of a radial function times a monomial in the unit vector (A. V. Shapeev,
Multiscale Model. Simul. 14, 1153 (2016), Eqs. 2-4). What makes it fast is the layout: the neighbours of one atom lie
side by side, sorted by species, so that every inner loop runs along contiguous numbers; and the forces come from one
backward pass over the moments instead of a Jacobian per moment and neighbour. The derivative of a monomial is a
monomial of the rank below, so nothing is evaluated twice.

Each inner loop writes one array: with more, the compiler cannot rule out that they overlap, and does not vectorise.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

__all__ = ["evaluate"]

LANES = 8
#: Sums may be reordered, which vectorising needs; NaN and infinity keep their meaning. Division by zero gives
#: infinity instead of an exception, for whose sake nothing with a division would be vectorised.
OPTIONS: dict[str, Any] = {"cache": True, "fastmath": {"reassoc", "contract", "arcp", "nsz"}, "error_model": "numpy"}


@njit(**OPTIONS, nogil=True)
def evaluate(t, positions, types, start, neighbours, shifts, values):
    """Energies, forces and virial of a structure.

    Parameters
    ----------
    t
        `harness_mtp.tables.Tables`.
    positions
        Å, shape (N, 3).
    types
        Species of each atom, shape (N,).
    start, neighbours, shifts
        Pairs ``start[i]:start[i + 1]`` belong to atom i and are sorted by the species of the neighbour; those beyond
        the cutoff are skipped. `shifts` (P, 3), Å, is added to ``r_j - r_i``.
    values
        Filled with the scalar moments of each atom, shape (n_scalar, N), unless it is empty.

    Returns
    -------
    energies, forces, virial
        eV, shape (N,); eV/Å, (N, 3); Σ r ⊗ dE/dr, eV, (3, 3).
    """
    count, kinds = len(positions), len(t.species)
    functions, size = t.coefficients.shape[2], t.coefficients.shape[3]
    energies, forces, virial = np.zeros(count), np.zeros((count, 3)), np.zeros((3, 3))
    widest = (np.diff(start).max() // LANES + 1) * LANES if count else LANES
    index, edge = np.empty(widest, dtype=np.int64), np.zeros(kinds + 1, dtype=np.int64)
    unit, r, inverse, s = np.empty((3, widest)), np.empty(widest), np.empty(widest), np.empty(widest)
    chebyshev, slope = np.empty((max(size, 2), widest)), np.empty((max(size, 2), widest))
    f, df, gf = np.empty((functions, widest)), np.empty((functions, widest)), np.empty((functions, widest))
    p, across = np.empty((len(t.powers), widest)), np.empty((3, widest))
    gp, along, m, g = np.empty(widest), np.empty(widest), np.empty(t.moments), np.empty(t.moments)
    for i in range(count):
        n, full = _gather(i, t.cutoff, positions, types, start, neighbours, shifts, index, edge, unit, r)
        _lengths(full, unit, r, inverse)
        _chebyshev(t.scaling, t.least, t.cutoff, size, full, r, s, chebyshev, slope)
        for a in range(functions):
            for kind in range(kinds):
                weights = t.coefficients[types[i], kind, a]
                _combine(f[a], weights, chebyshev, edge[kind], edge[kind + 1])
                _combine(df[a], weights, slope, edge[kind], edge[kind + 1])
        _monomials(t.powers, t.below, full, unit, p)
        _moments(t, full, f, p, m)
        energy = t.species[types[i]]
        for a in range(len(t.scalars)):
            energy += t.linear[a] * m[t.scalars[a]]
            if values.size:
                values[a, i] = m[t.scalars[a]]
        energies[i] = energy
        _backwards(t, m, g)
        _gradients(t, full, f, df, gf, p, g, gp, along, across, inverse)
        for a in range(3):
            ga, axis = across[a], unit[a]
            for k in range(full):
                ga[k] = ga[k] * inverse[k] + along[k] * axis[k]
        for k in range(n):
            j, x, y, z = index[k], across[0, k], across[1, k], across[2, k]
            forces[i, 0] += x
            forces[i, 1] += y
            forces[i, 2] += z
            forces[j, 0] -= x
            forces[j, 1] -= y
            forces[j, 2] -= z
        for b in range(3):
            axis, gx, gy, gz = unit[b], across[0], across[1], across[2]
            vx, vy, vz = 0.0, 0.0, 0.0
            for k in range(full):
                vx += r[k] * axis[k] * gx[k]
                vy += r[k] * axis[k] * gy[k]
                vz += r[k] * axis[k] * gz[k]
            virial[b, 0] += vx
            virial[b, 1] += vy
            virial[b, 2] += vz
    return energies, forces, virial


@njit(**OPTIONS, inline="always")
def _gather(i, cutoff, positions, types, start, neighbours, shifts, index, edge, unit, square):
    """Neighbours within the cutoff, side by side; empty places lie at the cutoff, where the functions vanish."""
    n, kind = 0, 0
    for q in range(start[i], start[i + 1]):
        j = neighbours[q]
        x = positions[j, 0] + shifts[q, 0] - positions[i, 0]
        y = positions[j, 1] + shifts[q, 1] - positions[i, 1]
        z = positions[j, 2] + shifts[q, 2] - positions[i, 2]
        d = x * x + y * y + z * z
        if d < cutoff * cutoff:
            while kind < types[j]:
                kind += 1
                edge[kind] = n
            index[n], unit[0, n], unit[1, n], unit[2, n], square[n] = j, x, y, z, d
            n += 1
    full = (n + LANES - 1) // LANES * LANES
    while kind + 1 < len(edge):
        kind += 1
        edge[kind] = n
    edge[kind] = full
    for k in range(n, full):
        unit[0, k], unit[1, k], unit[2, k], square[k] = 0.0, 0.0, 0.0, cutoff * cutoff
    return n, full


@njit(**OPTIONS, inline="always")
def _lengths(full, unit, r, inverse):
    """Distances from their squares, and unit vectors, in place."""
    for k in range(full):
        r[k] = np.sqrt(r[k])
    for k in range(full):
        inverse[k] = 1.0 / r[k]
    for a in range(3):
        axis = unit[a]
        for k in range(full):
            axis[k] *= inverse[k]


@njit(**OPTIONS, inline="always")
def _chebyshev(scaling, least, cutoff, size, full, r, s, value, slope):
    """Chebyshev polynomials times (cutoff - r)^2, and their slopes."""
    stretch = 2.0 / (cutoff - least)
    v0, v1, s0, s1 = value[0], value[1], slope[0], slope[1]
    for k in range(full):
        s[k] = stretch * (r[k] - least) - 1.0
    for k in range(full):
        v0[k] = scaling * (cutoff - r[k]) * (cutoff - r[k])
    for k in range(full):
        s0[k] = -2.0 * scaling * (cutoff - r[k])
    for k in range(full):
        v1[k] = s[k] * v0[k]
    for k in range(full):
        s1[k] = stretch * v0[k] + s[k] * s0[k]
    for c in range(2, size):
        v0, v1, v2, s0, s1, s2 = value[c - 2], value[c - 1], value[c], slope[c - 2], slope[c - 1], slope[c]
        for k in range(full):
            v2[k] = 2.0 * s[k] * v1[k] - v0[k]
        for k in range(full):
            s2[k] = 2.0 * stretch * v1[k] + 2.0 * s[k] * s1[k] - s0[k]


@njit(**OPTIONS, inline="always")
def _combine(out, weights, rows, begin, end):
    """``out[begin:end] = weights @ rows[:, begin:end]``, four rows a loop."""
    out[begin:end] = 0.0
    c, size = 0, len(weights)
    while c + 4 <= size:
        r0, r1, r2, r3 = rows[c], rows[c + 1], rows[c + 2], rows[c + 3]
        w0, w1, w2, w3 = weights[c], weights[c + 1], weights[c + 2], weights[c + 3]
        for k in range(begin, end):
            out[k] += w0 * r0[k] + w1 * r1[k] + w2 * r2[k] + w3 * r3[k]
        c += 4
    while c < size:
        r0, w0 = rows[c], weights[c]
        for k in range(begin, end):
            out[k] += w0 * r0[k]
        c += 1


@njit(**OPTIONS, inline="always")
def _monomials(powers, below, full, unit, p):
    """Monomials of the unit vectors, each from one of the rank below."""
    p[0, :full] = 1.0
    for o in range(1, len(powers)):
        a = 0 if powers[o, 0] > 0 else (1 if powers[o, 1] > 0 else 2)
        out, lower, axis = p[o], p[below[o, a]], unit[a]
        for k in range(full):
            out[k] = lower[k] * axis[k]


@njit(**OPTIONS, inline="always")
def _moments(t, full, f, p, m):
    """Basic moments, four a loop, then their products."""
    m[:] = 0.0
    for a in range(len(f)):
        fa, b, last = f[a], t.block[a], t.block[a + 1]
        while b + 4 <= last:
            p0, p1, p2, p3 = p[t.monomial[b]], p[t.monomial[b + 1]], p[t.monomial[b + 2]], p[t.monomial[b + 3]]
            m0, m1, m2, m3 = 0.0, 0.0, 0.0, 0.0
            for k in range(full):
                m0 += fa[k] * p0[k]
                m1 += fa[k] * p1[k]
                m2 += fa[k] * p2[k]
                m3 += fa[k] * p3[k]
            m[t.slot[b]], m[t.slot[b + 1]], m[t.slot[b + 2]], m[t.slot[b + 3]] = m0, m1, m2, m3
            b += 4
        while b < last:
            p0, m0 = p[t.monomial[b]], 0.0
            for k in range(full):
                m0 += fa[k] * p0[k]
            m[t.slot[b]] = m0
            b += 1
    for a in range(len(t.factor)):
        m[t.product[a]] += t.factor[a] * m[t.left[a]] * m[t.right[a]]


@njit(**OPTIONS, inline="always")
def _backwards(t, m, g):
    """Derivatives of the energy by the moments."""
    g[:] = 0.0
    for a in range(len(t.scalars)):
        g[t.scalars[a]] += t.linear[a]
    for a in range(len(t.factor) - 1, -1, -1):
        weight = t.factor[a] * g[t.product[a]]
        g[t.left[a]] += weight * m[t.right[a]]
        g[t.right[a]] += weight * m[t.left[a]]


@njit(**OPTIONS, inline="always")
def _gradients(t, full, f, df, gf, p, g, gp, along, across, inverse):
    """Derivatives by the neighbours: `along` the bond, and by the components of the unit vector, `across` (times r)."""
    across[:, :full], along[:full] = 0.0, 0.0
    for o in range(len(t.powers)):
        begin, end = t.first[o], t.first[o + 1]
        if begin == end:
            continue
        f0, w0 = f[t.radial[begin]], g[t.moment[begin]]
        for k in range(full):
            gp[k] = w0 * f0[k]
        for b in range(begin + 1, end):
            f0, w0 = f[t.radial[b]], g[t.moment[b]]
            for k in range(full):
                gp[k] += w0 * f0[k]
        out, rank = p[o], float(t.powers[o].sum())
        for k in range(full):
            along[k] -= rank * gp[k] * out[k]
        for a in range(3):
            if t.powers[o, a] > 0:
                ga, lower, power = across[a], p[t.below[o, a]], float(t.powers[o, a])
                for k in range(full):
                    ga[k] += power * gp[k] * lower[k]
    for k in range(full):
        along[k] *= inverse[k]
    for a in range(len(f)):
        dfa, gfa, b, last = df[a], gf[a], t.block[a], t.block[a + 1]
        gfa[:full] = 0.0
        while b + 4 <= last:
            p0, p1, p2, p3 = p[t.monomial[b]], p[t.monomial[b + 1]], p[t.monomial[b + 2]], p[t.monomial[b + 3]]
            g0, g1, g2, g3 = g[t.slot[b]], g[t.slot[b + 1]], g[t.slot[b + 2]], g[t.slot[b + 3]]
            for k in range(full):
                gfa[k] += g0 * p0[k] + g1 * p1[k] + g2 * p2[k] + g3 * p3[k]
            b += 4
        while b < last:
            p0, g0 = p[t.monomial[b]], g[t.slot[b]]
            for k in range(full):
                gfa[k] += g0 * p0[k]
            b += 1
        for k in range(full):
            along[k] += gfa[k] * dfa[k]
