"""Least-squares fit of a moment tensor potential: Levenberg-Marquardt with the linear coefficients eliminated.

The energy is linear in the moment and species coefficients and polynomial in the radial ones. At given radial
coefficients the linear ones follow from least squares (variable projection: G. H. Golub and V. Pereyra, SIAM J.
Numer. Anal. 10, 413 (1973)), and the step of the radial ones is that of the joint Gauss-Newton problem, damped
after Levenberg and Marquardt. Gradient descent on all coefficients at once stalls, because the linear ones are
badly conditioned; here forty steps suffice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms

from harness_mtp.neighbours import padded_neighbours

if TYPE_CHECKING:
    from motep.potentials.mtp.data import MTPData

__all__ = ["Example", "Noise", "Weights", "basis_values", "frame_weight", "minimize", "predict"]

#: Relative change of the linear coefficients above which the Jacobian is taken anew.
STALE = 0.05


@dataclass(frozen=True)
class Weights:
    """Expected errors; a residual counts in units of its own."""

    energy: float = 3.0e-4  # eV/atom
    forces: float = 2.0e-2  # eV/Å
    virial: float = 5.0e-3  # eV/atom; the virial is stress times volume over atoms
    force_scale: float = 1.0  # eV/Å; a frame with root-mean-square force f counts 1 / (1 + (f / scale)^2)
    ridge_linear: float = 1.0e-4  # on the linear coefficients, relative to the norm of their columns
    ridge_radial: float = 1.0e-3  # on the radial coefficients


@dataclass(frozen=True)
class Noise:
    """Known errors of labels, added in quadrature to the expected errors of the fit: eV/atom, eV/Å, eV/Å, eV/atom."""

    energy: float = 0.0
    forces_xy: float = 0.0
    forces_z: float = 0.0
    virial: float = 0.0


@dataclass
class Example:
    """One structure with its labels and neighbours (of the same layer only).

    `energy` eV, `forces` (N, 3) eV/Å, `stress` (6,) eV/Å^3 or None; `layers` (N,) or None for one layer.
    """

    atoms: Atoms
    energy: float
    forces: np.ndarray
    stress: np.ndarray | None
    noise: Noise = Noise()
    name: str = ""
    layers: np.ndarray | None = None
    neighbours: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def stacked(self) -> bool:
        """Whether it holds several layers."""
        return self.layers is not None and int(self.layers.max(initial=0)) > 0

    def prepare(self, data: MTPData) -> None:
        """Find the neighbours, once."""
        if self.neighbours is None:
            self.neighbours = padded_neighbours(self.atoms, float(data.radial_basis.max), self.layers)


def frame_weight(forces: np.ndarray, weights: Weights) -> float:
    """What a frame with these forces (N, 3) counts in the sum of squares: 1 near equilibrium, less when it is hot."""
    return float(1.0 / (1.0 + np.mean(forces**2) / weights.force_scale**2))


_VOIGT = ([0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1])


def _train(data: MTPData, example: Example) -> SimpleNamespace:
    """Basis values and their derivatives by the radial coefficients, from motep's C engine."""
    from motep.potentials.mtp.base import MomentBasisData, RadialBasisData
    from motep.potentials.mtp.cext import _mtp_cext
    from motep.potentials.mtp.data import get_types

    example.prepare(data)
    assert example.neighbours is not None
    js, rs = example.neighbours
    types = get_types(example.atoms, data.species)
    moments, radial = MomentBasisData(mode="train"), RadialBasisData(mode="train")
    for basis in (moments, radial):
        basis.initialize(len(example.atoms), data)
        basis.clean()
    energies = _mtp_cext.calc_train(js, rs, types, types[js], data, radial, moments)
    counts = np.array([(example.atoms.numbers == z).sum() for z in data.species], dtype=float)
    return SimpleNamespace(moments=moments, counts=counts, energy=energies.sum())


def _rows(data: MTPData, example: Example, weights: Weights) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weighted rows of the linear problem, of the radial Jacobian, and the targets."""
    t = _train(data, example)
    m, n = t.moments, len(example.atoms)
    n_lin, n_rad = len(data.moment_coeffs) + data.species_count, data.radial_coeffs.size
    scale = np.sqrt(frame_weight(example.forces, weights))
    noise = example.noise
    w_e = scale / np.hypot(weights.energy, noise.energy) / n
    w_v = scale / np.hypot(weights.virial, noise.virial)
    of_axis = np.array([noise.forces_xy, noise.forces_xy, noise.forces_z])
    w_f = np.tile(scale / np.hypot(weights.forces, of_axis), n)[:, None]

    linear = [np.concatenate([m.values, t.counts])[None] * w_e]
    radial = [m.dedcs.reshape(1, n_rad) * w_e]
    target = [np.array([example.energy * w_e])]

    linear.append(np.zeros((3 * n, n_lin)))
    linear[-1][:, : len(data.moment_coeffs)] = -m.dbdris.reshape(-1, 3 * n).T * w_f
    radial.append(-m.dgdcs.reshape(n_rad, 3 * n).T * w_f)
    target.append(example.forces.ravel() * w_f[:, 0])

    if example.stress is not None:
        linear.append(np.zeros((6, n_lin)))
        for block, source in ((linear[-1], m.dbdeps), (None, m.dsdcs.reshape(n_rad, 3, 3))):
            virial = 0.5 * (source + source.transpose(0, 2, 1))[:, _VOIGT[0], _VOIGT[1]].T * (w_v / n)
            if block is None:
                radial.append(virial)
            else:
                block[:, : len(data.moment_coeffs)] = virial
        target.append(example.stress * example.atoms.get_volume() * (w_v / n))
    return np.vstack(linear), np.vstack(radial), np.concatenate(target)


class _Problem:
    def __init__(self, data: MTPData, examples: Sequence[Example], weights: Weights) -> None:
        self.data, self.examples, self.weights = data, examples, weights

    def linearise(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        parts = [_rows(self.data, e, self.weights) for e in self.examples]
        a, j, y = (np.concatenate([p[k] for p in parts]) for k in range(3))
        return a, j, y

    def solve_linear(self, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Ridge regression with columns scaled to unit norm."""
        norm = np.sqrt((a**2).sum(axis=0)) + 1e-300
        scaled = a / norm
        gram = scaled.T @ scaled + self.weights.ridge_linear**2 * np.eye(a.shape[1])
        # species coefficients carry the atomic energies (hundreds of eV), so they are not shrunk
        k = a.shape[1] - self.data.species_count
        gram[range(k, a.shape[1]), range(k, a.shape[1])] -= self.weights.ridge_linear**2 * (1 - 1e-6)
        return np.asarray(np.linalg.solve(gram, scaled.T @ y) / norm)

    def step(
        self, a: np.ndarray, j: np.ndarray, y: np.ndarray, c: np.ndarray, best: float, damping: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, float, float] | None:
        """One step downhill: new rows, linear coefficients, objective and damping; None when there is none."""
        ridge = self.weights.ridge_radial**2
        start = self.data.radial_coeffs.copy()
        # project the linear directions out of the Jacobian: only the radial part can reduce what is left
        q = np.linalg.qr(a / (np.sqrt((a**2).sum(axis=0)) + 1e-300))[0]
        jp = j - q @ (q.T @ j)
        gram = jp.T @ jp + ridge * np.eye(j.shape[1])
        gradient = jp.T @ (y - a @ c) - ridge * start.ravel()
        for _ in range(8):
            move = np.linalg.solve(gram + damping * np.diag(np.diag(gram)), gradient)
            self.data.radial_coeffs = start + move.reshape(start.shape)
            new_a, new_j, _ = self.linearise()
            new = self.solve_linear(new_a, y)
            value = self.objective(y - new_a @ new, new, new_a)
            if value < best:
                return new_a, new_j, new, value, max(damping / 5.0, 1e-9)
            damping *= 4.0
        self.data.radial_coeffs = start
        return None

    def set_linear(self, c: np.ndarray) -> None:
        k = len(self.data.moment_coeffs)
        self.data.moment_coeffs, self.data.species_coeffs = c[:k].copy(), c[k:].copy()

    def objective(self, residual: np.ndarray, c: np.ndarray, a: np.ndarray) -> float:
        k = len(c) - self.data.species_count
        norm2 = (a[:, :k] ** 2).sum(axis=0)
        penalty = self.weights.ridge_linear**2 * float(norm2 @ c[:k] ** 2)
        radial = self.weights.ridge_radial**2 * float((self.data.radial_coeffs**2).sum())
        return float(residual @ residual) + penalty + radial


def minimize(
    data: MTPData,
    examples: Sequence[Example],
    weights: Weights = Weights(),
    steps: int = 60,
    tolerance: float = 5e-3,
    report: Callable[[int, float], Any] = lambda step, value: None,
) -> MTPData:
    """Fit `data` to `examples` and return the fitted copy.

    Parameters
    ----------
    data
        Potential with tables; its radial coefficients are the starting point, its linear ones are ignored.
    steps
        Most Gauss-Newton steps taken.
    tolerance
        Relative decrease of the objective over five steps below which the fit stops.
    report
        Called with the step and the objective per row.
    """
    problem = _Problem(deepcopy(data), examples, weights)
    current = problem.data
    a, _, y = problem.linearise()
    c = problem.solve_linear(a, y)
    problem.set_linear(c)
    a, j, y = problem.linearise()
    best = problem.objective(y - a @ c, c, a)
    damping, history = 1e-2, [best]
    fresh = True  # whether the Jacobian was taken at the present linear coefficients
    for step in range(steps):
        moved = problem.step(a, j, y, c, best, damping)
        if moved is None and not fresh:
            a, j, y = problem.linearise()
            moved = problem.step(a, j, y, c, best, 1e-2)
        if moved is None:
            break
        a, j, new, best, damping = moved
        k = len(current.moment_coeffs)
        norm = np.sqrt((a[:, :k] ** 2).sum(axis=0))
        # A Jacobian at the old linear coefficients serves as long as they hardly move, and saves half the time.
        fresh = bool(np.linalg.norm((new - c)[:k] * norm) > STALE * np.linalg.norm(new[:k] * norm))
        c = new
        problem.set_linear(c)
        if fresh:
            a, j, y = problem.linearise()
        history.append(best)
        report(step, best / len(y))
        if len(history) > 5 and history[-1] > (1.0 - tolerance) * history[-6]:
            break
    return current


def predict(data: MTPData, example: Example) -> tuple[float, np.ndarray, np.ndarray]:
    """Energy (eV), forces (N, 3) and stress (6,) of `data` for an example."""
    t = _train(data, example)
    m, c = t.moments, data.moment_coeffs
    forces = -np.tensordot(c, m.dbdris, 1)
    virial = np.tensordot(c, m.dbdeps, 1)
    stress = 0.5 * (virial + virial.T)[_VOIGT] / example.atoms.get_volume()
    return t.energy, forces, stress


def basis_values(data: MTPData, example: Example) -> tuple[np.ndarray, np.ndarray]:
    """Basis values per atom, shape (n_scalar, N), and MTP types (N,)."""
    from motep.potentials.mtp.data import get_types

    return _train(data, example).moments.vatoms, get_types(example.atoms, data.species)
