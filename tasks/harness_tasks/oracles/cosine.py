"""Analytic bilayer whose binding, sliding and polarization are known in closed form; for tests and for trying out.

Layers are the plates of `harness_tasks.oracles`. Between them, for each primitive cell at distance d and registry t
(shift of the upper layer from AA, with the three shortest reciprocal vectors G at 120°, x = d − d₀, y = exp(−αx)),

    φ(d, t) = (D + C f) y² − 2 D y,    f(t) = (Σ cos G·t + 3/2) / (9/2):   0 at AB and BA, 1/9 at SP, 1 at AA

Hence, writing S = D + C f: the minimum is −D²/S at d₀ + ln(S/D)/α, and the stiffness there is 2α² D²/S. In antiparallel
layers the cosines change sign: f = −1/3 at AA'. The polarization of a primitive cell is

    p_z = p⊥ exp(−βx) g(t),   g = (Σ sin G·t) / (3√3/2):   −1 at AB, 1 at BA, 0 at AA and SP;   0 if antiparallel
    p∥ = p∥⁰ exp(−βx) Σ Ĝ cos G·t / 2:   p∥⁰ along AB → BA at the saddle point of the straight path, 0 at AA, AB, BA

Sums over the atoms of a layer, Σ exp(iG·r), carry the registry. So it is a smooth function of any structure whose
lattice is the material's, wrapped or not, in any supercell, as one registry of whole layers. G does not follow a
strain: the stress is that of the plates and of the distance, all there is where the registry is at rest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from ase import Atoms
from ase.calculators.calculator import BaseCalculator, Calculator, all_changes

from harness.engine.calculators import evaluate_moved
from harness.materials.layers import assign_layers
from harness_tasks.oracles.plate import PlatePotential

#: Of Im(A_top B_bottom* − B_top A_bottom*) for perfect parallel layers, see `Registry`.
_MIXED = math.sqrt(3) / 2


class Registry:
    """Sums over the layers of a structure, and what follows from them.

    A = mean of exp(iG·r) over a layer and B = mean of σ exp(iG·r), σ = 1 for the lighter element and −1 for the other,
    know where a layer is and which way round. For perfect layers A_top A_bottom* and B_top B_bottom* are 1/4 and ±3/4
    of exp(iG·t), and A_top B_bottom* − B_top A_bottom* is (√3/2) i exp(iG·t), or zero if antiparallel.
    """

    def __init__(self, atoms: Atoms, a: float) -> None:
        length = 4 * math.pi / (math.sqrt(3) * a)
        angles = math.pi / 2 + 2 * math.pi / 3 * np.arange(3)
        self.vectors = length * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        given = atoms.arrays.get("layer")
        layers = assign_layers(atoms) if given is None else given
        self.members = [np.flatnonzero(layers == number) for number in (0, 1)]
        if layers.max() != 1 or len(self.members[0]) != len(self.members[1]):
            self.members = []
            return
        light = np.where(atoms.numbers == atoms.numbers.min(), 1.0, -1.0)
        self.waves = np.exp(1j * atoms.positions[:, :2] @ self.vectors.T)  # (natoms, 3)
        self.signs = light
        self.sites = np.stack([self.waves[m].mean(axis=0) for m in self.members])
        self.odd = np.stack([(light[m, None] * self.waves[m]).mean(axis=0) for m in self.members])
        heights = [atoms.positions[m, 2].mean() for m in self.members]
        self.distance = float(heights[1] - heights[0])
        self.cells = len(self.members[0]) / 2

    def corrugation(self) -> tuple[float, np.ndarray]:
        """f and its derivative by the positions, (natoms, 2)."""
        low, top = self.odd
        value = (np.real(top * low.conj()).sum() / 0.75 + 1.5) / 4.5
        slope = np.zeros((len(self.waves), 2))
        for members, other in ((self.members[1], low.conj()), (self.members[0], top.conj())):
            part = 1j * self.signs[members, None] * self.waves[members] * other / len(members)
            slope[members] = np.real(part) @ self.vectors / 0.75 / 4.5
        return float(value), slope

    def mixed(self) -> tuple[np.ndarray, np.ndarray]:
        """A_top B_bottom* − B_top A_bottom* over √3/2, (3,), and its derivative by the positions, (natoms, 3, 2)."""
        (a0, a1), (b0, b1) = self.sites, self.odd
        value = (a1 * b0.conj() - b1 * a0.conj()) / _MIXED
        slope = np.zeros((len(self.waves), 3, 2), dtype=complex)
        lower, upper = self.members[0], self.members[1]
        w, s = self.waves, self.signs[:, None]
        for members, part in (
            (upper, 1j * w[upper] * (b0.conj() - s[upper] * a0.conj())),
            (lower, -1j * w[lower].conj() * (s[lower] * a1 - b1)),
        ):
            slope[members] = (part / len(lower) / _MIXED)[:, :, None] * self.vectors[None]
        return value, slope


class CosinePotential:
    """Plates held together by a Morse well whose depth depends on the registry.

    Parameters
    ----------
    a
        Lattice constant, Å; x along zigzag.
    depth, decay, distance
        D (eV per primitive cell), α (1/Å), d₀ (Å): the well at AB.
    corrugation
        C, eV per primitive cell.
    stretch, bending
        Of the plates, see `harness_tasks.oracles`, eV/Å².
    """

    name = "cosine"
    implemented_properties: Sequence[str] = ("energy", "forces", "stress")
    elements: frozenset[str] | None = None

    def __init__(
        self,
        a: float = 2.511,
        depth: float = 0.094,
        decay: float = 1.2,
        distance: float = 3.35,
        corrugation: float = 0.03,
        stretch: float = 30.0,
        bending: float = 1.0,
    ) -> None:
        self.params = {"a": a, "depth": depth, "decay": decay, "distance": distance, "corrugation": corrugation}
        self.plate = PlatePotential(bond=a / math.sqrt(3), stretch=stretch, bending=bending)

    def minimum(self, f: float) -> tuple[float, float, float]:
        """Distance (Å), energy (eV) and stiffness (eV/Å²) of the minimum, per primitive cell, where f(t) is `f`."""
        depth, decay = self.params["depth"], self.params["decay"]
        wall = depth + self.params["corrugation"] * f
        return (
            self.params["distance"] + math.log(wall / depth) / decay,
            -(depth**2) / wall,
            2 * decay**2 * depth**2 / wall,
        )

    def calculator(self, device: str = "cpu", dtype: str = "float64") -> BaseCalculator:
        """A fresh calculator."""
        return CosineCalculator(self)

    def provenance(self) -> dict[str, Any]:
        """The closed form, its parameters and what they imply for the tasks `interlayer` and `sliding`."""
        values = {"AB": 0.0, "SP": 1 / 9, "AA": 1.0, "AAp": -1 / 3}
        minima = {name: self.minimum(f) for name, f in values.items()}
        analytic = {f"h0_{name}": {"value": found[0], "unit": "A"} for name, found in minima.items()}
        analytic |= {
            f"binding_energy_per_atom_{name}": {"value": -250 * found[1], "unit": "meV"}
            for name, found in minima.items()
        }
        analytic["barrier_per_cell"] = {"value": 1e3 * (minima["SP"][1] - minima["AB"][1]), "unit": "meV"}
        analytic["corrugation_per_cell"] = {"value": 1e3 * (minima["AA"][1] - minima["AB"][1]), "unit": "meV"}
        return {
            "form": "harmonic plates, Morse times first-star cosine between them",
            "level_of_theory": "analytic",
            "params": dict(self.params),
            "analytic": analytic,
        }


class CosineCalculator(Calculator):
    """ASE calculator of `CosinePotential`."""

    implemented_properties: ClassVar[list[str]] = ["energy", "forces", "stress"]

    def __init__(self, potential: CosinePotential) -> None:
        super().__init__()
        self.constants = potential.params
        self.plate = potential.plate.calculator()

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] | None = None,
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Energy, forces and stress of `atoms`."""
        super().calculate(atoms, properties, system_changes)
        assert atoms is not None
        self.results = dict(evaluate_moved(self.plate, atoms, self.implemented_properties, system_changes))
        registry = Registry(atoms, self.constants["a"])
        if not registry.members:  # one layer
            return
        depth, decay = self.constants["depth"], self.constants["decay"]
        f, slope = registry.corrugation()
        wall = depth + self.constants["corrugation"] * f
        y = math.exp(-decay * (registry.distance - self.constants["distance"]))
        self.results["energy"] += registry.cells * (wall * y - 2 * depth) * y
        pull = -registry.cells * self.constants["corrugation"] * y**2 * slope
        self.results["forces"][:, :2] += pull
        lift = registry.cells * 2 * decay * (wall * y - depth) * y  # −∂φ/∂d
        for members, sign in zip(registry.members, (-1, 1), strict=True):
            self.results["forces"][members, 2] += sign * lift / len(members)
        self.results["stress"][2] -= lift * registry.distance / atoms.get_volume()


class CosinePolarization:
    """Polarization of the registry alone, with its Born charges.

    Parameters
    ----------
    a, distance
        Lattice constant and reference distance d₀, Å.
    perpendicular, parallel
        p⊥ and p∥⁰, e Å per primitive cell.
    decay
        β, 1/Å.
    alpha
        Polarizability of an atom, Å³: (in-plane, out-of-plane).
    """

    name = "cosine"
    implemented_properties: Sequence[str] = ("dipole", "born_effective_charges", "polarizability")
    elements: frozenset[str] | None = None

    def __init__(
        self,
        a: float = 2.511,
        distance: float = 3.35,
        perpendicular: float = 3.2e-3,
        parallel: float = 2.5e-3,
        decay: float = 2.0,
        alpha: Sequence[float] = (2.7, 0.45),
    ) -> None:
        self.a, self.distance, self.decay = float(a), float(distance), float(decay)
        self.perpendicular, self.parallel = float(perpendicular), float(parallel)
        self.alpha = tuple(float(x) for x in alpha)

    def calculate(
        self, atoms: Atoms, properties: Sequence[str], field: Sequence[float] = (0.0, 0.0, 0.0)
    ) -> dict[str, np.ndarray]:
        """The closed forms; a field changes nothing."""
        dipole, born = np.zeros(3), np.zeros((len(atoms), 3, 3))
        registry = Registry(atoms, self.a)
        if registry.members:
            mixed, slope = registry.mixed()
            scale = registry.cells * math.exp(-self.decay * (registry.distance - self.distance))
            unit = registry.vectors / np.linalg.norm(registry.vectors[0])
            across, along = scale * self.perpendicular / (1.5 * math.sqrt(3)), scale * self.parallel / 2
            dipole[2] = across * mixed.real.sum()
            dipole[:2] = -along * mixed.imag @ unit
            born[:, 2, :2] = across * slope.real.sum(axis=1)
            born[:, :2, :2] = -along * np.einsum("ijb,ja->iab", slope.imag, unit)
            for members, side in zip(registry.members, (-1, 1), strict=True):
                born[members, :, 2] = -self.decay * side / len(members) * dipole
        polarizability = len(atoms) * np.diag([self.alpha[0], self.alpha[0], self.alpha[1]])
        known = {"dipole": dipole, "born_effective_charges": born, "polarizability": polarizability}
        return {name: known[name] for name in properties}

    def provenance(self) -> dict[str, Any]:
        """The closed form and its parameters."""
        params = {
            name: getattr(self, name) for name in ("a", "distance", "perpendicular", "parallel", "decay", "alpha")
        }
        return {"form": "first star of sines and cosines of the registry", "params": params}
