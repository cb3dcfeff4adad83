"""One labelled frame: the calculation and its form in the extxyz files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ase import Atoms
from harness_dft.dispersion import dispersion
from harness_dft.ground_state import GroundState, ground_state
from harness_dft.response import response
from harness_dft.settings import Settings

from .layers import HEIGHT
from .structures import build

SETTINGS = Settings()
RESPONSE_SETTINGS = Settings(k_length=19.6, tr2_ph=1e-14, conv_thr=1e-10)
"""Born charges ask for more k-points than energies do: 9×9 in the primitive cell."""
SYMMETRIC = ("curve-", "path-", "line-", "scan-")
"""Families whose point symmetry pw.x may use; elsewhere there is none to find."""


def label(name: str, kind: str, work: Path) -> Atoms:
    """Calculate the frame called `name` in the folder `work`.

    Parameters
    ----------
    kind
        ``"energies"`` or ``"responses"``.
    """
    atoms = build(name)
    if kind == "energies":
        return frame(name, atoms, ground_state(atoms, SETTINGS, work, symmetry=name.startswith(SYMMETRIC)))
    found = response(atoms, RESPONSE_SETTINGS, work)
    out = frame(name, atoms, found.state, RESPONSE_SETTINGS)
    out.arrays["born_charges"] = found.born_charges.reshape(len(atoms), 9)
    out.arrays["atomic_dipoles"] = found.atomic_dipoles
    out.arrays["wannier_centres"] = found.centres
    # The dielectric tensor belongs to a cell; the polarizability does not. Stored for the 25 Å of the frame.
    dielectric = np.eye(3) + 4 * np.pi * found.polarizability / out.cell.volume
    out.info.update(dielectric=dielectric.ravel(), max_spread=found.spread, dipole=found.atomic_dipoles.sum(axis=0))
    return out


def frame(name: str, atoms: Atoms, state: GroundState, settings: Settings = SETTINGS) -> Atoms:
    """The stored form of a calculation: PBE alone beside PBE with D3(BJ), stress in the cell of 25 Å."""
    energy, forces, stress = dispersion(atoms, "d3bj")
    pbe_stress = state.sheet_stress / HEIGHT
    out = Atoms(atoms.symbols, atoms.positions, cell=atoms.cell, pbc=(True, True, False))
    out.cell[2] = (0.0, 0.0, HEIGHT)
    stress *= float(atoms.cell[2, 2]) / HEIGHT
    out.info.update(
        name=name,
        energy=state.energy + energy,
        stress=pbe_stress + stress,
        pbe_energy=state.energy,
        dipole_z=state.dipole_z,
        pbe_stress=pbe_stress,
        kmesh=np.array(settings.kmesh(atoms)[:2]),
        height=float(state.sheet.cell[2, 2]),
    )
    out.arrays["forces"] = state.forces + forces
    out.arrays["pbe_forces"] = state.forces.copy()
    return out
