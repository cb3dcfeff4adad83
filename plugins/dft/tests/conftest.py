"""Sheets of hBN for the tests of the DFT plugin."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms

if find_spec("harness_dft") is None:  # the plugin is kept out of the base install; its tests run from the source
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

CELL = np.array([[2.511, 0, 0], [-1.2555, 2.511 * 3**0.5 / 2, 0], [0, 0, 25.0]])


def sheet(heights: tuple[float, ...] = (0.0,)) -> Atoms:
    """AA-stacked layers at the given heights (Å)."""
    atoms = Atoms(cell=CELL, pbc=(True, True, False))
    for z in heights:
        atoms += Atoms(
            "BN",
            positions=np.array([(0, 0, z), (1 / 3, 2 / 3, 0)]) @ [*CELL[:2], [0, 0, 1]] + [[0, 0, 0], [0, 0, z]],
        )
    return atoms


@pytest.fixture
def mono() -> Atoms:
    return sheet()


@pytest.fixture
def bilayer() -> Atoms:
    return sheet((-1.675, 1.675))
