"""Energy, forces and stress of a sheet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.io import read

from harness_dft import programs
from harness_dft.density import dipole_z
from harness_dft.inputs import occupied_bands, pw_input
from harness_dft.settings import Settings, slab


@dataclass(frozen=True)
class GroundState:
    """What pw.x found, without dispersion.

    Attributes
    ----------
    sheet
        The structure as it was calculated, in the cell of the calculation.
    energy
        eV.
    forces
        (natoms, 3) eV/Å.
    sheet_stress
        (6,) eV/Å², Voigt order: dE/dstrain over the area of the sheet. Stress in a cell is this over its height.
    dipole_z
        Dipole of the sheet along z (e Å).
    """

    sheet: Atoms
    energy: float
    forces: np.ndarray
    sheet_stress: np.ndarray
    dipole_z: float


def ground_state(atoms: Atoms, settings: Settings, work: Path, symmetry: bool = False, **more: Any) -> GroundState:
    """Run pw.x on `atoms` in the folder `work`.

    Parameters
    ----------
    symmetry, more
        See `harness_dft.inputs.pw_input`.

    Raises
    ------
    HarnessError
        When a program, a data set or the form of the structure is not as needed.
    RuntimeError
        When pw.x fails or does not converge.
    """
    occupied_bands(atoms)  # the complaint about an element comes before the one about a file
    sheet = slab(atoms, settings.height(atoms))
    programs.require("pw.x")
    programs.require_pseudopotentials(settings, set(sheet.symbols))
    text = programs.run(work, "scf", ["pw.x"], pw_input(sheet, settings, "scf", symmetry, **more))
    if "convergence has been achieved" not in text or "JOB DONE" not in text:
        raise RuntimeError(f"pw.x did not converge for {sheet.get_chemical_formula()}")
    dft = read(work / "scf.out", format="espresso-out")
    assert isinstance(dft, Atoms)
    height = float(sheet.cell[2, 2])
    stress = dft.get_stress() * height
    return GroundState(sheet, dft.get_potential_energy(), dft.get_forces(), stress, dipole_z(sheet, work))
