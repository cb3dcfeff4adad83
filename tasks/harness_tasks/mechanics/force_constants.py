"""Force constants of a unit cell from few displacements, and stationary points of its internal coordinates.

Atoms in a strained cell follow the strain only in part. Finding where they go is a linear problem once the force
constants Φ are known: u = Φ⁻¹ F, with Φ from as few displaced structures as the symmetry leaves, where an optimiser
would feel its way anew at every strain. Newton steps go to the stationary point also where it is no minimum, so
a stacking that would rather slide keeps its registry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms

from harness.materials.symmetry import Operation

#: Eigenvalues below this share of the largest one count as zero: nothing holds the atoms along them.
LOOSE = 1e-7
#: Longest Newton step of an atom, Å.
LONGEST = 0.1
#: Structure and key -> forces (natoms, 3).
Forces = Callable[[Atoms, str], np.ndarray]


def plan(atoms: Atoms, group: Sequence[Operation]) -> list[tuple[int, np.ndarray, bool]]:
    """Which displacements determine all force constants: (atom, direction, whether its opposite is needed as well).

    One atom of each set of equivalent ones, and of those only directions that the atom's own symmetry does not
    supply. The last set is left to the sum rule when it is a single atom.
    """
    images = np.array([operation.image for operation in group])
    first = [k for k in range(len(atoms)) if images[:, k].min() == k]
    single = [k for k in first if (images[:, k] == k).all()]
    if single:
        first.remove(single[-1])
    needed = []
    for atom in first:
        known = np.zeros((0, 3))
        for direction in np.eye(3):
            if _rank(np.vstack([known, direction])) == _rank(known):
                continue
            rotated = np.array([g.rotation @ direction for g in group if g.image[atom] == atom])
            opposite = bool((np.abs(rotated + direction).max(axis=1) < 1e-3).any())
            needed.append((atom, direction, not opposite))
            known = np.vstack([known, rotated])
            if _rank(known) == 3:
                break
    return needed


def force_constants(
    atoms: Atoms, group: Sequence[Operation], forces: Forces, displacement: float, rest: np.ndarray
) -> np.ndarray:
    """∂²E/∂r∂r of the cell, (3 natoms, 3 natoms), eV/Å², by central differences.

    Parameters
    ----------
    displacement
        Å.
    rest
        Forces (natoms, 3) of `atoms` itself, which fill in for an opposite that symmetry supplies.
    """
    n = len(atoms)
    directions: list[list[np.ndarray]] = [[] for _ in range(n)]
    answers: list[list[np.ndarray]] = [[] for _ in range(n)]
    for atom, direction, both in plan(atoms, group):
        pulled = []
        for sign in (1, -1) if both else (1,):
            moved = atoms.copy()
            moved.positions[atom] += sign * displacement * direction
            pulled.append(forces(moved, f"{atom} {sign * direction}") - rest)
        if not both:
            mirror = next(
                g for g in group if g.image[atom] == atom and np.abs(g.rotation @ direction + direction).max() < 1e-3
            )
            pulled.append(mirror.vectors(pulled[0]))
        answer = (pulled[1] - pulled[0]) / (2 * displacement)
        for operation in group:
            target = int(operation.image[atom])
            directions[target].append(operation.rotation @ direction)
            answers[target].append(operation.vectors(answer).ravel())
    constants = np.zeros((3 * n, n, 3))
    missing = [k for k in range(n) if not directions[k]]
    for k in range(n):
        if directions[k]:
            solution = np.linalg.lstsq(np.array(directions[k]), np.array(answers[k]), rcond=None)[0]
            constants[:, k] = solution.T
    if missing:
        constants[:, missing[0]] = -constants.sum(axis=1)
    flat = constants.reshape(3 * n, 3 * n)
    flat = 0.5 * (flat + flat.T)
    rigid = np.tile(np.eye(3), (n, 1)) / np.sqrt(n)
    keep = np.eye(3 * n) - rigid @ rigid.T
    return np.asarray(keep @ flat @ keep)


@dataclass(slots=True)
class Newton:
    """Newton steps with force constants that learn from each step (symmetric rank one).

    Attributes
    ----------
    constants
        (3 natoms, 3 natoms), eV/Å².
    held
        Directions (k, 3 natoms) along which atoms do not move; rigid translations are always among them.
    """

    constants: np.ndarray
    held: np.ndarray

    def __post_init__(self) -> None:
        n = len(self.constants)
        rigid = np.tile(np.eye(3), n // 3)
        _, values, vectors = np.linalg.svd(np.vstack([rigid, self.held]))
        rank = int((values > 1e-8 * values[0]).sum())
        self.held = vectors[:rank]

    def _free(self, vector: np.ndarray) -> np.ndarray:
        return np.asarray(vector - self.held.T @ (self.held @ vector))

    def eigenvalues(self) -> np.ndarray:
        """Of the constants in the directions that are not held, in rising order, eV/Å²."""
        n = len(self.constants)
        keep = np.eye(n) - self.held.T @ self.held
        values = np.linalg.eigvalsh(keep @ self.constants @ keep)
        return np.sort(np.delete(values, np.argsort(np.abs(values))[: len(self.held)]))

    def answer(self, forces: np.ndarray) -> np.ndarray:
        """Displacements (natoms, 3) to where `forces` (natoms, 3) would vanish if all were linear."""
        n = len(self.constants)
        keep = np.eye(n) - self.held.T @ self.held
        inverse = np.linalg.pinv(keep @ self.constants @ keep, rcond=LOOSE, hermitian=True)
        return self._free(inverse @ self._free(forces.ravel())).reshape(-1, 3)

    def step(self, forces: np.ndarray) -> np.ndarray:
        """The same, no atom by more than `LONGEST`."""
        step = self.answer(forces)
        longest = float(np.linalg.norm(step, axis=1).max(initial=0.0))
        return step * min(1.0, LONGEST / longest) if longest else step

    def left(self, forces: np.ndarray) -> float:
        """Largest of the `forces` along free directions, eV/Å."""
        return float(np.linalg.norm(self._free(forces.ravel()).reshape(-1, 3), axis=1).max(initial=0.0))

    def learn(self, step: np.ndarray, before: np.ndarray, after: np.ndarray) -> None:
        """Correct the constants by the change of forces along the last step (all (natoms, 3))."""
        s = self._free(step.ravel())
        wrong = self._free((before - after).ravel()) - self.constants @ s
        wrong = self._free(wrong)
        scale = float(wrong @ s)
        if abs(scale) > 1e-8 * np.linalg.norm(wrong) * np.linalg.norm(s) and scale:
            self.constants = self.constants + np.outer(wrong, wrong) / scale


def _rank(rows: np.ndarray) -> int:
    return int(np.linalg.matrix_rank(rows, tol=1e-3)) if len(rows) else 0
