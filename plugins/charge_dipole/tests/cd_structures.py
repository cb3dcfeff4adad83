"""Structures and parameters that the tests of this plugin share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from ase import Atoms
from harness_charge_dipole.model import ChargeDipole
from harness_charge_dipole.parameters import Element, Parameters

#: Near the fitted ones, but not tied to them: a new fit must not change what these tests mean.
PARAMETERS = Parameters({"B": Element(0.55, 0.0), "N": Element(0.60, 8.0)})


def model(constraint: str = "total", solver: str = "auto", tolerance: float = 1e-6) -> ChargeDipole:
    return ChargeDipole(PARAMETERS, constraint, solver, tolerance)


def rattled_cluster(n: int, seed: int = 0) -> Atoms:
    """Alternating B and N near the points of a cubic grid of 1.6 Å."""
    rng = np.random.default_rng(seed)
    side = int(np.ceil(n ** (1 / 3)))
    grid = np.stack(np.meshgrid(*[np.arange(side)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)[:n]
    return Atoms(["BN"[g.sum() % 2] for g in grid], positions=1.6 * grid + rng.normal(scale=0.1, size=(n, 3)))


def bilayer(nx: int = 1, ny: int = 1, shift: float = 1.0, gap: float = 3.35, height: float = 25.0) -> Atoms:
    """Periodic hBN bilayer; shift 0 is AA, 1 is AB (upper B over lower N), 2 is BA, in units of the bond."""
    a = 2.511
    lower = Atoms(
        "BN",
        cell=[[a, 0, 0], [-a / 2, a * np.sqrt(3) / 2, 0], [0, 0, height]],
        positions=[[0, 0, 0], [0, a / np.sqrt(3), 0]],
    ).repeat((nx, ny, 1))
    upper = lower.copy()
    upper.positions += [0.0, shift * a / np.sqrt(3), gap]
    both = lower + upper
    both.positions[:, 2] -= gap / 2
    both.pbc = (True, True, False)
    return both


def rippled(nx: int, ny: int, amplitude: float, seed: int = 0, rattle: float = 0.05) -> Atoms:
    """Bilayer with one wave of the given amplitude (Å) along its second cell vector, rattled."""
    atoms = bilayer(nx, ny)
    atoms.positions[:, 2] += amplitude * np.cos(2 * np.pi * atoms.get_scaled_positions()[:, 1])
    atoms.positions += np.random.default_rng(seed).normal(scale=rattle, size=atoms.positions.shape)
    return atoms


def buckyball() -> Atoms:
    """C60 with 60 bonds of 1.433 Å (pentagons) and 30 of 1.420 Å (between them)."""
    phi = (1 + np.sqrt(5)) / 2
    corners = np.array([np.roll([0.0, s, t * phi], k) for k in range(3) for s in (-1, 1) for t in (-1, 1)])
    edge = 2 * 1.433 + 1.420  # of the icosahedron that is cut
    corners *= edge / 2
    gaps = np.linalg.norm(corners[:, None] - corners[None], axis=-1)
    i, j = np.nonzero((gaps > 0.1) & (gaps < 1.01 * edge))
    return Atoms("C60", positions=corners[i] + (corners[j] - corners[i]) * 1.433 / edge)


def slope(
    atoms: Atoms, atom: int, axis: int, function: Callable[[Atoms], np.ndarray], step: float = 2e-4
) -> np.ndarray:
    """Central difference of `function(atoms)` by one coordinate."""
    out = []
    for sign in (1, -1):
        moved = atoms.copy()
        moved.positions[atom, axis] += sign * step
        out.append(np.asarray(function(moved), dtype=float))
    return (out[0] - out[1]) / (2 * step)
