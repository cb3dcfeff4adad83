"""The files of a data set: checksums, versions, and the labels of a frame at one level of theory."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read
from ase.stress import full_3x3_to_voigt_6_stress

from harness.data.dispersion import d2
from harness.errors import HarnessError
from harness.registry.files import sha256

KINDS = ("energies", "responses")
CHECKSUMS = "checksums.txt"
VERSIONS = "versions.json"
#: e. Converged responses of hBN sum up to less than 0.006 e.
SUM_RULE = 0.05


def verify(folder: Path) -> str:
    """Compare the files of a data set with its checksums; returns the SHA-256 of the checksum file.

    Raises
    ------
    HarnessError
        Naming the first file that is missing or differs.
    """
    listing = folder / CHECKSUMS
    if not listing.is_file():
        raise HarnessError(f"{folder} is no data set: it has no {CHECKSUMS}.", "Name a folder such as datasets/hbn.")
    for line in listing.read_text().splitlines():
        digest, _, name = line.partition("  ")
        file = folder / name
        if not file.is_file():
            raise HarnessError(f"the data set {folder} lacks {name}.", "Restore the file.")
        if sha256(file) != digest:
            raise HarnessError(f"{file} differs from its checksum.", "Restore the file, or merge the new frames.")
    return sha256(listing)


def read_frames(file: Path) -> dict[str, Atoms]:
    """The frames of a file by their ``info["name"]``."""
    frames = read(file, ":")
    return {frame.info["name"]: frame for frame in frames}


def version_of(folder: Path) -> str | None:
    """The entry of ``versions.json`` whose files are those of the folder."""
    listing = folder / VERSIONS
    if not listing.is_file():
        return None
    known = json.loads(listing.read_text())
    files = {f"{kind}.extxyz" for kind in KINDS} | {"split.json"}
    here = {name: sha256(folder / name) for name in files if (folder / name).is_file()}
    return next((name for name, entry in reversed(known.items()) if entry["sha256"] == here), None)


def dipole_is_sound(atoms: Atoms) -> bool:
    """Whether the dipole label across the sheet is exact enough to compare with: better than 0.001 e Å.

    From the charge density (``info["dipole_z"]``) it is, and from Wannier centres that were extrapolated to an
    infinite wave length (frames with ``info["height"]``). Plain Wannier centres are phases of ``exp(2 pi i z / h)``,
    which a lopsided orbital shifts: by up to 0.01 e Å a cell at h = 25 Å, several times the dipole of AB stacking.
    """
    exact = "dipole_z" in atoms.info or "height" in atoms.info
    return exact or "wannier_centres" not in atoms.arrays


def response_is_sound(atoms: Atoms) -> bool:
    """Whether the Born charges of a frame keep the acoustic sum rule to `SUM_RULE`; those that do not are no labels.

    Of a sheet whose gap has nearly closed, a k-mesh that serves all others does not resolve the response.
    """
    born = atoms.arrays.get("born_charges")
    return born is None or float(np.abs(born.sum(axis=0)).max()) <= SUM_RULE


def polarizability(atoms: Atoms) -> np.ndarray:
    """Polarizability (3, 3) of a frame in Å³, from its dielectric tensor.

    That was computed with a slab cut-off of the Coulomb interaction, that is for an isolated sheet in open circuit, so
    ``alpha = (epsilon - 1) V / 4 pi`` holds along all directions, whatever the height of the cell.

    Raises
    ------
    KeyError
        When the frame has none.
    """
    epsilon = np.asarray(atoms.info["dielectric"], dtype=float).reshape(3, 3)
    alpha = (epsilon - np.eye(3)) * atoms.get_volume() / (4 * np.pi)
    return np.asarray(0.5 * (alpha + alpha.T))


def labelled(frame: Atoms, dispersion: str) -> Atoms:
    """A copy whose calculator holds the labels at one level of theory."""
    atoms = frame.copy()
    assert frame.calc is not None
    results = dict(frame.calc.results)  # ASE reads energy, forces, stress and dipole into the calculator
    energy, forces, stress = (
        atoms.info.pop("pbe_energy", None),
        atoms.arrays.pop("pbe_forces", None),
        np.asarray(atoms.info.pop("pbe_stress", np.nan), dtype=float),
    )
    if dispersion != "d3bj":
        if energy is None or forces is None:
            raise HarnessError(
                f"frame {atoms.info.get('name', '?')} has no labels without dispersion.", "Take dispersion d3bj."
            )
        stress = full_3x3_to_voigt_6_stress(stress) if stress.shape == (3, 3) else stress
        results.update(energy=float(energy), forces=forces, stress=stress)
    if dispersion == "d2":
        correction = d2(atoms)
        results["energy"] += correction.energy
        results["forces"] = results["forces"] + correction.forces
        results["stress"] = results["stress"] + correction.stress
    if "dipole" in results and "dipole_z" in atoms.info:
        results["dipole"] = np.array([*results["dipole"][:2], atoms.info["dipole_z"]])
    atoms.calc = SinglePointCalculator(atoms, **results)
    return atoms
