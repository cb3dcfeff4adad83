"""The dipole of a sheet along z, from the charge density of a self-consistent run.

A sheet that is isolated along z has a plain dipole there, the integral of z ρ. It is free of the error that Wannier
centres have along z: they come from the phase of ⟨exp(−2πi z/h)⟩, whose cubic term, the skewness of the function times
(2π/h)², depends on the height h of the cell.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ase import Atoms
from ase.units import Bohr
from scipy.io import FortranFile

from harness_dft.inputs import PREFIX
from harness_dft.settings import VALENCE


def dipole_z(sheet: Atoms, work: Path) -> float:
    """Dipole along z (e Å) of `sheet`, of which pw.x has left the density in the folder `work`.

    The PAW compensation charges are part of the stored density, so that its multipoles are those of all electrons.
    """
    height = float(sheet.cell[2, 2])
    profile, number = _profile(work / "tmp" / f"{PREFIX}.save" / "charge-density.dat")
    area = float(np.linalg.norm(np.cross(sheet.cell[0], sheet.cell[1])))
    charges = np.array([VALENCE[s] for s in sheet.symbols])
    electrons = _moment(profile, number, height) * area
    return float(charges @ sheet.positions[:, 2] - electrons)


def _moment(coefficients: np.ndarray, number: np.ndarray, height: float) -> float:
    """∫ z ρ dz over (−h/2, h/2) of ρ(z) = Σ c_n exp(2πi n z/h); c in e/Å³."""
    n = number[number != 0]
    c = coefficients[number != 0]
    return float(np.real(np.sum(c * height**2 * (-1.0) ** n / (2j * np.pi * n))))


def _profile(file: Path) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients (e/Å³) with no in-plane wave vector, and their numbers along z."""
    with FortranFile(file, "r") as stream:
        gamma_only = bool(stream.read_ints(np.int32)[0])
        stream.read_reals(float)  # reciprocal lattice
        miller = stream.read_ints(np.int32).reshape(-1, 3)
        rho = stream.read_reals(float).view(complex)
    pick = (miller[:, :2] == 0).all(axis=1)
    number, c = miller[pick, 2], rho[pick] / Bohr**3
    if gamma_only:
        upper = number > 0
        number, c = np.concatenate([number, -number[upper]]), np.concatenate([c, c[upper].conj()])
    return c, number
