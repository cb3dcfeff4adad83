"""Potentials and polarization models whose answers are known in closed form; for tests and for trying out.

``plate``: a honeycomb sheet with harmonic bonds and a discrete Laplacian bending energy,

    E = ½ k Σ_bonds (r − b)² + ½ c Σ_i |Σ_j (r_j − r_i)|²        (j: the three neighbours of i)

On a smooth surface Σ_j (r_j − r_i) → (3b²/4) κ n, and there are two atoms in A_cell = (3√3/2) b², hence

    D = 2 · (9/16) c b⁴ / A_cell = (9/8) c b⁴ / A_cell = (√3/4) c b²

Layers are coupled by springs of stiffness s at their initial length, between each atom and the atoms of the next
layer that are near it. Their number per area and directions make the stiffness against slip known as well.

``plate`` (polarization model): dipoles p_i = f Σ_j (r_j − r_i) and charges ±q, hence a sheet dipole

    P = 2 · (3/4) f b² κ / A_cell = (f/√3) κ per layer,   i.e. μ = f/√3 per curvature, 2f/√3 per ∂ε_zy/∂y = κ/2
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from ase import Atoms
from ase.calculators.calculator import BaseCalculator, Calculator, all_changes
from ase.neighborlist import natural_cutoffs, neighbor_list

from harness.materials.layers import BOND_FACTOR, assign_layers

#: Å; a larger displacement between two calls is another structure, whose bonds are found anew. Springs between layers
#: keep their lengths for longer: a change of the load may move a ribbon by more.
JUMP, JUMP_OF_SPRINGS = 0.3, 1.0


class PlatePotential:
    """Harmonic honeycomb plate with known bending stiffness.

    Parameters
    ----------
    bond
        Bond length b, Å.
    stretch
        Bond stiffness k, eV/Å².
    bending
        c, eV/Å²; the bending stiffness of one layer is (√3/4) c b².
    coupling
        Stiffness of the springs between layers, eV/Å²; 0 leaves them free.
    reach
        Springs join atoms of neighbouring layers that are closer than this in the first structure seen, Å.
    """

    name = "plate"
    implemented_properties: Sequence[str] = ("energy", "forces", "stress")
    elements: frozenset[str] | None = None

    def __init__(
        self,
        bond: float = 1.45,
        stretch: float = 30.0,
        bending: float = 1.0,
        coupling: float = 0.0,
        reach: float = 4.0,
    ) -> None:
        self.params = {
            "bond": bond,
            "stretch": stretch,
            "bending": bending,
            "coupling": coupling,
            "reach": reach,
        }

    @property
    def bending_stiffness(self) -> float:
        """Of one layer, eV."""
        return math.sqrt(3) / 4 * self.params["bending"] * self.params["bond"] ** 2

    def calculator(self, device: str = "cpu", dtype: str = "float64") -> BaseCalculator:
        """A fresh calculator."""
        return PlateCalculator(**self.params)

    def provenance(self) -> dict[str, Any]:
        """The closed form and its parameters."""
        return {"form": "harmonic honeycomb plate", "level_of_theory": "analytic", "params": dict(self.params)}


class PlateCalculator(Calculator):
    """ASE calculator of `PlatePotential`.

    Who is bonded to whom is decided by the first structure it sees, and again when the number of atoms, the periodicity
    or the cell changes much, or an atom jumps by more than `JUMP` at once: then it is another structure. So, as any
    force field of springs, it is a function of the structure only as long as no bond is torn: the task `conformance`
    may find its memory.

    Parameters
    ----------
    bond
        Bond length, Å.
    stretch, bending, coupling
        Stiffnesses, eV/Å²; see `PlatePotential`.
    reach
        Å.
    """

    implemented_properties: ClassVar[list[str]] = ["energy", "forces", "stress"]

    def __init__(self, bond: float, stretch: float, bending: float, coupling: float, reach: float) -> None:
        super().__init__()
        self.plate = (bond, stretch, bending, coupling, reach)
        self._pairs: tuple[np.ndarray, ...] = ()
        self._seen: Atoms | None = None

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] | None = None,
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Energy, forces and stress of `atoms`."""
        super().calculate(atoms, properties, system_changes)
        assert atoms is not None
        bond, stretch, bending, coupling, reach = self.plate
        if self._seen is None or _another(self._seen, atoms, JUMP_OF_SPRINGS if coupling else JUMP):
            self._pairs = _topology(atoms, reach if coupling else 0.0)
        self._seen = atoms.copy()
        i, j, images, first, second, between, rest = self._pairs
        positions, cell = atoms.positions, atoms.cell.array
        d = positions[j] - positions[i] + images @ cell
        length = np.linalg.norm(d, axis=1)
        energy = 0.25 * stretch * ((length - bond) ** 2).sum()  # each bond is listed twice
        pull = (0.5 * stretch * (length - bond) / length)[:, None] * d
        laplacian = _sum_over(i, d, len(atoms))
        energy += 0.5 * bending * (laplacian**2).sum()
        pull += bending * laplacian[i]
        forces = _sum_over(i, pull, len(atoms)) - _sum_over(j, pull, len(atoms))
        virial = d.T @ pull
        if len(rest):
            d = positions[second] - positions[first] + between @ cell
            length = np.linalg.norm(d, axis=1)
            energy += 0.5 * coupling * ((length - rest) ** 2).sum()
            pull = (coupling * (length - rest) / length)[:, None] * d
            forces += _sum_over(first, pull, len(atoms)) - _sum_over(second, pull, len(atoms))
            virial += d.T @ pull
        stress = 0.5 * (virial + virial.T) / atoms.get_volume()
        self.results = {
            "energy": float(energy),
            "forces": forces,
            "stress": stress.flat[[0, 4, 8, 5, 2, 1]],
        }


class PlatePolarization:
    """Point dipoles that follow the local curvature, with known flexoelectric coefficient.

    Parameters
    ----------
    dipole
        f, e: μ per curvature is f/√3 for each layer.
    charge
        Charge of the first element in the alphabet, e; the other one carries the opposite.
    """

    name = "plate"
    implemented_properties: Sequence[str] = ("dipole", "charges", "atomic_dipoles")
    elements: frozenset[str] | None = None

    def __init__(self, dipole: float = 0.1, charge: float = 0.0) -> None:
        self.dipole = float(dipole)
        self.charge = float(charge)

    def calculate(
        self, atoms: Atoms, properties: Sequence[str], field: Sequence[float] = (0.0, 0.0, 0.0)
    ) -> dict[str, np.ndarray]:
        """Dipoles from the bonds of `atoms`; a field changes nothing."""
        i, d = neighbor_list("iD", atoms, natural_cutoffs(atoms, mult=BOND_FACTOR))
        dipoles = self.dipole * _sum_over(i, d, len(atoms))
        charges = np.where(atoms.numbers == atoms.numbers.min(), self.charge, -self.charge)
        total = dipoles.sum(axis=0)
        total[2] += (charges * atoms.positions[:, 2]).sum()
        known = {"dipole": total, "charges": charges, "atomic_dipoles": dipoles}
        return {name: known[name] for name in properties}

    def provenance(self) -> dict[str, Any]:
        """The closed form and its parameters."""
        return {"form": "p_i = f Σ_j (r_j - r_i)", "params": {"dipole": self.dipole, "charge": self.charge}}


def _another(before: Atoms, after: Atoms, jump: float) -> bool:
    """Whether this is not the same structure a little later."""
    return (
        not np.array_equal(before.numbers, after.numbers)
        or not np.array_equal(before.pbc, after.pbc)
        or np.abs(before.cell.array - after.cell.array)[before.pbc].max(initial=0.0) > jump
        or np.abs(before.positions - after.positions).max(initial=0.0) > jump
    )


def _topology(atoms: Atoms, reach: float) -> tuple[np.ndarray, ...]:
    """Bonds (i, j, image), each twice, and springs between layers (first, second, image, rest length), each once."""
    i, j, images = neighbor_list("ijS", atoms, natural_cutoffs(atoms, mult=BOND_FACTOR))
    if reach:
        layers = assign_layers(atoms)
        a, b, shifts, rest = neighbor_list("ijSd", atoms, reach)
        across = layers[b] == layers[a] + 1
        return i, j, images, a[across], b[across], shifts[across], rest[across]
    none = np.zeros(0, dtype=int)
    return i, j, images, none, none, np.zeros((0, 3)), np.zeros(0)


def _sum_over(index: np.ndarray, vectors: np.ndarray, n: int) -> np.ndarray:
    """Sum the rows of `vectors` that share an `index`; shape (n, 3)."""
    return np.stack([np.bincount(index, vectors[:, axis], n) for axis in range(3)], axis=1)
