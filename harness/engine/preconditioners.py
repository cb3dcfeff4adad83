"""Preconditioned L-BFGS for large cells, with preconditioners that keep their factorisation.

A step then costs a triangular solve and not a factorisation, which for a cheap potential halves the time.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from ase.constraints import FixAtoms
from ase.neighborlist import natural_cutoffs, neighbor_list
from ase.optimize.precon import Exp, PreconLBFGS
from ase.optimize.precon.precon import Precon
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu


class SafeLBFGS(PreconLBFGS):
    """ASE's PreconLBFGS, which forgets steps across negative curvature.

    A sheet on its way to buckling passes a saddle point; a history with sᵀy < 0 would turn the search uphill.
    """

    def update(self, r: np.ndarray, f: np.ndarray, r0: np.ndarray | None, f0: np.ndarray | None) -> None:
        """Add the last step to the history unless the curvature along it was not positive.

        Parameters
        ----------
        r, f
            Positions and forces of this step, flattened, Å and eV/Å.
        r0, f0
            Those of the step before; None at the first step.
        """
        super().update(r, f, r0, f0)
        if self.rho and not (np.isfinite(self.rho[-1]) and self.rho[-1] > 0):
            for history in (self.s, self.y, self.rho):
                history.pop()

    def state(self) -> dict[str, np.ndarray]:
        """What it remembers, for `restore`; empty before the first step."""
        if self.r0 is None:
            return {}
        scalars = [np.nan if self.e0 is None else self.e0, float(self._just_reset_hessian)]
        kept = {"s": np.array(self.s), "y": np.array(self.y), "rho": np.array(self.rho), "scalars": np.array(scalars)}
        built_at = getattr(self.precon, "built_at", None)
        return kept | {"r0": self.r0, "f0": self.f0} | ({} if built_at is None else {"built_at": built_at})

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from a `state`; the structure has to be where it then was."""
        self.s, self.y, self.rho = list(state["s"]), list(state["y"]), list(state["rho"])
        self.r0, self.f0 = np.array(state["r0"]), np.array(state["f0"])
        before, just_reset = (float(x) for x in state["scalars"])
        self.e0, self._just_reset_hessian = None if np.isnan(before) else before, bool(just_reset)
        # The energy here is asked again: a line search must not compare energies of two neighbour lists.
        self.e1 = None
        if "built_at" in state:
            then = self._actual_atoms.copy()
            then.positions = state["built_at"]
            self.precon.make_precon(then)


class KeptExp(Exp):
    """ASE's exponential preconditioner (Packwood et al., J. Chem. Phys. 144, 164109 (2016)), factorised once."""

    _factorised: Any = None
    _factor: Any = None

    def solve(self, x: np.ndarray) -> np.ndarray:
        """P⁻¹x; factorises only after P was rebuilt."""
        if self._factorised is not self.P:
            self._factor, self._factorised = _factorise(self.P), self.P
        return np.asarray(self._factor.solve(x))


class Sheet(Precon):
    """The Hessian of a harmonic sheet: what makes a thin sheet ill-conditioned is that bending is soft as q⁴.

    P = Σ k_ij r̂ r̂ᵀ over bonds, next neighbours and pairs across layers, plus c LᵀL with the graph Laplacian L of
    the bonds, plus a small diagonal. The exponential preconditioner goes as q² and leaves a factor (q b)² between
    stretching and bending; with the biharmonic term an 8 nm ribbon buckles in 20 to 40 force calls instead of 200.

    Parameters
    ----------
    stretch, angle, across
        Spring constants of bonds, of next neighbours and of pairs across layers, eV/Å². Their order of magnitude
        matters, not their value: L-BFGS learns the rest.
    bending
        c, eV/Å²; a honeycomb has the bending stiffness (√3/4) c b².
    stabilisation
        Added to the diagonal, eV/Å².
    """

    def __init__(
        self,
        stretch: float = 30.0,
        angle: float = 4.0,
        across: float = 0.05,
        bending: float = 1.0,
        stabilisation: float = 1e-4,
    ) -> None:
        self.stretch, self.angle, self.across = stretch, angle, across
        self.bending, self.stabilisation = bending, stabilisation
        self.P: Any = None
        self._factor: Any = None
        self.built_at: np.ndarray | None = None

    def make_precon(self, atoms: Atoms, reinitialize: bool | None = None) -> None:
        """Build and factorise P; again only after an atom has moved by half an Å."""
        if self.built_at is not None and np.abs(atoms.positions - self.built_at).max() < 0.5:
            return
        self.P = self._matrix(atoms)
        self._factor = _factorise(self.P)
        self.built_at = atoms.positions.copy()

    def _matrix(self, atoms: Atoms) -> Any:
        n = len(atoms)
        near = _neighbours(atoms)
        laplacian = near.laplacian
        matrix = self.bending * sparse.kron(laplacian.T @ laplacian, sparse.eye(3))
        constants = self._constants(near.distance, near.bond)
        matrix = matrix + _springs(n, near.i, near.j, near.unit, constants)
        return _held(matrix + self.stabilisation * sparse.eye(3 * n), np.repeat(_free(atoms), 3))

    def _constants(self, distance: np.ndarray, bond: float) -> np.ndarray:
        return np.where(distance <= 1.05 * bond, self.stretch, np.where(distance < 1.9 * bond, self.angle, self.across))

    def solve(self, x: np.ndarray) -> np.ndarray:
        """P⁻¹x."""
        return np.asarray(self._factor.solve(x))

    def Pdot(self, x: np.ndarray) -> np.ndarray:
        """Px."""
        return np.asarray(self.P @ x)

    def copy(self) -> Sheet:
        """A copy that shares the factor."""
        return copy.copy(self)

    def asarray(self) -> np.ndarray:
        """P as a dense matrix."""
        return np.asarray(self.P.toarray())


class Stack(Sheet):
    """The same for flat stacks, where motion in each layer's plane and the heights of all layers are independent.

    Each layer and the heights have a matrix of their own. Factors of a moiré cell of 11,164 atoms then take a tenth of
    the time of those of `Sheet`, at the same number of force calls.
    """

    def make_precon(self, atoms: Atoms, reinitialize: bool | None = None) -> None:
        """As for `Sheet`."""
        if self.built_at is not None and np.abs(atoms.positions - self.built_at).max() < 0.5:
            return
        n, near = len(atoms), _neighbours(atoms)
        layers, layer = connected_components(near.laplacian, directed=False)
        bent = self.bending * (near.laplacian.T @ near.laplacian)
        constants = self._constants(near.distance, near.bond)
        across = layer[near.i] != layer[near.j]
        within = ~across & (near.distance < 1.9 * near.bond)
        i, j, unit = near.i, near.j, near.unit
        flat = _springs(n, i[within], j[within], unit[within, :2], constants[within])
        flat = flat + _own(n, i[across], unit[across, :2], constants[across]) + sparse.kron(bent, sparse.eye(2))
        upright = bent + _springs(n, i[across], j[across], unit[across, 2:], constants[across])
        free, atom = _free(atoms), np.arange(n)
        self._parts = []
        for number in range(layers):
            mine = np.flatnonzero(np.repeat(layer == number, 2))
            place = 3 * (mine // 2) + mine % 2
            self._parts.append(self._part(flat.tocsr()[mine][:, mine], place, free[mine // 2]))
        self._parts.append(self._part(upright, 3 * atom + 2, free))
        self.built_at = atoms.positions.copy()

    def _part(self, matrix: Any, place: np.ndarray, free: np.ndarray) -> tuple[np.ndarray, Any, Any]:
        matrix = _held(matrix + self.stabilisation * sparse.eye(len(place)), free)
        return place, matrix, _factorise(matrix)

    def solve(self, x: np.ndarray) -> np.ndarray:
        """P⁻¹x."""
        found = np.empty_like(x)
        for place, _, factor in self._parts:
            found[place] = factor.solve(x[place])
        return found

    def Pdot(self, x: np.ndarray) -> np.ndarray:
        """Px."""
        found = np.empty_like(x)
        for place, matrix, _ in self._parts:
            found[place] = matrix @ x[place]
        return found

    def asarray(self) -> np.ndarray:
        """P as a dense matrix."""
        return np.stack([self.Pdot(column) for column in np.eye(sum(len(place) for place, _, _ in self._parts))])


@dataclass(frozen=True, slots=True)
class _Neighbours:
    """Pairs i, j of near atoms, each given twice, with unit vectors; the longest bond; the bonds' graph Laplacian."""

    i: np.ndarray
    j: np.ndarray
    distance: np.ndarray
    unit: np.ndarray
    bond: float
    laplacian: Any


def _neighbours(atoms: Atoms) -> _Neighbours:
    n, radii = len(atoms), np.array(natural_cutoffs(atoms, mult=1.25))
    reach = max(4.0, 2 * float(radii.max(initial=0.0)))
    i, j, vectors = neighbor_list("ijD", atoms, reach)
    distance = np.linalg.norm(vectors, axis=1)
    bonded = distance < radii[i] + radii[j]
    bond = float(distance[bonded].max(initial=1.0))
    graph = sparse.coo_matrix((np.ones(int(bonded.sum())), (i[bonded], j[bonded])), shape=(n, n)).tocsr()
    laplacian = graph - sparse.diags(np.asarray(graph.sum(axis=1)).ravel())
    wanted = max(4.0, 1.9 * bond)
    if wanted > reach:
        i, j, vectors = neighbor_list("ijD", atoms, wanted)
        distance = np.linalg.norm(vectors, axis=1)
    near = distance < wanted
    return _Neighbours(i[near], j[near], distance[near], vectors[near] / distance[near, None], bond, laplacian)


def _own(n: int, i: np.ndarray, unit: np.ndarray, constants: np.ndarray) -> Any:
    """Σ_j k_ij r̂ r̂ᵀ on the diagonal: springs whose other ends do not move, (n d, n d)."""
    d = unit.shape[1]
    blocks = (constants[:, None, None] * unit[:, :, None] * unit[:, None, :]).reshape(-1, d * d)
    own = np.stack([np.bincount(i, blocks[:, k], n) for k in range(d * d)], axis=1).reshape(n, d, d)
    return sparse.bsr_matrix((own, np.arange(n), np.arange(n + 1)), shape=(n * d, n * d))


def _springs(n: int, i: np.ndarray, j: np.ndarray, unit: np.ndarray, constants: np.ndarray) -> Any:
    """Σ k_ij r̂ r̂ᵀ of springs between atoms i and j, each given twice, along `unit` (pairs, d): (n d, n d)."""
    d = unit.shape[1]
    blocks = -constants[:, None, None] * unit[:, :, None] * unit[:, None, :]
    order = np.argsort(i, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(i, minlength=n))])
    between = sparse.bsr_matrix((blocks[order], j[order], starts), shape=(n * d, n * d))
    return (between + _own(n, i, unit, constants)).tocsr()


def _free(atoms: Atoms) -> np.ndarray:
    """1 for each atom that moves, 0 for each that is held."""
    free = np.ones(len(atoms))
    for constraint in atoms.constraints:
        if isinstance(constraint, FixAtoms):
            free[constraint.index] = 0.0
    return free


def _held(matrix: Any, free: np.ndarray) -> Any:
    """The identity where coordinates are held, and nothing between them and the others."""
    if free.all():
        return matrix
    return sparse.diags(free) @ matrix @ sparse.diags(free) + sparse.diags(1.0 - free)


def _factorise(matrix: Any) -> Any:
    return splu(
        matrix.tocsc(),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.01,
        options={"SymmetricMode": True},
    )
