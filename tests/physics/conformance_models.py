"""Models that pass every line of `conformance`, and ways to break them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes

#: Depth (eV), exponent (1/Å), distance (Å) and cut-off (Å) of the pairs.
DEPTH, STIFF, REST, CUTOFF = 2.0, 1.8, 1.45, 4.5

Spoil = Callable[[dict[str, Any], Atoms, "Pairs"], None]


def neighbours(atoms: Atoms, cutoff: float) -> tuple[np.ndarray, ...]:
    """All pairs within the cut-off (i, j, vector, distance), each twice; for small cells faster than a list."""
    cell = atoms.cell.array
    heights = 1 / np.linalg.norm(np.linalg.inv(cell), axis=0)
    spread = np.ptp(atoms.get_scaled_positions(wrap=False), axis=0)
    reach = [int(np.ceil(cutoff / h + s)) if p else 0 for h, s, p in zip(heights, spread, atoms.pbc, strict=True)]
    images = np.stack(np.meshgrid(*[np.arange(-k, k + 1) for k in reach], indexing="ij"), axis=-1).reshape(-1, 3)
    d = atoms.positions[None, :, None] - atoms.positions[:, None, None] + images @ cell
    r = np.sqrt((d * d).sum(axis=-1))
    i, j, k = np.nonzero((r < cutoff) & (r > 1e-9))
    return i, j, d[i, j, k], r[i, j, k]


def pairs(atoms: Atoms, cutoff: float, truncated: bool = False) -> tuple[float, np.ndarray, np.ndarray]:
    """Energy, forces and virial of Morse pairs; times (1 - (r/cutoff)²)⁴, or simply cut off."""
    i, j, d, r = neighbours(atoms, cutoff)
    x = np.exp(-STIFF * (r - REST))
    v, dv = DEPTH * (x * x - 2 * x), -2 * STIFF * DEPTH * (x * x - x)
    if not truncated:
        s = 1 - (r / cutoff) ** 2
        v, dv = v * s**4, dv * s**4 - v * 8 * s**3 * r / cutoff**2
    pull = (0.5 * dv / r)[:, None] * d
    forces = np.zeros((len(atoms), 3))
    np.add.at(forces, i, pull)
    np.add.at(forces, j, -pull)
    return 0.5 * float(v.sum()), forces, d.T @ pull


class Pairs(Calculator):
    """Morse pairs with a smooth end; `spoil` may alter the results."""

    implemented_properties = ["energy", "forces", "stress"]  # noqa: RUF012

    def __init__(self, spoil: Spoil | None = None, truncated: bool = False) -> None:
        super().__init__()
        self.spoil, self.truncated, self.seen = spoil, truncated, False

    def calculate(
        self, atoms: Atoms | None = None, properties: Any = ("energy",), system_changes: Any = tuple(all_changes)
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        energy, forces, virial = pairs(self.atoms, CUTOFF, self.truncated)
        stress = virial.ravel()[[0, 4, 8, 5, 2, 1]] / self.atoms.get_volume()
        self.results = {"energy": energy, "forces": forces, "stress": stress}
        if self.spoil is not None:
            self.spoil(self.results, atoms, self)


class PairPotential:
    """`Pairs` as a potential."""

    name = "pairs"
    elements = None
    dtypes = ("float64", "float32")

    def __init__(
        self,
        spoil: Spoil | None = None,
        truncated: bool = False,
        offers: Sequence[str] = ("energy", "forces", "stress"),
    ) -> None:
        self.spoil, self.truncated, self.implemented_properties = spoil, truncated, tuple(offers)

    def calculator(self, device: str = "cpu", dtype: str = "float64") -> Pairs:
        return Pairs(self.spoil, self.truncated)

    def provenance(self) -> dict[str, Any]:
        return {"form": "Morse pairs"}


class Shell:
    """P = Σ over pairs of unlike atoms of g(r) d (1 + c d_z²): its Born charges are not symmetric.

    In a field E the energy is −P·E and the forces are E·Z. `spoil` may alter what is returned.
    """

    name = "shell"
    elements = None
    implemented_properties: tuple[str, ...] = ("dipole", "born_effective_charges", "energy", "forces")
    REACH, WIDTH, TALL = 5.0, 0.5, 0.4

    def __init__(self, spoil: Callable[[dict[str, np.ndarray], Atoms], None] | None = None) -> None:
        self.spoil = spoil

    def calculate(
        self, atoms: Atoms, properties: Sequence[str], field: Sequence[float] = (0.0, 0.0, 0.0)
    ) -> dict[str, np.ndarray]:
        i, j, d, r = neighbours(atoms, self.REACH)
        light = atoms.numbers.min()
        unlike = (atoms.numbers[i] == light) & (atoms.numbers[j] != light)
        i, j, d, r = i[unlike], j[unlike], d[unlike], r[unlike]
        s = 1 - (r / self.REACH) ** 2
        g, dg = self.WIDTH * s**4, -self.WIDTH * 8 * s**3 * r / self.REACH**2
        tall = 1 + self.TALL * d[:, 2] ** 2
        jacobian = (g * tall)[:, None, None] * np.eye(3)
        jacobian = jacobian + (dg * tall / r)[:, None, None] * d[:, :, None] * d[:, None, :]
        jacobian[:, :, 2] += (g * 2 * self.TALL * d[:, 2])[:, None] * d
        born = np.zeros((len(atoms), 3, 3))
        np.add.at(born, j, jacobian)
        np.add.at(born, i, -jacobian)
        dipole, e = (g * tall) @ d, np.asarray(field, dtype=float)
        found = {
            "dipole": dipole,
            "born_effective_charges": born,
            "energy": np.array(-dipole @ e),
            "forces": np.einsum("a,iab->ib", e, born),
        }
        if self.spoil is not None:
            self.spoil(found, atoms)
        return {name: found[name] for name in properties}

    def provenance(self) -> dict[str, Any]:
        return {"form": "pairs of unlike atoms"}
