"""Analytic bilayer that knows registry place by place: elastic plates with Gaussian overlap between their atoms.

Layers are the plates of `harness_tasks.oracles`. An atom of the upper layer at (ρ, z) from one of the lower layer feels

    V = p g_w(ρ) y² [same element] − 2 c g_W(ρ) y,   y = exp(−α(z − d₀)),   g_w(ρ) = exp(−ρ²/2w²) / 2πw²

so that rigid perfect layers at registry t have, by Poisson's sum over the reciprocal lattice, per primitive cell

    φ(d, t) = R(t) y² − 2 T(t) y,   R = (p/A) Σ_G e^(−w²G²/2) Σ_ss' cos G·(t + τ_s − τ_s'),

A its area and the sum over sites s, s' of same elements; T likewise with c, W and all sites. The minimum is −T²/R at
d₀ + ln(R/T)/α with the stiffness 2α² T²/R. A plate of bond stiffness k and bending c has λ + μ = 3kb²/4A and
μ = κb²/4A, 1/κ = 1/(3k/2) + 1/(18c): a shear is shared between the bonds and the shift of the two sublattices.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from ase import Atoms
from ase.calculators.calculator import BaseCalculator, Calculator, all_changes
from ase.neighborlist import neighbor_list

from harness.materials.layers import assign_layers
from harness_tasks.moire.cells import BASIS
from harness_tasks.oracles.plate import PlatePotential

#: Pairs count up to so many widths of the wider Gaussian, and lists are kept until an atom has moved by this, Å.
WIDTHS, SKIN = 4.5, 0.4
#: Reciprocal vectors in the closed form, along each axis.
STARS = 4


class OverlapPotential:
    """Two plates with a registry landscape that is known in closed form.

    Parameters
    ----------
    a
        Lattice constant, Å.
    depth, decay, distance
        c per atom pair as the depth of a well of registry-free layers (eV per primitive cell), α (1/Å), d₀ (Å).
    narrow, wide
        w and W, Å: the narrower w, the more corrugated the landscape.
    stretch, bending
        Of the plates, eV/Å².
    """

    name = "overlap"
    implemented_properties: Sequence[str] = ("energy", "forces")
    elements: frozenset[str] | None = None

    def __init__(
        self,
        a: float = 2.511,
        depth: float = 0.08,
        decay: float = 1.2,
        distance: float = 3.35,
        narrow: float = 0.85,
        wide: float = 1.5,
        stretch: float = 30.0,
        bending: float = 1.0,
    ) -> None:
        self.a, self.decay, self.distance = a, decay, distance
        self.narrow, self.wide = narrow, wide
        self.area = math.sqrt(0.75) * a**2
        # R and T of registry-free layers are both `depth`: two same-element pairs and four pairs a cell
        self.push, self.pull = depth * self.area / 2, depth * self.area / 4
        self.plate = PlatePotential(bond=a / math.sqrt(3), stretch=stretch, bending=bending)

    def well(self, t: np.ndarray, antiparallel: bool = False) -> tuple[float, float, float]:
        """Distance (Å), energy (eV) and stiffness (eV/Å²) of the minimum at a registry, per primitive cell."""
        g = np.stack(np.meshgrid(*[np.arange(-STARS, STARS + 1)] * 2), axis=-1).reshape(-1, 2)
        lattice = self.a * np.array([[1, 0], [-0.5, math.sqrt(0.75)]])
        size = ((2 * np.pi * g @ np.linalg.inv(lattice).T) ** 2).sum(axis=1)
        repulsion = attraction = 0.0
        for low in range(2):
            for top in range(2):
                waves = np.cos(2 * np.pi * g @ (np.asarray(t) + BASIS[top] - BASIS[low]))
                if (low == top) != antiparallel:
                    repulsion += self.push / self.area * float(waves @ np.exp(-0.5 * self.narrow**2 * size))
                attraction += self.pull / self.area * float(waves @ np.exp(-0.5 * self.wide**2 * size))
        energy = -(attraction**2) / repulsion
        return self.distance + math.log(repulsion / attraction) / self.decay, energy, -2 * self.decay**2 * energy

    @property
    def lame(self) -> tuple[float, float]:
        """λ and μ of one layer, eV/Å²."""
        stretch, bending, bond = (self.plate.params[name] for name in ("stretch", "bending", "bond"))
        both = 3 * stretch * bond**2 / (4 * self.area)
        shear = bond**2 / (4 * self.area) / (1 / (1.5 * stretch) + 1 / (18 * bending))
        return both - shear, shear

    def calculator(self, device: str = "cpu", dtype: str = "float64") -> BaseCalculator:
        """A fresh calculator."""
        return OverlapCalculator(self)

    def provenance(self) -> dict[str, Any]:
        """The closed form."""
        return {"form": "harmonic plates, Gaussian overlap between them", "level_of_theory": "analytic"}


class OverlapCalculator(Calculator):
    """ASE calculator of `OverlapPotential`."""

    implemented_properties: ClassVar[list[str]] = ["energy", "forces"]

    def __init__(self, potential: OverlapPotential) -> None:
        super().__init__()
        self.potential = potential
        self.plate = potential.plate.calculator()
        self._seen: Atoms | None = None
        self._pairs: tuple[np.ndarray, ...] = ()

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] | None = None,
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Energy and forces of `atoms`."""
        super().calculate(atoms, properties, system_changes)
        assert atoms is not None
        plates = atoms.copy()
        energy = self.plate.get_property("energy", plates)
        forces = self.plate.get_property("forces", plates).copy()
        low, top, images, same = self._listed(atoms)
        p = self.potential
        between = atoms.positions[top] - atoms.positions[low] + images @ atoms.cell.array
        away2 = (between[:, :2] ** 2).sum(axis=1)
        y = np.exp(-p.decay * (between[:, 2] - p.distance))
        push = np.where(same, p.push, 0.0) * np.exp(-away2 / (2 * p.narrow**2)) / (2 * np.pi * p.narrow**2) * y**2
        pull = 2 * p.pull * np.exp(-away2 / (2 * p.wide**2)) / (2 * np.pi * p.wide**2) * y
        force = np.empty_like(between)
        force[:, :2] = (push / p.narrow**2 - pull / p.wide**2)[:, None] * between[:, :2]
        force[:, 2] = p.decay * (2 * push - pull)
        for axis in range(3):
            forces[:, axis] += np.bincount(top, force[:, axis], len(atoms)) - np.bincount(
                low, force[:, axis], len(atoms)
            )
        self.results = {"energy": float(energy + push.sum() - pull.sum()), "forces": forces}

    def _listed(self, atoms: Atoms) -> tuple[np.ndarray, ...]:
        seen = self._seen
        known = (
            seen is not None
            and len(seen) == len(atoms)
            and np.array_equal(seen.cell.array, atoms.cell.array)
            and np.abs(seen.positions - atoms.positions).max() < SKIN
        )
        if not known:
            layer = assign_layers(atoms)
            reach = math.hypot(WIDTHS * self.potential.wide, 1.3 * self.potential.distance) + 2 * SKIN
            i, j, images = neighbor_list("ijS", atoms, reach)
            across = (layer[i] == 0) & (layer[j] == 1)
            i, j = i[across], j[across]
            self._pairs = (i, j, images[across], atoms.numbers[i] == atoms.numbers[j])
            self._seen = atoms.copy()
        return self._pairs
