"""Hoppings between p_z orbitals of two layers of BN, and the sparse matrix that they make.

The model of Nieto Luna et al., arXiv 2503.11797 (2025): one orbital an atom, on-site energies by element, and

    t(r) = (z/r)² γ₁ exp(q_σ (1 − r/c)) + [1 − (z/r)²] γ₀ exp(q_π (1 − r/b)),
    q_σ/c = q_π/b = ln(γ₀'/γ₀) / (b − a),  γ₀' = 0.1 γ₀,

with the bond length b = a/√3 and γ₁ by the pair of elements. What is not printed there is a parameter here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from ase import Atoms

from harness.errors import HarnessError, unknown_choice
from harness.materials.layers import assign_layers
from harness.materials.neighbours import find_pairs

__all__ = ["SIGNS", "Hoppings", "Parameters", "find_hoppings"]

ONSITE = {"B": -1.287, "N": -5.393}
INTERLAYER = {("B", "B"): 0.831, ("N", "N"): 0.3989, ("B", "N"): 0.6601, ("N", "B"): 0.6601}
INTRALAYER = -2.7
#: H_ij = −t as the paper prints it, or +t as Slater and Koster write it; they differ only in the hops between second
#: neighbours of one layer, ∓0.27 eV, since the sign of one sublattice and of one layer is free.
SIGNS = {"printed": -1.0, "slater_koster": 1.0}
#: Over the last half ångström of the cutoff hoppings go to zero smoothly, so that no atom makes a jump.
TAPER = 0.5


@dataclass(frozen=True, slots=True)
class Parameters:
    """What the paper leaves open.

    Attributes
    ----------
    lattice_constant
        a, Å, at which γ₀ and γ₀' are the hops to the first and second neighbours.
    distance
        c, Å: of the layers at which γ₁ holds, "the AA distance".
    cutoff
        Å, longest hop.
    sign
        ``printed`` or ``slater_koster``: of H_ij against t.
    """

    lattice_constant: float
    distance: float
    cutoff: float
    sign: str

    def __post_init__(self) -> None:
        if self.sign not in SIGNS:
            raise unknown_choice("sign of tight_binding", str(self.sign), SIGNS)
        for name in ("lattice_constant", "distance", "cutoff"):
            value = getattr(self, name)
            if not (math.isfinite(value) and 1.0 <= value <= 20.0):
                raise HarnessError(f"tight_binding: {name}={value} is out of range.", "Give 1 to 20 Å.")
        if self.cutoff < self.distance:
            raise HarnessError(
                f"tight_binding: cutoff={self.cutoff:g} Å is shorter than distance={self.distance:g} Å of the layers.",
                "Give 6 or more.",
            )

    @property
    def decay(self) -> float:
        """q_σ/c = q_π/b, 1/Å."""
        return math.log(0.1) / (self.lattice_constant / math.sqrt(3) - self.lattice_constant)


@dataclass(frozen=True, slots=True)
class Hoppings:
    """The matrix H in real space, pairs sorted by their first site; each pair stands there in both orders.

    Attributes
    ----------
    positions, lattice
        Å (N, 3); the periodic cell vectors only, (d, 3).
    periodic
        Which of the three cell vectors those are.
    onsite
        eV (N,).
    i, j, shifts
        Site i of the home cell and site j of the cell `shifts` (P, d).
    vectors
        r_j + shifts · lattice − r_i, Å (P, 3).
    values, slopes
        H_ij in eV (P,), and its derivative by `vectors`, eV/Å (P, 3).
    same_layer
        Pairs within one layer, (P,).
    electrons
        Number of doubly filled states: of N atoms.
    """

    positions: np.ndarray
    lattice: np.ndarray
    periodic: np.ndarray
    onsite: np.ndarray
    i: np.ndarray
    j: np.ndarray
    shifts: np.ndarray
    vectors: np.ndarray
    values: np.ndarray
    slopes: np.ndarray
    same_layer: np.ndarray
    nitrogen: np.ndarray

    def __len__(self) -> int:
        return len(self.onsite)

    @property
    def filled(self) -> int:
        """Number of doubly occupied states: neutral sheets fill as many as there are N atoms."""
        return len(self.nitrogen)

    def within_layers(self) -> Hoppings:
        """The same structure, its layers cut from each other."""
        keep = self.same_layer
        pairs = {name: getattr(self, name)[keep] for name in ("i", "j", "shifts", "vectors", "values", "slopes")}
        return Hoppings(
            self.positions, self.lattice, self.periodic, self.onsite,
            **pairs, same_layer=keep[keep], nitrogen=self.nitrogen,
        )  # fmt: skip

    def in_field(self, field: np.ndarray) -> Hoppings:
        """The same hops in a uniform field (V/Å): an electron at r has the energy +e E·r there."""
        across = np.eye(3) - np.linalg.pinv(self.lattice) @ self.lattice if len(self.lattice) else np.eye(3)
        if np.abs(field - across @ field).max() > 1e-12:
            raise HarnessError(
                "tight_binding: a field along a periodic direction has no potential.", "Give a field across the sheet."
            )
        pairs = {name: getattr(self, name) for name in self.__slots__ if name != "onsite"}
        return Hoppings(onsite=self.onsite + self.positions @ field, **pairs)


def find_hoppings(atoms: Atoms, parameters: Parameters) -> Hoppings:
    """Hoppings of a structure.

    Raises
    ------
    HarnessError
        For other elements than B and N, no atoms, positions that are not finite, three periodic directions, or a
        periodic direction that leaves the x-y plane.
    """
    symbols = atoms.get_chemical_symbols()
    foreign = sorted(set(symbols) - set(ONSITE))
    if foreign:
        raise HarnessError(f"tight_binding has no parameters for {', '.join(foreign)}.", "It knows B and N.")
    if not len(atoms) or not np.isfinite(atoms.positions).all():
        raise HarnessError("tight_binding: no atoms, or a coordinate is not a finite number.", "Check the structure.")
    lattice = atoms.cell.array[atoms.pbc]
    if len(lattice) and (np.abs(lattice[:, 2]).max() > 1e-8 or np.linalg.matrix_rank(lattice, tol=1e-8) < len(lattice)):
        raise HarnessError(
            "tight_binding is for sheets that repeat in the x-y plane, and this structure does not.",
            "Lay the sheet into the plane, with atoms.pbc = (True, True, False) and a cell.",
        )
    pairs = find_pairs(atoms, parameters.cutoff)
    i, j, vectors = pairs.i, pairs.j, pairs.vectors(atoms.positions)
    values, slopes = _hop(np.array(symbols), i, j, vectors, parameters)
    layers = assign_layers(atoms)
    return Hoppings(
        positions=atoms.positions.copy(),
        lattice=lattice.copy(),
        periodic=np.array(atoms.pbc),
        onsite=np.array([ONSITE[s] for s in symbols]),
        i=i,
        j=j,
        shifts=pairs.images[:, atoms.pbc].astype(np.int64),
        vectors=vectors,
        values=values,
        slopes=slopes,
        same_layer=layers[i] == layers[j],
        nitrogen=np.flatnonzero(np.array(symbols) == "N"),
    )


def _hop(
    symbols: np.ndarray, i: np.ndarray, j: np.ndarray, vectors: np.ndarray, p: Parameters
) -> tuple[np.ndarray, np.ndarray]:
    """H_ij and its gradient by the vector from i to j."""
    bond = p.lattice_constant / math.sqrt(3)
    boron = symbols == "B"
    table = np.array([[INTERLAYER[x, y] for y in "NB"] for x in "NB"])
    gamma = table[boron[i].astype(int), boron[j].astype(int)]
    r, z = np.linalg.norm(vectors, axis=1), vectors[:, 2]
    cosine = (z / r) ** 2
    sigma = gamma * np.exp(p.decay * (p.distance - r))
    pi = INTRALAYER * np.exp(p.decay * (bond - r))
    inside = np.clip((r - p.cutoff + TAPER) / TAPER, 0.0, 1.0)
    cut = 0.5 * (1 + np.cos(np.pi * inside))
    cut_slope = -0.5 * np.pi / TAPER * np.sin(np.pi * inside)
    full = cosine * sigma + (1 - cosine) * pi
    unit = vectors / r[:, None]
    tilt = 2 * (z / r)[:, None] / r[:, None] * (np.array([0.0, 0.0, 1.0]) - (z / r)[:, None] * unit)
    slope = ((-p.decay * cut + cut_slope) * full)[:, None] * unit + (cut * (sigma - pi))[:, None] * tilt
    sign = SIGNS[p.sign]
    return sign * cut * full, sign * slope
