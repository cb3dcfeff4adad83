"""DFT labels of a material, checked and split: what fitters and parity plots read.

A data set is a folder with ``energies.extxyz``, ``responses.extxyz``, ``split.json`` and ``checksums.txt``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read
from ase.stress import full_3x3_to_voigt_6_stress

from harness.errors import HarnessError, unknown
from harness.files import sha256

SPLITS = ("train", "validation", "test")
KINDS = ("energies", "responses")
DISPERSIONS = ("d3bj", "none")
CHECKSUMS = "checksums.txt"


def family(name: str) -> str:
    """The family of a frame: its name without the number; ``rand-bilayer4`` of ``rand-bilayer4-003``."""
    return name.rpartition("-")[0]


@dataclass(frozen=True)
class Dataset:
    """The frames of a data set folder; get one by `Dataset.load`.

    Attributes
    ----------
    folder
        Where it was read.
    sha256
        Of the checksum file, hence of all files of the data set: part of the provenance of a fit.
    split
        Frame names by split.
    """

    folder: Path
    sha256: str
    split: dict[str, list[str]]
    _frames: dict[str, dict[str, Atoms]] = field(repr=False)

    @classmethod
    def load(cls, folder: str | Path) -> Dataset:
        """Read a folder and verify its checksums.

        Raises
        ------
        HarnessError
            When a file is missing, or is not the one that the checksums were made of.
        """
        folder = Path(folder)
        digest = verify(folder)
        try:
            split = json.loads((folder / "split.json").read_text())
            frames = {kind: _read(folder / f"{kind}.extxyz") for kind in KINDS if (folder / f"{kind}.extxyz").exists()}
        except (ValueError, KeyError, OSError) as error:
            raise HarnessError(f"the data set {folder} cannot be read: {error}.", "Restore its files.") from error
        return cls(folder, digest, {name: list(split.get(name, [])) for name in SPLITS}, frames)

    def families(self, kind: str = "energies") -> list[str]:
        """Families that have frames of a kind."""
        return sorted({family(name) for name in self._of(kind)})

    def frames(
        self,
        split: str,
        kind: str = "energies",
        families: Iterable[str] | None = None,
        dispersion: str = "d3bj",
    ) -> list[Atoms]:
        """Labelled copies of the frames of one split, in the order of the file.

        Parameters
        ----------
        split
            ``train``, ``validation``, ``test``, or ``all``.
        kind
            ``energies`` or ``responses``.
        families
            Only these, e.g. ``["rand-mono8"]``.
        dispersion
            Level of theory: ``d3bj`` for PBE-D3(BJ), ``none`` for PBE alone.

        Returns
        -------
        list of Atoms
            ``calc.results`` holds ``energy`` (eV), ``forces`` (eV/Å), ``stress`` (eV/Å³, Voigt, in the cell of the
            frame) at that level, and ``dipole`` (e Å) of a response frame. ``info["name"]`` names the frame,
            ``info["dipole_z"]`` (e Å), where there, is the dipole along z from the charge density; it then also is the
            z part of ``dipole``, which the Wannier centres give less well. ``arrays`` of a response frame hold
            ``born_charges`` (natoms, 9), ``atomic_dipoles`` (natoms, 3) and ``wannier_centres`` (natoms, 12).
        """
        if split not in (*SPLITS, "all"):
            raise unknown("split", split, (*SPLITS, "all"))
        if dispersion not in DISPERSIONS:
            raise unknown("dispersion", dispersion, DISPERSIONS)
        here = self._of(kind)
        wanted = set(here) if split == "all" else set(self.split[split])
        if families is not None:
            chosen = set(families)
            known = {family(name) for name in here}
            for word in sorted(chosen - known):
                raise unknown("family", word, known)
            wanted = {name for name in wanted if family(name) in chosen}
        return [_labelled(frame, dispersion) for name, frame in here.items() if name in wanted]

    def _of(self, kind: str) -> dict[str, Atoms]:
        if kind not in KINDS:
            raise unknown("kind of frames", kind, KINDS)
        return self._frames.get(kind, {})


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


def _read(file: Path) -> dict[str, Atoms]:
    frames = read(file, ":")
    return {frame.info["name"]: frame for frame in frames}


def _labelled(frame: Atoms, dispersion: str) -> Atoms:
    """A copy whose calculator holds the labels at one level of theory."""
    atoms = frame.copy()
    assert frame.calc is not None
    results = dict(frame.calc.results)  # ASE reads energy, forces, stress and dipole into the calculator
    energy, forces, stress = (
        atoms.info.pop("pbe_energy"),
        atoms.arrays.pop("pbe_forces"),
        atoms.info.pop("pbe_stress"),
    )
    if dispersion == "none":
        stress = np.asarray(stress, dtype=float)
        results.update(
            energy=float(energy),
            forces=forces,
            stress=full_3x3_to_voigt_6_stress(stress) if stress.shape == (3, 3) else stress,
        )
    if "dipole" in results and "dipole_z" in atoms.info:
        results["dipole"] = np.array([*results["dipole"][:2], atoms.info["dipole_z"]])
    atoms.calc = SinglePointCalculator(atoms, **results)
    return atoms
