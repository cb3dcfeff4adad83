"""Structures that the tests of this plugin share."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import Atoms
from harness_tight_binding.hoppings import Parameters

from harness.registry.lookup import build_material

MATERIAL: dict[str, Any] = {"symbols": ["B", "N"], "layers": 2, "a": 2.504, "distance": 3.35, "vacuum": 20.0}
PARAMETERS = Parameters(lattice_constant=2.504, distance=3.624, cutoff=6.0, sign="printed")
OTHER_SIGN = Parameters(lattice_constant=2.504, distance=3.624, cutoff=6.0, sign="slater_koster")


def stacked(stacking: str, **changes: Any) -> Atoms:
    return build_material({**MATERIAL, "stacking": stacking, **changes}).atoms


def rattled(stacking: str = "AB", repeat: tuple[int, int] = (1, 1), scale: float = 0.05) -> Atoms:
    atoms = stacked(stacking).repeat((*repeat, 1))
    atoms.positions += np.random.default_rng(0).normal(scale=scale, size=atoms.positions.shape)
    return atoms
