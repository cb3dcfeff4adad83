"""Preconditioned L-BFGS for large cells, with preconditioners that keep their factorisation.

A step then costs a triangular solve and not a factorisation, which for a cheap potential halves the time.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
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
        """Add the last step to the history unless the curvature along it was not positive."""
        super().update(r, f, r0, f0)
        if self.rho and not (np.isfinite(self.rho[-1]) and self.rho[-1] > 0):
            for history in (self.s, self.y, self.rho):
                history.pop()

    def state(self) -> dict[str, np.ndarray]:
        """What it remembers, for `restore`; empty before the first step."""
        if self.r0 is None:
            return {}
        scalars = [np.nan if e is None else e for e in (self.e0, self.e1)] + [float(self._just_reset_hessian)]
        kept = {"s": np.array(self.s), "y": np.array(self.y), "rho": np.array(self.rho), "scalars": np.array(scalars)}
        built_at = getattr(self.precon, "built_at", None)
        return kept | {"r0": self.r0, "f0": self.f0} | ({} if built_at is None else {"built_at": built_at})

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from a `state`; the structure has to be where it then was."""
        self.s, self.y, self.rho = list(state["s"]), list(state["y"]), list(state["rho"])
        self.r0, self.f0 = np.array(state["r0"]), np.array(state["f0"])
        self.e0, self.e1 = (None if np.isnan(e) else float(e) for e in state["scalars"][:2])
        self._just_reset_hessian = bool(state["scalars"][2])
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
        return self._factor.solve(x)


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
        bond, laplacian = _bonds(atoms)
        i, j, vectors = neighbor_list("ijD", atoms, max(4.0, 1.9 * bond))
        distance = np.linalg.norm(vectors, axis=1)
        matrix = self.bending * sparse.kron(laplacian.T @ laplacian, sparse.eye(3))
        matrix = matrix + _springs(n, i, j, vectors / distance[:, None], self._constants(distance, bond))
        return _held(matrix + self.stabilisation * sparse.eye(3 * n), atoms)

    def _constants(self, distance: np.ndarray, bond: float) -> np.ndarray:
        return np.where(distance <= 1.05 * bond, self.stretch, np.where(distance < 1.9 * bond, self.angle, self.across))

    def solve(self, x: np.ndarray) -> np.ndarray:
        """P⁻¹x."""
        return self._factor.solve(x)

    def Pdot(self, x: np.ndarray) -> np.ndarray:
        """Px."""
        return self.P @ x

    def copy(self) -> Sheet:
        """A copy that shares the factor."""
        return copy.copy(self)

    def asarray(self) -> np.ndarray:
        """P as a dense matrix."""
        return self.P.toarray()


class Stack(Sheet):
    """The same for flat stacks, where motion in each layer's plane and the heights of all layers are independent.

    Each layer and the heights have a matrix of their own. Factors of a moiré cell of 11,164 atoms then take a tenth of
    the time of those of `Sheet`, at the same number of force calls.
    """

    def make_precon(self, atoms: Atoms, reinitialize: bool | None = None) -> None:
        """As for `Sheet`."""
        if self.built_at is not None and np.abs(atoms.positions - self.built_at).max() < 0.5:
            return
        layers, layer = connected_components(_bonds(atoms)[1], directed=False)
        part = np.stack([layer, layer, np.full(len(atoms), layers)], axis=1).ravel()
        full = self._matrix(atoms).tocoo()
        kept = (part[full.row] == part[full.col]) & (full.data != 0)
        self.P = sparse.coo_matrix((full.data[kept], (full.row[kept], full.col[kept])), shape=full.shape).tocsr()
        members = [np.flatnonzero(part == number) for number in range(layers + 1)]
        self._factor = [(mine, _factorise(self.P[mine][:, mine])) for mine in members]
        self.built_at = atoms.positions.copy()

    def solve(self, x: np.ndarray) -> np.ndarray:
        """P⁻¹x."""
        found = np.empty_like(x)
        for mine, factor in self._factor:
            found[mine] = factor.solve(x[mine])
        return found


def _bonds(atoms: Atoms) -> tuple[float, Any]:
    """The longest bond, Å, and the graph Laplacian of the bonds, (natoms, natoms)."""
    n = len(atoms)
    i, j, lengths = neighbor_list("ijd", atoms, natural_cutoffs(atoms, mult=1.25))
    graph = sparse.coo_matrix((np.ones(len(i)), (i, j)), shape=(n, n)).tocsr()
    return float(lengths.max(initial=1.0)), graph - sparse.diags(np.asarray(graph.sum(axis=1)).ravel())


def _springs(n: int, i: np.ndarray, j: np.ndarray, unit: np.ndarray, constants: np.ndarray) -> Any:
    """Σ k_ij r̂ r̂ᵀ of springs between atoms i and j, each given twice, along `unit` (pairs, d): (n d, n d)."""
    d = unit.shape[1]
    blocks = constants[:, None, None] * unit[:, :, None] * unit[:, None, :]
    own = np.stack([np.bincount(i, blocks.reshape(-1, d * d)[:, k], n) for k in range(d * d)], axis=1)
    every = np.arange(n)
    rows, columns = (np.concatenate([ends, every])[:, None, None] * d for ends in (i, j))
    within = np.arange(d)
    rows, columns = (
        np.broadcast_to(start, (len(i) + n, d, d)).ravel() for start in (rows + within[:, None], columns + within)
    )
    data = np.concatenate([-blocks.ravel(), own.ravel()])
    return sparse.coo_matrix((data, (rows, columns)), shape=(n * d, n * d)).tocsr()


def _held(matrix: Any, atoms: Atoms) -> Any:
    """The identity where atoms are held, and nothing between them and the others."""
    free = np.ones(len(atoms))
    for constraint in atoms.constraints:
        if isinstance(constraint, FixAtoms):
            free[constraint.index] = 0.0
    if free.all():
        return matrix
    mask = np.repeat(free, 3)
    return sparse.diags(mask) @ matrix @ sparse.diags(mask) + sparse.diags(1.0 - mask)


def _factorise(matrix: Any) -> Any:
    return splu(
        matrix.tocsc(),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.01,
        options={"SymmetricMode": True},
    )
