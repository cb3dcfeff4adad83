"""Born charges, polarizability and Wannier centres of a sheet.

pw.x, ph.x (response to a field only), pw.x on the whole mesh, pw2wannier90.x and wannier90.x, all with the truncated
Coulomb interaction: a field along z is then the applied one (open circuit). Without the truncation the z row of the
Born charges grows by the dielectric constant of the cell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms

from harness_dft import programs, vertical
from harness_dft.ground_state import GroundState, ground_state
from harness_dft.inputs import PREFIX, occupied_bands, ph_input, pw2wannier_input, pw_input, wannier_input
from harness_dft.settings import Settings
from harness_dft.wannier import CentreError, atomic_dipoles


@dataclass(frozen=True)
class Dipoles:
    """Where the electrons are, without dispersion.

    Attributes
    ----------
    state
        Energy, forces and stress of the same run.
    centres
        (natoms, 12) Å: the four Wannier centres of each N, unwrapped to it; zero for B.
    atomic_dipoles
        (natoms, 3) e Å: see `harness_dft.wannier`.
    spread
        Largest spread of a Wannier function (Å²).
    """

    state: GroundState
    centres: np.ndarray
    atomic_dipoles: np.ndarray
    spread: float

    @property
    def dipole(self) -> np.ndarray:
        """(3,) e Å: in the plane the sum of the atomic dipoles, along z that of the charge density."""
        return np.array([*self.atomic_dipoles.sum(axis=0)[:2], self.state.dipole_z])


@dataclass(frozen=True)
class Response(Dipoles):
    """And how they follow a field.

    Attributes
    ----------
    born_charges
        (natoms, 3, 3) e: first index polarization or field, second displacement.
    polarizability
        (3, 3) Å³ per cell, electronic, as a volume: α = (ε − 1) V / 4π.
    """

    born_charges: np.ndarray
    polarizability: np.ndarray


def wannier_dipoles(atoms: Atoms, settings: Settings, work: Path) -> Dipoles:
    """The chain without ph.x, 90 s of a core for the primitive bilayer; raises as `response`."""
    programs.require("pw.x", "pw2wannier90.x", "wannier90.x")
    return _dipoles(_state(atoms, settings, work), settings, work)


def response(atoms: Atoms, settings: Settings, work: Path) -> Response:
    """Run the whole chain on `atoms` in the folder `work`.

    Raises
    ------
    HarnessError, RuntimeError
        As `ground_state`; and when the Wannier functions do not come out four to a nitrogen atom.
    """
    programs.require("pw.x", "ph.x", "pw2wannier90.x", "wannier90.x")
    state = _state(atoms, settings, work)
    born, dielectric = read_field_response(programs.run(work, "ph", ["ph.x"], ph_input(settings)), len(atoms))
    found = _dipoles(state, settings, work)
    polarizability = (dielectric - np.eye(3)) * state.sheet.cell.volume / (4 * np.pi)
    return Response(state, found.centres, found.atomic_dipoles, found.spread, born, polarizability)


def _state(atoms: Atoms, settings: Settings, work: Path) -> GroundState:
    """Converged tightly enough for what follows."""
    return ground_state(atoms, settings, work, conv_thr=min(settings.conv_thr, 1e-10), diago_full_acc=True)


def _dipoles(state: GroundState, settings: Settings, work: Path) -> Dipoles:
    centres, spread = wannier_centres(state.sheet, settings, work)
    try:
        dipoles, table = atomic_dipoles(state.sheet, centres)
    except CentreError as error:
        raise RuntimeError(str(error)) from error
    return Dipoles(state, table, dipoles, spread)


def wannier_centres(sheet: Atoms, settings: Settings, work: Path) -> tuple[np.ndarray, float]:
    """Centres (n, 3) in Å and the largest spread (Å²), from the density that a run in `work` has left."""
    nscf = pw_input(sheet, settings, "nscf", conv_thr=min(settings.conv_thr, 1e-10))
    programs.run(work, "nscf", ["pw.x"], nscf)
    (work / f"{PREFIX}.win").write_text(wannier_input(sheet, settings))
    programs.run(work, "w90-pp", ["wannier90.x", "-pp", PREFIX])
    neighbours = work / f"{PREFIX}.nnkp"
    neighbours.write_text(vertical.ask_for_more(neighbours.read_text()))
    programs.run(work, "pw2wan", ["pw2wannier90.x"], pw2wannier_input())
    overlaps = vertical.take_out(work / f"{PREFIX}.mmn")
    programs.run(work, "w90", ["wannier90.x", PREFIX])
    centres, spread = read_centres((work / f"{PREFIX}.wout").read_text(), occupied_bands(sheet))
    rotations = vertical.read_rotations((work / f"{PREFIX}_u.mat").read_text())
    centres[:, 2] = vertical.heights(overlaps, rotations, float(sheet.cell[2, 2]), centres[:, 2])
    return centres, spread


def read_field_response(text: str, natoms: int) -> tuple[np.ndarray, np.ndarray]:
    """Born charges (natoms, 3, 3) and dielectric tensor (3, 3) from the output of ph.x.

    ph.x prints "d Force / dE": three rows Ex, Ey, Ez for each atom, with the force components along the row. Force
    component b under field a is dP_a/du_b, so the table is already field first, displacement second.
    """
    triple = r"\(\s*(\S+)\s+(\S+)\s+(\S+)\s*\)"
    try:
        after = text.split("Dielectric constant in cartesian axis", 1)[1]
        dielectric = np.array(re.findall(rf"^\s*{triple}", after, re.M)[:3], dtype=float)
        table = text.split("Effective charges (d Force / dE)", 1)[1]
        born = np.array(re.findall(rf"E[xyz]\s+{triple}", table)[: 3 * natoms], dtype=float)
        return born.reshape(natoms, 3, 3), dielectric.reshape(3, 3)
    except (IndexError, ValueError) as error:
        raise RuntimeError("ph.x left no complete table of Born charges") from error


def read_centres(text: str, number: int) -> tuple[np.ndarray, float]:
    """Wannier centres (number, 3) in Å and the largest spread (Å²) from the .wout file."""
    final = text.rsplit("Final State", 1)[-1]
    line = r"WF centre and spread\s+\d+\s+\(\s*([^,]+),\s*([^,]+),\s*([^)]+)\)\s+(\S+)"
    found = np.array(re.findall(line, final)[:number], dtype=float)
    if "Final State" not in text or found.shape != (number, 4):
        raise RuntimeError("wannier90.x left no final state")
    return found[:, :3], float(found[:, 3].max())
