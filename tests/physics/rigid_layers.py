"""Two layers whose mass centres feel the registry and nothing else: their motion is that of one particle.

The energy is N C f(t) of the registry t of the mass centres (f as in `harness_tasks.oracles.cosine`), a spring for the
distance, and springs that tie each atom to its layer; these do not touch the mass centres. Langevin noise on the atoms
is Langevin noise on the mass centres. So the registry is a particle of half a layer's mass in N C f(t), whatever the
atoms do, and `Particle` follows many of those at once, with an integrator of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from ase import Atoms, units
from ase.calculators.calculator import BaseCalculator, Calculator, all_changes
from harness_tasks.structures.bilayers import bilayer

from harness.registry.lookup import build_material

A, DISTANCE = 2.511, 3.35
MATERIAL = build_material({
    "name": "bn_bilayer", "symbols": ["B", "N"], "layers": 2, "stacking": "AB",
    "a": A, "distance": DISTANCE, "vacuum": 25.0,
})  # fmt: skip
ANGLES = math.pi / 2 + 2 * math.pi / 3 * np.arange(3)
STAR = 4 * math.pi / (math.sqrt(3) * A) * np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)


def landscape(t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """f(t), (n,), and its gradient, (n, 2), of shifts from AA in Å, (n, 2)."""
    phase = t @ STAR.T
    return (np.cos(phase).sum(axis=1) + 1.5) / 4.5, -np.sin(phase) @ STAR / 4.5


@lru_cache
def ideal(cells: int) -> np.ndarray:
    """Flat layers, (cells, layers, atoms, 3)."""
    n = math.isqrt(cells)
    return bilayer(MATERIAL, (0, 0), DISTANCE).repeat((n, n, 1)).positions.reshape(-1, 2, 2, 3)


class RigidLayers(Calculator):
    """Potential and calculator; `barrier` is E(SP) − E(AB) per cell, eV."""

    name = "rigid_layers"
    implemented_properties: ClassVar[list[str]] = ["energy", "forces"]
    elements: frozenset[str] | None = None

    def __init__(self, barrier: float, tie: float = 2.0) -> None:
        super().__init__()
        self.barrier, self.tie = barrier, tie

    def calculator(self, device: str = "cpu", dtype: str = "float64") -> BaseCalculator:
        """A fresh calculator."""
        return RigidLayers(self.barrier, self.tie)

    def provenance(self) -> dict[str, Any]:
        """The closed form."""
        return {"form": "rigid layers", "level_of_theory": "analytic"}

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] | None = None,
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Energy and forces."""
        super().calculate(atoms, properties, system_changes)
        assert atoms is not None
        x, mass = atoms.positions, atoms.get_masses()
        sheets = x.reshape(-1, 2, 2, 3)  # cells, layers, atoms
        weight = mass[:2] / mass[:2].sum()
        centre = np.einsum("clax,a->lx", sheets, weight) / len(sheets)
        moved = sheets - ideal(len(sheets))
        u = moved - np.einsum("clax,a->lx", moved, weight)[None, :, None] / len(sheets)
        n = len(sheets)
        scale = 9 * self.barrier * n
        t = centre[1] - centre[0]
        f, slope = landscape(t[None, :2])
        spring = 0.5 * n * 1.0
        self.results = {"energy": float(scale * f[0] + 0.5 * self.tie * (u**2).sum() + spring * (t[2] - DISTANCE) ** 2)}
        pull = -np.append(scale * slope[0], 2 * spring * (t[2] - DISTANCE))
        tied = -self.tie * u
        tied -= tied.sum(axis=(0, 2), keepdims=True) * weight[None, None, :, None] / n
        forces = tied + (np.array([-1.0, 1.0])[None, :, None, None] * pull) * weight[None, None, :, None] / n
        self.results["forces"] = forces.reshape(-1, 3)


class Particle:
    """Many independent registries in N C f(t), by velocity Verlet with a friction and kicks at each end (OBABO).

    Parameters
    ----------
    cells, barrier
        N, and E(SP) − E(AB) per cell, eV.
    mass, damping
        Of a layer's cell, u; fs.
    """

    def __init__(self, cells: int, barrier: float, mass: float, damping: float, start: np.ndarray, copies: int) -> None:
        self.scale, self.mass, self.damping = 9 * barrier * cells, cells * mass / 2, damping
        self.t, self.v = np.repeat(start[None], copies, axis=0), np.zeros((copies, 2))
        self.rng = np.random.default_rng(7)
        self.heat(1e9, 1.0)

    def heat(self, time: float, temperature: float) -> None:
        """Friction and noise for `time`, fs."""
        keep = math.exp(-time / self.damping)
        kick = math.sqrt((1 - keep**2) * units.kB * temperature / self.mass)
        self.v = keep * self.v + kick * self.rng.standard_normal(self.v.shape)

    def run(self, time: float, step: float, temperature: float, skip: float) -> np.ndarray:
        """Mean Im ψ of each copy after the first `skip` of `time`, fs."""
        dt, total, count = step * units.fs, np.zeros(len(self.t)), 0
        for number in range(round(time / step)):
            self.heat(step / 2, temperature)
            self.v -= 0.5 * dt * self.scale * landscape(self.t)[1] / self.mass
            self.t = self.t + dt * self.v
            self.v -= 0.5 * dt * self.scale * landscape(self.t)[1] / self.mass
            self.heat(step / 2, temperature)
            if (number + 1) * step > skip:
                total += self.im_psi()
                count += 1
        return total / count

    def im_psi(self) -> np.ndarray:
        """G = a* − b* for edges a = (A, 0), b = A (−1/2, √3/2), (copies,)."""
        reciprocal = np.linalg.inv(np.array([[A, 0.0], [-A / 2, A * math.sqrt(3) / 2]]))  # columns a*, b*
        vector = 2 * math.pi * (reciprocal[:, 0] - reciprocal[:, 1])
        return np.asarray(np.sin(self.t @ vector))
