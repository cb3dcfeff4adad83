"""Occupations, Wannier centres and Born charges from the eigenstates at every wave vector: for small cells."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from harness.errors import HarnessError
from harness_tight_binding.hoppings import Hoppings

__all__ = ["Exact", "States", "mesh"]

#: Filled and empty states closer than this are no insulator, eV.
LEAST_GAP = 0.05


def mesh(lattice: np.ndarray, length: float) -> tuple[int, ...]:
    """Wave vectors along each periodic vector, so that the cells which they stand for are `length` (Å) long.

    A multiple of the vector's length gives that multiple, on whichever side of it rounding leaves the quotient.
    """
    return tuple(max(1, int(np.ceil(length / np.linalg.norm(vector) - 1e-9))) for vector in lattice)


@dataclass(frozen=True, slots=True)
class States:
    """Eigenstates at one wave vector.

    Attributes
    ----------
    index, partner
        Its number in the mesh, and that of its opposite.
    k
        In fractions of the reciprocal vectors, (d,).
    weight
        Share of both in all wave vectors.
    energies, vectors
        eV (N,); columns, (N, N).
    """

    index: int
    partner: int
    k: np.ndarray
    weight: float
    energies: np.ndarray
    vectors: np.ndarray


class Exact:
    """Eigenstates of `hoppings` on a mesh of wave vectors.

    Parameters
    ----------
    hoppings
        The matrix.
    length
        Å, of the supercell that the mesh stands for.
    """

    def __init__(self, hoppings: Hoppings, length: float) -> None:
        self.hoppings = hoppings
        self.mesh = mesh(hoppings.lattice, length)
        self._flat = hoppings.i * len(hoppings) + hoppings.j

    def _steps(self) -> np.ndarray:
        """Integer steps of every wave vector, (n, d); also the cells of the supercell."""
        return (
            np.stack(np.unravel_index(np.arange(math.prod(self.mesh)), self.mesh), -1)
            if self.mesh
            else np.zeros((1, 0))
        )

    def _matrix(self, values: np.ndarray) -> np.ndarray:
        """Dense matrix (N, N) from complex values of the pairs."""
        n = len(self.hoppings)
        real, imaginary = (np.bincount(self._flat, part, n * n) for part in (values.real, values.imag))
        return (real + 1j * imaginary).reshape(n, n)

    def states(self) -> Iterator[States]:
        """Eigenstates, of one wave vector out of each pair of opposite ones.

        Raises
        ------
        HarnessError
            At the end or before, when filled and empty states touch.
        """
        h = self.hoppings
        below, above = -np.inf, np.inf
        counts = np.array(self.mesh, dtype=int)
        all_steps = self._steps()
        for index, steps in enumerate(all_steps.astype(int)):
            partner = int(np.ravel_multi_index(tuple(-steps % counts), self.mesh)) if self.mesh else index
            if partner < index:
                continue  # time reversal gives it
            k = steps / counts
            matrix = self._matrix(h.values * np.exp(2j * np.pi * (h.shifts @ k))) + np.diag(h.onsite)
            energies, vectors = np.linalg.eigh(matrix.real if partner == index and not k.any() else matrix)
            below = max(below, energies[: h.filled].max(initial=-np.inf))
            above = min(above, energies[h.filled :].min(initial=np.inf))
            if above - below < LEAST_GAP:
                raise HarnessError(
                    f"tight_binding: filled and empty states of this structure meet ({above - below:.3f} eV apart).",
                    "A metal's electrons choose no side: check the structure.",
                )
            yield States(index, partner, k, (1 + (partner != index)) / len(all_steps), energies, vectors)

    def occupations(self) -> np.ndarray:
        """Electrons on each site, both spins, (N,)."""
        found = np.zeros(len(self.hoppings))
        for s in self.states():
            found += 2 * s.weight * (np.abs(s.vectors[:, : self.hoppings.filled]) ** 2).sum(axis=1)
        return found

    def centres(self) -> np.ndarray:
        """Centre of each filled Wannier function relative to the N atom that it is projected from, Å (n_N, 3).

        The orbitals of the N atoms are projected on the filled states and made orthonormal symmetrically, which keeps
        them nearest to those orbitals. They span the filled states, so the centres add up to their dipole.
        """
        h, nitrogen = self.hoppings, self.hoppings.nitrogen
        cells = self._steps()
        waves = np.empty((len(cells), len(h), len(nitrogen)), dtype=complex)
        for s in self.states():
            filled = s.vectors[:, : h.filled]
            part = filled @ filled[nitrogen].conj().T
            values, turn = np.linalg.eigh(part[nitrogen])
            waves[s.index] = part @ (turn / np.sqrt(values)) @ turn.conj().T
            waves[s.partner] = waves[s.index].conj() if s.partner != s.index else waves[s.index]
        # with phases e^{ik·S} in H, the amplitude in cell R goes with e^{ik·R}
        real = np.fft.ifftn(waves.reshape(*self.mesh, -1), axes=tuple(range(len(self.mesh))))
        weights = np.abs(real.reshape(waves.shape)) ** 2
        away = h.positions[:, None] - h.positions[nitrogen] + (cells @ h.lattice)[:, None, None]
        if self.mesh:
            size = np.array(self.mesh)[:, None] * h.lattice
            away -= np.round(away @ np.linalg.pinv(size)) @ size
        return np.asarray(np.einsum("ran,ranc->nc", weights, away))

    def born(self) -> np.ndarray:
        """Derivative of the electrons' dipole by displacements, e (N, 3, 3): first index polarization.

        Linear response: the density matrix answers a field along a by δρ, and the dipole answers a change δH by
        Tr δρ δH, so that three answers serve all displacements. Along periodic directions ⟨c|r|v⟩ is
        −i ⟨c|∂H/∂k|v⟩ over the energy difference.
        """
        h, n = self.hoppings, len(self.hoppings)
        along = np.linalg.pinv(h.lattice) @ h.lattice if len(h.lattice) else np.zeros((3, 3))
        inside, outside = h.vectors @ along, h.positions @ (np.eye(3) - along)
        found = np.zeros((n, 3, 3))
        for s in self.states():
            filled, empty = s.vectors[:, : h.filled], s.vectors[:, h.filled :]
            gaps = s.energies[h.filled :][:, None] - s.energies[: h.filled]
            phases = np.exp(2j * np.pi * (h.shifts @ s.k))
            found -= (2 * s.weight * (np.abs(filled) ** 2).sum(axis=1))[:, None, None] * np.eye(3)
            for a in range(3):
                velocity = self._matrix(1j * inside[:, a] * h.values * phases)
                reach = (
                    empty.conj().T @ (outside[:, a, None] * filled) - 1j * (empty.conj().T @ velocity @ filled) / gaps
                )
                answer = -empty @ (reach / gaps) @ filled.conj().T
                answer += answer.conj().T
                weights = -2 * s.weight * np.real(answer[h.j, h.i] * phases)
                for b in range(3):  # dH_ij = slope · (du_j − du_i)
                    pull = weights * h.slopes[:, b]
                    found[:, a, b] += np.bincount(h.j, pull, n) - np.bincount(h.i, pull, n)
        return found
