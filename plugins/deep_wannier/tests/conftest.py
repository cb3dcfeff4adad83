from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import graphene
from harness_deep_wannier.potential import DeepWannierPolarization, DeepWannierPotential


def bilayer(
    shift: tuple[float, float] = (1 / 3, 2 / 3), height: float = 3.3, rattle: float = 0.05, repeat: int = 2
) -> Atoms:
    """A slid, rattled bilayer of BN, periodic in the plane."""
    layer = graphene(formula="BN", a=2.51)
    other = layer.copy()
    other.positions += np.array(shift) @ layer.cell[:2] + [0, 0, height]
    atoms = (layer + other).repeat((repeat, repeat, 1))
    atoms.center(vacuum=6.0, axis=2)
    atoms.pbc = (True, True, False)
    atoms.rattle(rattle, seed=3)
    return atoms


@pytest.fixture(scope="session")
def potential() -> DeepWannierPotential:
    return DeepWannierPotential("bn_bilayer.pb", {"model": "bn_bilayer_wannier.pb"})


@pytest.fixture(scope="session")
def polarization() -> DeepWannierPolarization:
    return DeepWannierPolarization("bn_bilayer_wannier.pb")


@pytest.fixture
def atoms() -> Atoms:
    return bilayer()


@pytest.fixture(scope="session")
def shipped_facts() -> dict[str, dict]:
    folder = Path(__file__).parents[1] / "harness_deep_wannier" / "models"
    return {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}
