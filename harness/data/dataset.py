"""DFT labels of a material, checked and split: what fitters and parity plots read.

A data set is a folder with ``energies.extxyz``, ``responses.extxyz``, ``split.json``, ``checksums.txt`` and, where it
grew, ``versions.json``. A `Dataset` is a view of it: at one dispersion, and with as many training frames as asked for,
so that every fitter gets the same frames with the same labels.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ase import Atoms

from harness.data.labels import KINDS, labelled, read_frames, response_is_sound, verify, version_of
from harness.errors import HarnessError, unknown_choice
from harness.registry.catalogue import source_root

__all__ = [
    "DISPERSIONS",
    "LEVELS",
    "SPLITS",
    "Dataset",
    "dataset_folder",
    "family",
    "nested",
]

SPLITS = ("train", "validation", "test")
#: Dispersion added to the PBE labels, and what the sum is called in reports.
LEVELS = {"d3bj": "PBE-D3(BJ)", "d2": "PBE-D2", "none": "PBE"}
DISPERSIONS = tuple(LEVELS)


def family(name: str) -> str:
    """The family of a frame: its name without the number; ``rand-bilayer4`` of ``rand-bilayer4-003``."""
    return name.rpartition("-")[0]


def dataset_folder(name: str | Path, key: str = "dataset") -> Path:
    """The folder of a data set, given as a path or by its name in the source tree; `key` is the setting it came from.

    Raises
    ------
    HarnessError
        When there is none.
    """
    path = Path(name).expanduser()
    if path.is_dir():
        return path.absolute()
    root = source_root()
    sets = root / "datasets" if root is not None else Path("datasets")
    if (sets / name).is_dir():
        return (sets / name).absolute()
    known = [p.name for p in sets.iterdir() if p.is_dir()] if sets.is_dir() else []
    raise unknown_choice("data set", str(name), known, f"Give {key}=FOLDER.")


def nested(names: Iterable[str]) -> list[str]:
    """The names in an order of which every beginning is stratified by family.

    The first 25 are among the first 50, and every family has about the same share of both. The order follows from the
    names alone.
    """
    shuffled = sorted(names, key=lambda name: (zlib.crc32(name.encode()), name))
    sizes = Counter(map(family, shuffled))
    met: Counter[str] = Counter()
    place = {}
    for name in shuffled:
        place[name] = (met[family(name)] + 0.5) / sizes[family(name)]
        met[family(name)] += 1
    return sorted(shuffled, key=lambda name: place[name])  # a tie keeps the shuffled order


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
        Frame names by split, as the folder has them.
    version
        Which of its ``versions.json`` the energies are; None when they are none.
    dispersion
        Level of the labels: ``d3bj`` for PBE-D3(BJ), ``d2`` for PBE-D2, ``none`` for PBE alone.
    n_train
        How many training frames with energies there are; None for all. Response frames are cut in proportion.
    """

    folder: Path
    sha256: str
    split: dict[str, list[str]]
    version: str | None = None
    dispersion: str = "d3bj"
    n_train: int | None = None
    _frames: dict[str, dict[str, Atoms]] = field(repr=False, default_factory=dict)

    @classmethod
    def load(cls, folder: str | Path, dispersion: str = "d3bj", n_train: int | None = None) -> Dataset:
        """Read a folder and verify its checksums; the other parameters are those of `view`.

        Response frames whose Born charges break the sum rule (`harness.data.labels.response_is_sound`) are left out.

        Raises
        ------
        HarnessError
            When a file is missing, or is not the one that the checksums were made of.
        """
        folder = Path(folder)
        digest = verify(folder)
        try:
            split = json.loads((folder / "split.json").read_text())
            frames = {
                kind: read_frames(folder / f"{kind}.extxyz") for kind in KINDS if (folder / f"{kind}.extxyz").exists()
            }
            if "responses" in frames:
                frames["responses"] = {name: a for name, a in frames["responses"].items() if response_is_sound(a)}
            version = version_of(folder)
        except (ValueError, KeyError, OSError) as error:
            raise HarnessError(f"the data set {folder} cannot be read: {error}.", "Restore its files.") from error
        names = {name: list(split.get(name, [])) for name in SPLITS}
        return cls(folder, digest, names, version, _frames=frames).view(dispersion, n_train)

    @classmethod
    def of(cls, name: str, frames: Mapping[str, Mapping[str, Sequence[Atoms]]]) -> Dataset:
        """A data set of frames at hand: ``{kind: {split: frames}}``, each with ``info["name"]`` and its labels.

        Its labels count as those of ``d3bj``; frames without ``pbe_*`` labels have no other.
        """
        split = {s: sorted({a.info["name"] for parts in frames.values() for a in parts.get(s, ())}) for s in SPLITS}
        named = {kind: {a.info["name"]: a for s in SPLITS for a in parts.get(s, ())} for kind, parts in frames.items()}
        digest = hashlib.sha256()
        for kind, here in named.items():
            for atoms in here.values():
                digest.update(f"{kind} {atoms.info['name']}".encode() + atoms.positions.tobytes())
        return cls(Path(name), digest.hexdigest(), split, _frames=named)

    def view(self, dispersion: str | None = None, n_train: int | None = None) -> Dataset:
        """The same frames at another dispersion, with other training frames; None keeps what is.

        Parameters
        ----------
        n_train
            The first of the order `nested`, so that a smaller view is part of a larger one. Of the training frames
            with responses the same share is kept, but at least two.

        Raises
        ------
        HarnessError
            For a dispersion that is not known, or more training frames than there are.
        """
        dispersion = self.dispersion if dispersion is None else dispersion
        if dispersion not in LEVELS:
            raise unknown_choice("dispersion", str(dispersion), LEVELS)
        n_train = self.n_train if n_train is None else n_train
        there = len(self._names("train", "energies"))
        if n_train is not None and not 1 <= n_train <= there:
            raise HarnessError(
                f"n_train={n_train}, but the data set {self.folder.name} has {there} training frames.",
                f"Give n_train from 1 to {there}, or leave it out for all.",
            )
        return replace(self, dispersion=dispersion, n_train=n_train)

    @property
    def level_of_theory(self) -> str:
        """What the labels are called: ``PBE-D3(BJ)``, ``PBE-D2`` or ``PBE``."""
        return LEVELS[self.dispersion]

    @property
    def suffix(self) -> str:
        """What the names of models end in that were fitted to it: nothing at PBE-D3(BJ), else ``_d2`` or ``_none``."""
        return "" if self.dispersion == "d3bj" else f"_{self.dispersion}"

    def facts(self) -> dict[str, Any]:
        """What a model's provenance says of the data it was fitted to; JSON-able."""
        return {
            "folder": self.folder.name,
            "version": self.version,
            "sha256": self.sha256,
            "dispersion": self.dispersion,
            "level_of_theory": self.level_of_theory,
            "n_train": self.n_train,
            "frames": {kind: {s: len(self.names(s, kind)) for s in SPLITS} for kind in KINDS if self._of(kind)},
        }

    def families(self, kind: str = "energies") -> list[str]:
        """Families that have frames of a kind."""
        return sorted({family(name) for name in self._of(kind)})

    def names(self, split: str, kind: str = "energies") -> list[str]:
        """Names of the frames of one split in the order of the file, limited to `n_train` in training.

        ``all`` is every frame of the folder, also those that `n_train` leaves out.
        """
        if split not in (*SPLITS, "all"):
            raise unknown_choice("split", split, (*SPLITS, "all"))
        names = self._names(split, kind)
        if split != "train" or self.n_train is None:
            return names
        share = self.n_train / len(self._names("train", "energies"))
        count = self.n_train if kind == "energies" else max(2, round(share * len(names)))
        kept = set(nested(names)[:count])
        return [name for name in names if name in kept]

    def frames(
        self,
        split: str,
        kind: str = "energies",
        families: Iterable[str] | None = None,
        dispersion: str | None = None,
    ) -> list[Atoms]:
        """Labelled copies of the frames of one split, in the order of the file.

        Parameters
        ----------
        split
            ``train``, ``validation``, ``test``, or ``all``; as in `names`.
        kind
            ``energies`` or ``responses``.
        families
            Only these, e.g. ``["rand-mono8"]``.
        dispersion
            Another level than that of this view.

        Returns
        -------
        list of Atoms
            ``calc.results`` holds ``energy`` (eV), ``forces`` (eV/Å), ``stress`` (eV/Å³, Voigt, in the cell of the
            frame) at that level, and ``dipole`` (e Å) of a response frame. ``info["name"]`` names the frame,
            ``info["dipole_z"]`` (e Å), where there, is the dipole along z from the charge density; it then also is the
            z part of ``dipole``, which the Wannier centres give less well. ``arrays`` of a response frame hold
            ``born_charges`` (natoms, 9), ``atomic_dipoles`` (natoms, 3) and ``wannier_centres`` (natoms, 12).
        """
        level = self.dispersion if dispersion is None else dispersion
        if level not in LEVELS:
            raise unknown_choice("dispersion", level, LEVELS)
        wanted: Sequence[str] = self.names(split, kind)
        here = self._of(kind)
        if families is not None:
            chosen = set(families)
            known = {family(name) for name in here}
            for word in sorted(chosen - known):
                raise unknown_choice("family", word, known)
            wanted = [name for name in wanted if family(name) in chosen]
        return [labelled(here[name], level) for name in wanted]

    def _names(self, split: str, kind: str) -> list[str]:
        here = self._of(kind)
        if split == "all":
            return list(here)
        chosen = set(self.split[split])
        return [name for name in here if name in chosen]

    def _of(self, kind: str) -> dict[str, Atoms]:
        if kind not in KINDS:
            raise unknown_choice("kind of frames", kind, KINDS)
        return self._frames.get(kind, {})
