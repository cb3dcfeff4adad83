"""Wannier centres along z without the error of the finite cell.

wannier90 takes z_n = −arg⟨w_n|exp(−ibz)|w_n⟩ / b with b = 2π/h for a cell of height h and one k-point along z. The odd
cumulants of the function enter: z_n is off by its skewness times b²/6, about 0.01 Å for functions that lean out of a
sheet, which is more than what makes P_z. With overlaps at b, 2b and 3b, the terms in b² and b⁴ are extrapolated away.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

ORDERS = (1, 2, 3)


def ask_for_more(nnkp: str) -> str:
    """The .nnkp text with the overlaps at 2b and 3b along z added for every k-point; those at b are there already."""
    head, rest = nnkp.split("begin nnkpts\n")
    body, tail = rest.split("end nnkpts", 1)
    lines = body.splitlines()
    number = int(lines[0])
    out = [f"{number + len(ORDERS) - 1:4d}"]
    for i, line in enumerate(lines[1:], start=1):
        out.append(line)
        if i % number == 0:
            k = int(line.split()[0])
            out += [f"{k:6d}{k:6d}   {0:4d}{0:4d}{n:4d}" for n in ORDERS[1:]]
    return head + "begin nnkpts\n" + "\n".join(out) + "\nend nnkpts" + tail


def take_out(file: Path) -> dict[int, np.ndarray]:
    """Rewrite a .mmn file with the neighbours that wannier90 knows of, and return the overlaps along z.

    Returns
    -------
    dict
        Order n (1, 2, 3) -> (nk, nbands, nbands), ⟨u_m| exp(−inbz) |u_n⟩.
    """
    with file.open() as stream:
        title = stream.readline()
        bands, points, number = map(int, stream.readline().split())
        blocks = [(stream.readline(), [stream.readline() for _ in range(bands**2)]) for _ in range(points * number)]
    found: dict[int, list[np.ndarray]] = {n: [] for n in ORDERS}
    kept = []
    for header, rows in blocks:
        k, other, *g = map(int, header.split())
        vertical = k == other and g[0] == g[1] == 0
        if vertical and g[2] in found:
            values = np.array([row.split() for row in rows], dtype=float) @ [1, 1j]
            found[g[2]].append(values.reshape(bands, bands).T)
        if not (vertical and g[2] in ORDERS[1:]):
            kept.append(header + "".join(rows))
    known = number - len(ORDERS) + 1
    file.write_text(f"{title}{bands:12d}{points:12d}{known:12d}\n" + "".join(kept))
    return {n: np.array(values) for n, values in found.items()}


def read_rotations(text: str) -> np.ndarray:
    """Unitary matrices (nk, nbands, nwannier) from the _u.mat file."""
    lines = [line for line in text.splitlines()[1:] if line.strip()]
    points, functions, bands = map(int, lines[0].split())
    size = functions * bands
    out = []
    for i in range(points):
        first = 1 + i * (size + 1) + 1  # a line with the k-point precedes each matrix
        values = np.array([line.split() for line in lines[first : first + size]], dtype=float) @ [1, 1j]
        out.append(values.reshape(functions, bands).T)
    return np.array(out)


def heights(overlaps: dict[int, np.ndarray], rotations: np.ndarray, cell: float, near: np.ndarray) -> np.ndarray:
    """Extrapolated z (Å) of the Wannier centres.

    Parameters
    ----------
    cell
        Height of the cell (Å).
    near
        First guess of z (Å), within a sixth of the cell; it picks the branch of the phases.
    """
    b = 2 * np.pi / cell
    estimates = {}
    for n, overlap in overlaps.items():
        moments = np.einsum("kin,kij,kjn->n", rotations.conj(), overlap, rotations) / len(rotations)
        estimates[n] = near - np.angle(moments * np.exp(1j * n * b * near)) / (n * b)
    weights = {n: np.prod([m**2 / (m**2 - n**2) for m in overlaps if m != n]) for n in overlaps}
    return np.asarray(np.sum([weights[n] * estimates[n] for n in overlaps], axis=0))
