"""The bilayer that is known in closed form, for tests of `coercive_field`: settings, formulas, and particles in it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from ase import units
from harness_tasks.coercive_field.path_model import PathModel
from harness_tasks.oracles.cosine import CosinePolarization, CosinePotential
from harness_tasks.structures.registries import AB, BA
from scipy.optimize import fsolve

from harness.contracts.measurement import Measurement
from harness.registry.lookup import build_material

A = 2.511
MATERIAL = build_material({
    "name": "bn_bilayer", "symbols": ["B", "N"], "layers": 2, "stacking": "AB",
    "a": A, "distance": 3.35, "vacuum": 25.0,
})  # fmt: skip
COSINE, POLAR = CosinePotential(), CosinePolarization()
#: The same coercive fields with ten times the energies: layers slide three times as fast. Soft bonds allow 2 fs.
SWIFT = CosinePotential(depth=0.94, corrugation=0.3, stretch=8.0, bending=0.2)
SWIFT_POLAR = CosinePolarization(perpendicular=3.2e-2, parallel=2.5e-2)
STILL: dict[str, Any] = {
    "temperatures": (), "path_points": 13, "order": 4, "fmax": 1e-5, "grid": 0, "dips": (90.0, 60.0, 50.0, 40.0, 30.0)
}  # fmt: skip
#: Ramps of one primitive cell in a second.
MOVING: dict[str, Any] = {
    "path_points": 5, "order": 2, "dips": (), "grid": 0, "size": 1, "temperatures": (5.0,), "seeds": 2, "ramp": 2.0,
    "ramp_start": 0.8, "ramp_end": 2.5, "equilibration": 0.1, "leg": 40, "born_every": 5, "timestep": 2.0,
}  # fmt: skip
#: Constants of Deng et al., arXiv 2407.15081, and what is printed beside them.
DENG = PathModel.of_deng(e4=0.027017, e0=0.00741, p4=5.82e-3, p2=-1.66e-2, p3=9.13e-3, start=-0.725)


def value(measurement: Measurement, name: str) -> float:
    return float(measurement.observables[name].value)  # type: ignore[arg-type]


class ClosedForm:
    """Enthalpy of rigid layers per cell, from the formulas that head `harness_tasks.oracles.cosine`."""

    def __init__(self) -> None:
        angles = math.pi / 2 + 2 * math.pi / 3 * np.arange(3)
        self.units = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        self.star = 4 * math.pi / (math.sqrt(3) * A) * self.units
        cell = np.array([[A, 0], [-A / 2, A * math.sqrt(3) / 2]])
        self.start, self.slip = BA @ cell, (AB - BA) @ cell / (A / math.sqrt(3))

    def enthalpy(self, x: float, d: float, parallel: float, perpendicular: float) -> float:
        phase = self.star @ (self.start + x * self.slip)
        f, g = (np.cos(phase).sum() + 1.5) / 4.5, np.sin(phase).sum() / (1.5 * math.sqrt(3))
        y, fade = math.exp(-1.2 * (d - 3.35)), math.exp(-2.0 * (d - 3.35))
        along = -2.5e-3 * fade / 2 * self.slip @ self.units.T @ np.cos(phase)  # P∥ of SP points from AB to BA
        return float((0.094 + 0.03 * f) * y**2 - 2 * 0.094 * y - parallel * along + perpendicular * 3.2e-3 * fade * g)

    def held(self, x: float, dip: float) -> float:
        """The field that holds a slip `x`, while the distance adjusts."""
        cosine, sine, h = math.cos(math.radians(dip)), math.sin(math.radians(dip)), 1e-5

        def forces(state: np.ndarray) -> list[float]:
            field, d = state

            def at(x: float, d: float) -> float:
                return self.enthalpy(x, d, field * cosine, field * sine)

            return [(at(x + h, d) - at(x - h, d)) / h, (at(x, d + h) - at(x, d - h)) / h]

        return float(fsolve(forces, [1.5, 3.36], xtol=1e-10)[0])


class Particles:
    """Many registries and distances of rigid layers of one cell in a growing field, with their own Langevin integrator.

    Coordinates: along and across the path from BA, and the distance; forces by differences of the closed form.
    """

    def __init__(self, copies: int, damping: float, temperature: float, parallel: float) -> None:
        known, self.parallel = ClosedForm(), parallel
        self.star, self.units, self.start, self.slip = known.star, known.units, known.start, known.slip
        self.across = np.array([-self.slip[1], self.slip[0]])
        self.mass = 0.5 * (10.81 + 14.007)
        self.keep, self.heat = lambda time: math.exp(-time / damping), units.kB * temperature
        self.rng = np.random.default_rng(5)
        self.x = np.tile([0.0, 0.0, 3.35], (copies, 1))
        self.v = math.sqrt(self.heat / self.mass) * self.rng.standard_normal((copies, 3))

    def enthalpy(self, x: np.ndarray, perpendicular: float) -> np.ndarray:
        phase = (self.start + x[:, :1] * self.slip + x[:, 1:2] * self.across) @ self.star.T
        f, g = (np.cos(phase).sum(axis=1) + 1.5) / 4.5, np.sin(phase).sum(axis=1) / (1.5 * math.sqrt(3))
        y, fade = np.exp(-1.2 * (x[:, 2] - 3.35)), np.exp(-2.0 * (x[:, 2] - 3.35))
        parallel = 0.0 if perpendicular < 0 else self.parallel
        along = -2.5e-2 * fade / 2 * (np.cos(phase) @ self.units @ self.slip)
        return (0.94 + 0.3 * f) * y**2 - 1.88 * y - parallel * along + max(perpendicular, 0.0) * 3.2e-2 * fade * g

    def force(self, perpendicular: float) -> np.ndarray:
        h, found = 1e-4, np.empty_like(self.x)
        for k, step in enumerate(h * np.eye(3)):
            found[:, k] = self.enthalpy(self.x - step, perpendicular) - self.enthalpy(self.x + step, perpendicular)
        return found / (2 * h)

    def fields(self, ramp: float, start: float, equilibration: float, step: float) -> np.ndarray:
        """E⊥ at which each first passes SP; rates in V/(Å fs), times in fs."""
        passed, dt, keep, time, field = np.full(len(self.x), np.nan), step * units.fs, self.keep(step), 0.0, -1.0
        f, ways = self.force(field), np.array([[1, -0.5, -0.5], [0, math.sqrt(0.75), -math.sqrt(0.75)]])
        while np.isnan(passed).any() and field < 5.0:
            time += step
            self.v += 0.5 * dt * f / self.mass
            self.x += 0.5 * dt * self.v
            noise = math.sqrt(self.heat / self.mass * (1 - keep**2)) * self.rng.standard_normal(self.v.shape)
            self.v = keep * self.v + noise
            self.x += 0.5 * dt * self.v
            field = start + ramp * (time - equilibration) if time >= equilibration else -1.0
            f = self.force(field)
            self.v += 0.5 * dt * f / self.mass
            progress = np.max(self.x[:, :2] @ ways, axis=1)
            passed[np.isnan(passed) & (progress >= 0.5 * A / math.sqrt(3))] = max(field, 0.0)
        return passed
