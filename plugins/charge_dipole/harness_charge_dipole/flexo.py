"""Polarization of a sheet bent as an ideal plate: what a parameter set says of flexoelectricity, without relaxation."""

from __future__ import annotations

import numpy as np
from ase import Atoms

from harness_charge_dipole.model import ChargeDipole
from harness_charge_dipole.parameters import Parameters
from harness_charge_dipole.sites import site_dipoles

__all__ = ["bent_plate", "flexoelectric"]


def bent_plate(flat: Atoms, repeat: int, amplitude: float) -> tuple[Atoms, np.ndarray, np.ndarray]:
    """A sinusoidal wave along y, with every atom kept at its height above the mid-plane along the local normal.

    Parameters
    ----------
    flat
        Rectangular cell of a sheet, mid-plane at z = 0.
    repeat
        Cells per wave.
    amplitude
        Å.

    Returns
    -------
    atoms, normals (N, 3), curvature (N,)
        Curvature is that of the mid-plane, w'', in 1/Å.
    """
    atoms = flat.repeat((1, repeat, 1))
    k = 2 * np.pi / atoms.cell[1, 1]
    y, z = atoms.positions[:, 1].copy(), atoms.positions[:, 2].copy()
    slope = -amplitude * k * np.sin(k * y)
    normals = np.column_stack([np.zeros_like(y), -slope, np.ones_like(y)]) / np.sqrt(1 + slope**2)[:, None]
    middle = atoms.positions * [1.0, 1.0, 0.0] + np.outer(amplitude * np.cos(k * y), [0.0, 0.0, 1.0])
    atoms.positions = middle + z[:, None] * normals
    return atoms, normals, -amplitude * k**2 * np.cos(k * y)


def flexoelectric(parameters: Parameters, flat: Atoms, repeat: int = 10, amplitude: float = 0.5) -> tuple[float, float]:
    """Polarization along the local normal per curvature, of the atomic dipoles and of the charges, in e.

    Charges are counted as neutral groups: each N with a third of its three bonded B. Both parts are those of the
    sheet, per area of the flat sheet, fitted to the wave.

    Parameters
    ----------
    parameters
        Of the model.
    flat
        The flat primitive cell.
    repeat
        Number of cells along the wave.
    amplitude
        Of the wave, Å.
    """
    atoms, normals, curvature = bent_plate(flat, repeat, amplitude)
    out = ChargeDipole(parameters, solver="mesh", tolerance=1e-7).calculate(atoms, ["charges", "atomic_dipoles"])
    groups = site_dipoles(atoms, out["charges"], np.zeros((len(atoms), 3)))
    area = atoms.cell[0, 0] * atoms.cell[1, 1]
    dipoles, charges = (
        float(np.einsum("ij,ij,i->", v, normals, curvature) / np.mean(curvature**2) / area)
        for v in (out["atomic_dipoles"], groups)
    )
    return dipoles, charges
