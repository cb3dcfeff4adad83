"""Structures for the tests of layered potentials."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from ase import Atoms
from ase.build import graphene


@pytest.fixture
def stack() -> Callable[..., Atoms]:
    """Rattled hBN stack with AB shifts; periodic in the plane."""

    def make(n: int = 2, m: int = 2, layers: int = 2, distance: float = 3.35, rattle: float = 0.05) -> Atoms:
        atoms = Atoms(cell=graphene("BN", a=2.511, size=(n, m, 1)).cell)
        for k in range(layers):
            sheet = graphene("BN", a=2.511, size=(n, m, 1))
            sheet.positions += [0.0, k * 2.511 / np.sqrt(3), k * distance]
            atoms += sheet
        atoms.cell[2] = [0.0, 0.0, distance * layers + 15.0]
        atoms.positions[:, 2] += 7.5
        atoms.pbc = (True, True, False)
        atoms.rattle(rattle, seed=4)
        return atoms

    return make
