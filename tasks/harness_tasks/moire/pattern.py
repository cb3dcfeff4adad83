"""The polarization of a moiré structure as a field on its torus, from its own dipoles or from its registries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from ase import Atoms

from harness.contracts.measurement import Arrays
from harness.materials.sheets import area
from harness.units import PC_PER_M
from harness_tasks.moire.cells import Moire
from harness_tasks.polarization.local_dipoles import Groups, Waves
from harness_tasks.structures.registries import AB, BA, Grid

Symmetry = Literal["threefold", "twist"]


@dataclass(frozen=True, slots=True)
class Pattern:
    """P(r) of a bilayer.

    Attributes
    ----------
    field
        At (i T₁ + j T₂)/size, pC/m (size, size, 3).
    residual
        rms of what the waves leave of the groups' dipoles, as polarization of a layer, pC/m.
    mismatch
        Polarization of the whole cell across the sheet less that of the polarization model, pC/m.
    """

    field: np.ndarray
    residual: float
    mismatch: float


def from_atoms(values: Arrays, moire: Moire, groups: Groups, atoms: Atoms, size: int) -> Pattern:
    """From the dipoles of the groups of each layer, interpolated layer by layer and added.

    Parameters
    ----------
    values
        ``dipole`` and ``atomic_dipoles`` of `atoms`, and ``charges`` where there are any.
    groups
        Of the rigid structure.
    size
        Points along each period.
    """
    dipoles = groups.dipoles(atoms, values)
    total, left = np.zeros((size, size, 3)), 0.0
    for layer in (0, 1):
        mine = groups.layer == layer
        unit = PC_PER_M * mine.sum() / area(atoms)
        waves = Waves(atoms.positions[groups.centre[mine], :2], moire.plane)
        found, rms = waves.fit(unit * dipoles[mine])
        total += waves.on_grid(found, size)
        left = max(left, rms)
    unit = PC_PER_M / area(atoms)
    return Pattern(total, left, unit * float(dipoles[:, 2].sum() - values["dipole"][2]))


def from_registry(moire: Moire, grid: Grid, dipoles: np.ndarray, registry: np.ndarray, cell_area: float) -> Pattern:
    """Each place has the polarization of the perfect bilayer of its registry: the local-stacking approximation.

    Parameters
    ----------
    dipoles
        Of the registries that `grid` stands for, in axes where x is along zigzag, e Å (m, 3).
    registry
        At the points of the pattern, (size, size, 2).
    cell_area
        Of the primitive cell, Å².
    """
    values = grid.polarizations(dipoles)
    waves = np.fft.fft2(values, axes=(0, 1)) / grid.n**2
    k = np.fft.fftfreq(grid.n, 1 / grid.n)
    phases = [np.exp(2j * np.pi * registry[..., axis, None] * k) for axis in (0, 1)]
    for axis in (0, 1):  # the shortest wave has no direction
        phases[axis][..., grid.n // 2] = np.cos(np.pi * grid.n * registry[..., axis])
    local = np.real(np.einsum("uvi,uvj,ijc->uvc", *phases, waves, optimize=True))
    along = moire.lattices[:, 0]
    mean = (along / np.linalg.norm(along, axis=1)[:, None]).sum(axis=0)
    cos, sin = mean / np.linalg.norm(mean)
    turned = local @ np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
    return Pattern(PC_PER_M / cell_area * turned, 0.0, 0.0)


def turns(moire: Moire) -> np.ndarray:
    """Integers (2, 2) that make a registry of a place u in fractions of a rigid cell: t = u @ turns."""
    return np.asarray(moire.repeats[0] - moire.repeats[1])


def in_m(turns: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Whether places (m, 2), in fractions of the cell, lie in the triangle M, which has BA at its centre; else in N."""
    registry = (places @ turns) % 1.0
    return np.asarray(registry[:, 0] > registry[:, 1])


def region_centres(turns: np.ndarray) -> dict[str, np.ndarray]:
    """Where the centres of M (BA) and N (AB) are, in fractions of the cell."""
    back = np.linalg.inv(turns)
    return {"M": (BA @ back) % 1.0, "N": (AB @ back) % 1.0}


def symmetrised(field: np.ndarray, symmetry: Symmetry) -> np.ndarray:
    """The mean of a field (n, n, 3) over its images; cells with T₁ along x, T₂ at 120° and AA at the origin.

    ``threefold``: rotations about AA. ``twist``: also the twofold axes along the walls, which exchange the layers of a
    parallel twist and reverse P⊥: only without a vertical field.
    """
    n = len(field)
    i, j = np.meshgrid(np.arange(n), np.arange(n), indexing="ij")
    cos, sin = -0.5, np.sqrt(0.75)
    turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    images = [field]
    for _ in range(2):  # image(u, v) = R field(R⁻¹(u, v)); R⁻¹: (u, v) → (v − u, −u)
        images.append(images[-1][(j - i) % n, -i % n] @ turn.T)
    if symmetry == "twist":  # T₁ stays, T₂ → −T₁ − T₂
        flip = np.array([1.0, -1.0, -1.0])
        images += [image[(i - j) % n, -j % n] * flip for image in images]
    return np.asarray(np.mean(images, axis=0))
