"""Lennard-Jones interaction between the layers of a stack: cross-layer pairs only.

    phi = sum_{i<j, layer(i) != layer(j)} 4 eps_ij [(sig_ij/r)^12 - (sig_ij/r)^6] - (shift)

with Lorentz-Berthelot mixing (arithmetic sigma, geometric epsilon). The shift subtracts value and slope at the
cutoff, so energy and forces are continuous there; it belongs to the potential, and parameters fitted with it
should be used with it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols, covalent_radii

from harness.errors import HarnessError
from harness.materials.layers import BOND_FACTOR
from harness.materials.neighbours import NeighbourList, Pairs
from harness.potentials.calculator import PotentialCalculator
from harness_layered.layers import LayerMemory

__all__ = ["LennardJones"]

SKIN = 1.0  # Å; a list of 12 Å neighbours costs as much as ten force calls, so a wide skin pays
CHUNK = 1 << 14  # pairs handled at a time: the temporaries stay in the second-level cache


@dataclass(frozen=True, slots=True)
class Group:
    """Cross-layer pairs of two kinds of atoms, each pair once.

    Attributes
    ----------
    kinds
        Atomic numbers.
    i, j
        Indices of the two atoms, (P,).
    shifts
        Lattice vectors to add to ``r_j - r_i``, Å, (3, P).
    """

    kinds: tuple[int, int]
    i: np.ndarray
    j: np.ndarray
    shifts: np.ndarray


def groups(numbers: np.ndarray, layers: np.ndarray, pairs: Pairs) -> list[Group]:
    """Those of `pairs` that join two layers, by the atomic numbers of the two atoms."""
    cross = layers.take(pairs.i) != layers.take(pairs.j)
    i, j, shifts = pairs.i.compress(cross), pairs.j.compress(cross), pairs.shifts.compress(cross, axis=0)
    kinds, kind = np.unique(numbers, return_inverse=True)
    low, high = kind.take(i), kind.take(j)
    code = np.minimum(low, high) * len(kinds) + np.maximum(low, high)
    found = []
    for value in range(len(kinds) ** 2):
        own = np.flatnonzero(code == value)
        if len(own):
            a, b = divmod(value, len(kinds))
            columns = np.ascontiguousarray(shifts.take(own, axis=0).T)
            found.append(Group((int(kinds[a]), int(kinds[b])), i.take(own), j.take(own), columns))
    return found


class LennardJones(PotentialCalculator):
    """ASE calculator of the interaction between layers.

    Parameters
    ----------
    elements
        ``{symbol: (epsilon, sigma)}`` in eV and Å.
    cutoff
        Å, at least 12 for layered crystals: the attraction beyond it is lost.

    Layers come from ``atoms.arrays["layer"]`` when present, else from the covalent bonds, found once per structure
    (see `harness_layered.layers.LayerMemory`).
    """

    implemented_properties = ["energy", "free_energy", "forces", "stress"]  # noqa: RUF012 (ASE's interface)

    def __init__(self, elements: Mapping[int, tuple[float, float]], cutoff: float = 12.0) -> None:
        super().__init__()
        self.elements = dict(elements)
        self.cutoff = cutoff
        self._memory = LayerMemory()
        self._list = NeighbourList(cutoff, SKIN, half=True)
        self._groups: list[Group] = []

    def _compute(self, atoms: Atoms, properties: Collection[str]) -> dict[str, Any]:
        missing = sorted({int(z) for z in np.unique(atoms.numbers)} - set(self.elements))
        if missing:
            known = ", ".join(sorted(chemical_symbols[z] for z in self.elements))
            wrong = chemical_symbols[missing[0]]
            raise HarnessError(f"the Lennard-Jones model has no element '{wrong}'; it knows {known}.",
                               "Choose a material of these elements or fit the model to it.")  # fmt: skip
        layers = self._memory.layers(atoms)
        pairs = self._list.update(atoms, atoms.numbers, layers)
        if pairs is not None:
            self._groups = groups(atoms.numbers, layers, pairs)
        energy, forces, derivative = self._sum(atoms.positions)
        return {"energy": energy, "forces": forces, "strain_derivative": derivative}

    def mixed(self, a: int, b: int) -> tuple[float, float]:
        """(epsilon, sigma) of a pair of atomic numbers after Lorentz and Berthelot."""
        (ea, sa), (eb, sb) = self.elements[a], self.elements[b]
        return float(np.sqrt(ea * eb)), 0.5 * (sa + sb)

    def pair(self, r2: np.ndarray, epsilon: float, sigma: float) -> tuple[np.ndarray, np.ndarray]:
        """Energy (eV) and ``-V'(r)/r`` (eV/Å²) of pairs at squared distances `r2`; zero beyond the cutoff."""
        s6, rc = sigma**6, self.cutoff
        c6 = s6 / rc**6
        v_cut, d_cut = 4 * epsilon * (c6 * c6 - c6), -24 * epsilon * (2 * c6 * c6 - c6) / rc
        r2 = np.minimum(r2, rc * rc)  # at the cutoff the shifted energy and force vanish by construction
        inverse = 1.0 / r2
        r = np.sqrt(r2)
        a6 = s6 * inverse * inverse * inverse
        a6 *= 4 * epsilon  # 4 eps (s/r)^6
        a12 = a6 * a6
        a12 *= 0.25 / epsilon if epsilon else 0.0
        energy = a12 - a6 - (v_cut - rc * d_cut) - d_cut * r
        return energy, (12.0 * a12 - 6.0 * a6) * inverse + d_cut / r

    def _sum(self, positions: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        n = len(positions)
        x = np.ascontiguousarray(positions.T)
        energy, forces, virial = 0.0, np.zeros((3, n)), np.zeros((3, 3))
        for group in self._groups:
            a, b = group.kinds
            epsilon, sigma = self.mixed(a, b)
            bonded = (BOND_FACTOR * (covalent_radii[a] + covalent_radii[b])) ** 2
            for start in range(0, len(group.i), CHUNK):
                part = slice(start, start + CHUNK)
                i, j = group.i[part], group.j[part]
                d = x.take(j, axis=1)
                d -= x.take(i, axis=1)
                d += group.shifts[:, part]
                r2 = np.einsum("kp,kp->p", d, d)
                if r2.min() < bonded:
                    raise HarnessError(
                        f"two layers have merged: an interlayer distance is {np.sqrt(r2.min()):.2f} Å.",
                        "The interlayer model holds for separate sheets only; use a smaller deformation.",
                    )
                e, g = self.pair(r2, epsilon, sigma)
                energy += float(e.sum())
                f = d * g  # on j; opposite on i
                virial -= d @ f.T
                for k in range(3):
                    forces[k] += np.bincount(j, f[k], n) - np.bincount(i, f[k], n)
        return energy, np.ascontiguousarray(forces.T), virial
