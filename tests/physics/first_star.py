"""The first star of reciprocal vectors as a polarization pattern: known on every moiré, and of known winding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from ase import Atoms
from harness_tasks.moire.cells import Moire, mismatched, twisted
from harness_tasks.moire.pattern import turns
from harness_tasks.oracles.cosine import CosinePolarization

from harness.registry.lookup import build_material

MATERIAL = build_material({
    "name": "bn_bilayer", "symbols": ["B", "N"], "layers": 2, "stacking": "AB",
    "a": 2.511, "distance": 3.35, "vacuum": 25.0,
})  # fmt: skip
G = 4 * math.pi / (math.sqrt(3) * 2.511)
STAR = G * np.array([[math.cos(angle), math.sin(angle)] for angle in math.pi / 2 + 2 * math.pi / 3 * np.arange(3)])


def first_star(moire: Moire, points: np.ndarray, bias: float = 0.0) -> np.ndarray:
    """P⊥ = Σ sin G·t + bias, P∥ = Σ Ĝ cos G·t at points (…, 2), Å; G is in the frame in which t is counted."""
    registry = points @ np.linalg.inv(moire.plane) @ turns(moire)
    phases = registry @ np.array([[1, 0], [-0.5, math.sqrt(0.75)]]) * 2.511 @ STAR.T
    lattice = moire.lattices[:, 0].mean(axis=0)
    cos, sin = lattice / np.linalg.norm(lattice)
    unit = STAR / G @ np.array([[cos, sin], [-sin, cos]])
    return np.concatenate([np.cos(phases) @ unit, np.sin(phases).sum(-1, keepdims=True) + bias], axis=-1)


def on_grid(moire: Moire, size: int, bias: float = 0.0) -> np.ndarray:
    steps = np.arange(size) / size
    points = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1) @ moire.plane
    return first_star(moire, points, bias)


class LocalStar:
    """Dipoles of the first star on every N, half of it from each layer, and what it makes of perfect bilayers."""

    name = "local_star"
    implemented_properties: Sequence[str] = ("dipole", "atomic_dipoles", "polarizability")
    elements = None
    size = 1e-3  # e Å per cell
    response = 0.125  # e Å per V/Å and cell

    def calculate(self, atoms: Atoms, properties: Sequence[str], field: Sequence[float] = (0, 0, 0)) -> dict[str, Any]:
        scale = {"perpendicular": 1.5 * math.sqrt(3) * self.size, "parallel": 2 * self.size}
        if len(atoms) == 4:
            return CosinePolarization(**scale).calculate(atoms, ["dipole"])
        moire = next(
            m for m in known_cells() if len(m.atoms) == len(atoms) and np.allclose(m.plane, atoms.cell[:2, :2])
        )
        dipoles = np.zeros((len(atoms), 3))
        nitrogen = atoms.numbers == 7
        dipoles[nitrogen] = 0.5 * self.size * first_star(moire, atoms.positions[nitrogen, :2])
        dipoles[nitrogen, 2] += 0.5 * self.response * field[2]
        return {"atomic_dipoles": dipoles, "dipole": dipoles.sum(axis=0)}

    def provenance(self) -> dict[str, Any]:
        return {}


def known_cells() -> list[Moire]:
    return [
        twisted(MATERIAL, 5),
        twisted(MATERIAL, 4),
        mismatched(MATERIAL, 9),
        mismatched(MATERIAL, -11),
    ]
