"""Flat, strained, twisted and bent layers of hexagonal BN."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.build import make_supercell

LATTICE = 2.511
"""In-plane lattice constant (Å) of the flat layers, within 0.001 of the minimum at this level of theory."""
DISTANCE = 3.35
"""Distance (Å) of the layers unless another is asked for."""
HEIGHT = 25.0
"""Cell height (Å) of every stored frame; the calculation itself may use a lower cell."""


def layer(
    z: float = 0.0,
    shift: tuple[float, float] | np.ndarray = (0.0, 0.0),
    flip: bool = False,
    a: float = LATTICE,
) -> Atoms:
    """One primitive cell of a layer at height `z`; `shift` in lattice vectors; `flip` exchanges B and N."""
    cell = np.array([[a, 0, 0], [-a / 2, a * 3**0.5 / 2, 0], [0, 0, HEIGHT]])
    positions = (np.array([(0, 0), (1 / 3, 2 / 3)]) + shift) @ cell[:2]
    positions[:, 2] = z
    return Atoms("NB" if flip else "BN", positions=positions, cell=cell, pbc=(True, True, False))


def bilayer(shift: tuple[float, float] | np.ndarray = (0.0, 0.0), h: float = DISTANCE, flip: bool = False) -> Atoms:
    """Two layers; AA at shift (0, 0), AB (1/3, 2/3), BA (2/3, 1/3), the saddle point SP (1/2, 1/2)."""
    return layer(-h / 2) + layer(h / 2, shift, flip)


def strain(atoms: Atoms, xx: float, yy: float, xy: float) -> Atoms:
    """Strain cell and atoms homogeneously in the plane, in place."""
    atoms.set_cell(atoms.cell @ (np.eye(3) + [[xx, xy, 0], [xy, yy, 0], [0, 0, 0]]), scale_atoms=True)
    return atoms


def rattle(atoms: Atoms, rng: np.random.Generator, amplitude: float) -> Atoms:
    """Displace every coordinate by a normal number of standard deviation `amplitude` (Å), in place."""
    atoms.positions += rng.normal(0, amplitude, atoms.positions.shape)
    return atoms


def twisted(m: int, n: int, h: float, flip: bool = False) -> Atoms:
    """Commensurate twisted bilayer; (1, 2) is 21.79° with 28 atoms, parallel stacking unless `flip` says otherwise."""
    low = make_supercell(layer(-h / 2), [[n, m + n, 0], [-m - n, -m, 0], [0, 0, 1]])
    top = make_supercell(layer(h / 2, flip=flip), [[m, m + n, 0], [-m - n, -n, 0], [0, 0, 1]])
    angles = [np.degrees(np.arctan2(half.cell[0, 1], half.cell[0, 0])) for half in (low, top)]
    top.rotate(angles[0] - angles[1], "z", rotate_cell=True)
    top.set_cell(low.cell, scale_atoms=False)
    return low + top


def bent(
    cells: int,
    amplitude: float,
    phase: float = 0.0,
    layers: int = 1,
    shift: tuple[float, float] = (0.0, 0.0),
    h: float = DISTANCE,
) -> Atoms:
    """A sheet that undulates along its armchair direction, one wave in `cells` rectangular cells.

    The mid-surface is z = A sin(k y + phase). Each layer follows its own parallel surface at constant arc length:
    bonds bend before they stretch, and the layers slide over one another as weakly bound layers do.

    Parameters
    ----------
    amplitude
        A in Å.
    shift
        Of the upper layer, in primitive lattice vectors.
    """
    flat = layer() if layers == 1 else bilayer(shift, h)
    flat = make_supercell(flat, [[1, 0, 0], [1, 2, 0], [0, 0, 1]]).repeat((1, cells, 1))
    length = float(flat.cell[1, 1])
    # The projected period that holds `length` of arc, by bisection on a fine polyline.
    low, high = 0.3 * length, length
    for _ in range(60):
        period = (low + high) / 2
        y = np.linspace(0, period, 2001)
        slope = amplitude * 2 * np.pi / period * np.cos(2 * np.pi * y / period + phase)
        steps = np.sqrt(1 + slope**2)
        arc = np.concatenate([[0], np.cumsum((steps[1:] + steps[:-1]) / 2 * np.diff(y))])
        low, high = (period, high) if arc[-1] < length else (low, period)
    k, fine = 2 * np.pi / period, np.linspace(-period, 2 * period, 6001)
    for offset in np.unique(np.round(flat.positions[:, 2], 6)):
        of_layer = np.abs(flat.positions[:, 2] - offset) < 1e-3
        curve = _parallel(fine, amplitude, k, phase, offset)
        arc = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])
        arc -= np.interp(0.0, fine, arc)
        at = np.interp(np.mod(flat.positions[of_layer, 1], length), arc, fine)
        flat.positions[of_layer, 1:] = _parallel(at, amplitude, k, phase, offset)
    cell = flat.cell.array.copy()
    cell[1] = (0.0, period, 0.0)
    flat.set_cell(cell)
    return flat


def _parallel(y: np.ndarray, amplitude: float, k: float, phase: float, offset: float) -> np.ndarray:
    """Points (n, 2) in the yz plane at distance `offset` from the wave, along its normal."""
    slope = amplitude * k * np.cos(k * y + phase)
    normal = np.stack([-slope, np.ones_like(y)], axis=1) / np.sqrt(1 + slope**2)[:, None]
    return np.stack([y, amplitude * np.sin(k * y + phase)], axis=1) + offset * normal
