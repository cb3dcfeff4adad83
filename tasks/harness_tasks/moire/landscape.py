"""What a bilayer is at every registry, and how stiff its layers are: all that a smooth moiré needs of a potential.

Measured with the potential at hand on four-atom cells: energy E(t) and heights of the four atoms over the registry t
(relaxed along z, in-plane positions held), ∂²E/∂h² at the best registry, and the Lamé constants of a layer. As
functions of t they are short Fourier series. `moire_continuum` makes the start of a moiré relaxation, and predictions,
of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import Atoms

from harness.contracts.engine import Engine
from harness.contracts.task import Context, Stage
from harness.materials.sheets import area
from harness_tasks.sliding_path.path import WORK, SlidingState, at_registries
from harness_tasks.structures.bilayers import LOWER, UPPER, upright
from harness_tasks.structures.registries import make_grid, registry_operations

#: Strain of the layers, and change of their distance (Å), for second differences of the energy.
STRAIN, LIFT = 0.01, 0.05
#: Of the largest Fourier coefficient (besides the mean); smaller ones are left out.
FAINT = 1e-5
#: Of the stiffness of a layer and between layers, in evaluations.
STIFFNESS_WORK = 4


@dataclass(frozen=True, slots=True)
class Series:
    """A real function of the registry, v(t) = Σ_k c_k exp(2πi k·t), or several at once.

    Attributes
    ----------
    waves
        k, (m, 2) integers.
    coefficients
        c, (m, …).
    """

    waves: np.ndarray
    coefficients: np.ndarray

    @classmethod
    def through(cls, values: np.ndarray) -> Series:
        """The shortest waves through `values` (n, n, …) at t = (i/n, j/n).

        Waves that differ by n are the same at these points: of those, the shortest in the reciprocal lattice of the
        120° cell are taken, in equal shares, which keeps its symmetry.
        """
        n = len(values)
        k = np.rint(np.fft.fftfreq(n, 1 / n)).astype(int)
        plain = np.stack(np.meshgrid(k, k, indexing="ij"), axis=-1).reshape(-1, 2)
        coefficients = (np.fft.fft2(values, axes=(0, 1)) / n**2).reshape(n * n, *values.shape[2:])
        shifts = n * np.stack(np.meshgrid([-1, 0, 1], [-1, 0, 1], indexing="ij"), axis=-1).reshape(-1, 2)
        same = plain[:, None] + shifts
        length = same[..., 0] ** 2 + same[..., 1] ** 2 + same[..., 0] * same[..., 1]
        shortest = length == length.min(axis=1, keepdims=True)
        owner, which = np.nonzero(shortest)
        shared = (coefficients.T / shortest.sum(axis=1)).T[owner]
        waves = same[owner, which]
        size = np.abs(shared).reshape(len(waves), -1)
        constant = (waves == 0).all(axis=1)
        largest = np.where(constant[:, None], 0, size).max(axis=0)
        keep = constant | (size > FAINT * largest).any(axis=1)
        return cls(waves[keep], shared[keep])

    def __call__(self, t: np.ndarray) -> np.ndarray:
        """At registries (p, 2): (p, …)."""
        return np.real(np.tensordot(np.exp(2j * np.pi * t @ self.waves.T), self.coefficients, 1))

    def with_slope(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """v (p,) and ∂v/∂t (p, 2) of a scalar function at registries (p, 2)."""
        half = (self.waves[:, 0] > 0) | ((self.waves[:, 0] == 0) & (self.waves[:, 1] > 0))  # the others are conjugate
        waves, weights = self.waves[half], 2 * self.coefficients[half]
        terms = np.exp(2j * np.pi * t @ waves.T) * weights
        constant = float(np.real(self.coefficients[(self.waves == 0).all(axis=1)].sum()))
        return constant + terms.real.sum(axis=1), -2 * np.pi * terms.imag @ waves


@dataclass(frozen=True, slots=True)
class Landscape:
    """What a potential says about one kind of bilayer, parallel or antiparallel.

    Attributes
    ----------
    energy
        E(t), eV per primitive cell.
    heights
        z(t) of the four atoms, the lower layer's first, from the middle of the bilayer, Å (…, 4).
    stiffness
        ∂²E/∂h² of rigid layers at the best registry, eV/Å² per primitive cell.
    lame
        λ and μ of one layer, eV/Å².
    shift
        ξ, Å: a shear moves the second sublattice of a layer by ξ (ε_xx − ε_yy) along y and 2ξ ε_xy along x, in axes
        with the bond to it along y.
    area
        Of the primitive cell, Å².
    best
        Registry of lowest energy among those of the map, (2,).
    known
        Registries (m, 2) and energies (m,) that the series was made of.
    """

    energy: Series
    heights: Series
    stiffness: float
    lame: tuple[float, float]
    shift: float
    area: float
    best: np.ndarray
    known: tuple[np.ndarray, np.ndarray]

    def distance(self, t: np.ndarray) -> np.ndarray:
        """h at registries (p, 2), Å (p,)."""
        z = self.heights(t)
        return np.asarray(z[:, UPPER].mean(axis=1) - z[:, LOWER].mean(axis=1))


def landscape_work(work: SlidingState, n: int) -> float:
    """Of `measure_landscape` over n × n registries, in evaluations."""
    return len(make_grid(n, registry_operations(work.material, work.antiparallel)).nodes) * WORK + STIFFNESS_WORK


def measure_landscape(ctx: Context, work: SlidingState, n: int, stage: Stage) -> Landscape | None:
    """The landscape over n × n registries, of which symmetry leaves few; None when layers do not hold together.

    Parameters
    ----------
    ctx
        Its ``params`` have ``fmax`` and ``max_steps`` for the small relaxations.
    work
        Material and orientation.
    n
        A multiple of 6.
    stage
        Advances by `landscape_work`; what it has kept is not done again.
    """
    grid = make_grid(n, registry_operations(work.material, work.antiparallel))
    energy, positions = at_registries(ctx, work, "relaxed", grid.registries, stage, "landscape")
    if not np.isfinite(energy).all():
        return None
    z = positions[:, :, 2] - positions[:, :, 2].mean(axis=1, keepdims=True)
    mirrored = -z[:, [2, 3, 0, 1]]  # where the layers are exchanged
    swapped = grid.turn[:, :, 2, 2] < 0
    heights = np.where(swapped[..., None], mirrored[grid.owner], z[grid.owner])
    lowest = int(np.argmin(energy))
    base = work.stack(grid.registries[lowest])
    base.positions = positions[lowest]
    name = f"stiffness/{int(work.antiparallel)}"
    if name not in stage:
        curvature, lame, shift = (
            _stiffness(ctx.engine, base),
            *_elasticity(ctx.engine, base, ctx.params.fmax, ctx.params.max_steps),
        )
        stage.keep(name, {"curvature": curvature, "lame": lame, "shift": shift})
    stage.advance(STIFFNESS_WORK, "stiffness")
    found = stage[name]
    return Landscape(
        Series.through(grid.energies(energy)),
        Series.through(heights),
        float(found["curvature"]),
        (float(found["lame"][0]), float(found["lame"][1])),
        float(found["shift"]),
        area(base),
        grid.registries[lowest],
        (grid.registries, energy),
    )


def _second_difference(engine: Engine, around: list[Atoms], step: float) -> float:
    low, mid, high = (found["energy"] for found in engine.evaluate(around, ["energy"]))
    return float((low - 2 * mid + high) / step**2)


def _stiffness(engine: Engine, base: Atoms) -> float:
    lifted = []
    for step in (-LIFT, 0.0, LIFT):
        atoms = base.copy()
        atoms.positions[UPPER, 2] += step
        lifted.append(atoms)
    return _second_difference(engine, lifted, LIFT)


def _elasticity(engine: Engine, base: Atoms, fmax: float, max_steps: int) -> tuple[tuple[float, float], float]:
    """λ and μ per layer, ions relaxed, and ξ: ½ E″/A is C11 + C12 (biaxial) or C11 − C12 (ε_xx = −ε_yy)."""
    moduli, shifts = [], []
    for second in (1.0, -1.0):
        strained = []
        for step in (-STRAIN, 0.0, STRAIN):
            atoms = base.copy()
            gradient = np.diag([1 + step, 1 + second * step, 1.0])
            atoms.set_cell(base.cell.array @ gradient, scale_atoms=True)
            if second > 0:  # nothing moves in the plane
                atoms.set_constraint(upright(atoms))
            even = atoms.positions[:, 1].copy()
            engine.relax(atoms, fmax=fmax, max_steps=max_steps, optimizer="lbfgs")
            strained.append(atoms)
            if second < 0 and step:
                moved = (atoms.positions[:, 1] - even) / (2 * step)
                shifts.append(0.5 * float(moved[1] - moved[0] + moved[3] - moved[2]))
        moduli.append(_second_difference(engine, strained, STRAIN) / (2 * area(base)) / 2)
    both, difference = moduli
    return ((both - difference) / 2, difference / 2), float(np.mean(shifts))
