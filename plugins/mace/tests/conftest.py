"""Structures and small random models for the MACE tests: physics holds for any parameters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ase import Atoms
from ase.build import graphene

pytest.importorskip("mace")

from harness_mace.architecture import Architecture, build
from harness_mace.modelfile import write

SMALL = {
    "elements": ("B", "N"), "r_max": 4.0, "hidden": "4x0e+4x1o", "readout": "4x0e", "bessel": 4, "radial": (8, 8),
    "neighbours": 20.0,
}  # fmt: skip


@pytest.fixture(scope="session")
def bilayer() -> Callable[..., Atoms]:
    """Rattled hBN bilayer, periodic in the plane."""

    def make(n: int = 1, height: float = 20.0, rattle: float = 0.08, seed: int = 1) -> Atoms:
        atoms = graphene(formula="BN", a=2.511, size=(n, n, 1))
        upper = atoms.copy()
        upper.positions += [0.7, 0.4, 3.3]
        atoms += upper
        atoms.cell[2] = [0.0, 0.0, height]
        atoms.positions[:, 2] += 8.0
        atoms.pbc = (True, True, False)
        atoms.rattle(rattle, seed=seed)
        return atoms

    return make


@pytest.fixture(scope="session")
def energy_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random energy model as ``.mace``."""
    path = tmp_path_factory.mktemp("models") / "random.mace"
    shape = Architecture("energy", atomic_energies=(-80.5, -270.25), scale=2.0, **SMALL)
    write(path, build(shape, seed=3), shape)
    return path


@pytest.fixture(scope="session")
def dipole_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random dipole model as ``.mace``."""
    path = tmp_path_factory.mktemp("models") / "random_dipole.mace"
    shape = Architecture("dipole", **SMALL)
    write(path, build(shape, seed=3), shape)
    return path
