"""Take finished frames into the data set, and compare re-labelled frames with it."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.io import read, write

from harness.data.labels import CHECKSUMS, KINDS, VERSIONS
from harness.errors import HarnessError
from harness.registry.files import sha256
from harness.units import N_PER_M

from . import readme
from .likeness import fingerprint
from .split import assign

FOLDER = Path(__file__).resolve().parent.parent
RESPONSE_ONLY = ("born_charges", "atomic_dipoles", "wannier_centres", "dielectric", "max_spread", "dipole")
PENDING = "pending"
"""Stem of the extxyz file of labelled frames that are in no version yet."""


def collect(out: Path, folder: Path = FOLDER) -> str:
    """Append the finished energies of `out` that `folder` lacks to its ``pending.extxyz``; the version stays the same.

    The next `merge` takes them in.
    """
    pending = _by_name(folder / f"{PENDING}.extxyz")
    there = _by_name(folder / "energies.extxyz") | pending
    files = sorted((out / "energies").glob("*.extxyz"))
    added = sum(_append(folder, PENDING, file.stem, file.read_text(), there) for file in files)
    total = len(pending) + added
    readme.fill(folder / "README.md", {"pending": str(total)})
    return f"{total} pending ({added} new)"


def merge(out: Path | None = None, folder: Path = FOLDER) -> str:
    """Append the pending frames and the finished ones of `out` that `folder` lacks; renew split, versions, checksums.

    The text of the frames already there is not touched. A response frame also enters the energies under its name,
    when there is none yet.
    """
    added = dict.fromkeys(KINDS, 0)
    frames = {kind: _by_name(folder / f"{kind}.extxyz") for kind in KINDS}
    pending = folder / f"{PENDING}.extxyz"
    if pending.exists():
        frames["energies"] |= (new := _by_name(pending))
        added["energies"] += len(new)
        with (folder / "energies.extxyz").open("a") as stream:
            stream.write(pending.read_text())
        pending.unlink()
    for kind in ("responses", "energies"):
        for file in sorted((out / kind).glob("*.extxyz")) if out else ():
            text = file.read_text()
            added[kind] += _append(folder, kind, file.stem, text, frames[kind])
            if kind == "responses":
                added["energies"] += _append(folder, "energies", file.stem, _without_response(file), frames["energies"])
    split = divide(folder, frames)
    total = ", ".join(f"{len(frames[kind])} {kind} ({added[kind]} new)" for kind in KINDS)
    return total + "; " + ", ".join(f"{len(names)} {where}" for where, names in split.items())


def divide(folder: Path, frames: dict[str, dict[str, Atoms]]) -> dict[str, list[str]]:
    """Write split, versions, checksums and the counts of the README of `folder`; old frames keep their side."""
    every = {name: frame for kind in KINDS for name, frame in frames[kind].items()}
    prints = {name: fingerprint(frame) for name, frame in every.items()}
    target = folder / "split.json"
    before = json.loads(target.read_text()) if target.exists() else {}
    split = assign(prints, set(frames["responses"]), before)
    target.write_text(json.dumps(split, indent=1) + "\n")
    files = [f for f in ("energies.extxyz", "responses.extxyz", "split.json") if (folder / f).exists()]
    version = number(folder, files, {kind: len(named) for kind, named in frames.items()})
    (folder / CHECKSUMS).write_text("".join(f"{sha256(folder / f)}  {f}\n" for f in [*files, VERSIONS]))
    readme.renew(folder / "README.md", frames, split, version)
    return split


def number(folder: Path, files: list[str], counts: dict[str, int]) -> str:
    """Enter the files of `folder` into its versions, as the next one unless they are the last one; returns its name."""
    target = folder / VERSIONS
    known: dict[str, Any] = json.loads(target.read_text()) if target.exists() else {}
    here = {name: sha256(folder / name) for name in files}
    if not known or list(known.values())[-1]["sha256"] != here:
        known[f"v{len(known) + 1}"] = {"frames": counts, "sha256": here}
        target.write_text(json.dumps(known, indent=1) + "\n")
    return list(known)[-1]


def add_dipoles(out: Path, folder: Path = FOLDER) -> str:
    """Give ``dipole_z`` of re-labelled frames in `out` to the stored frames that lack it; nothing else changes."""
    dipoles = {file.stem: _one(file).info.get("dipole_z") for file in sorted((out / "energies").glob("*.extxyz"))}
    number = 0
    for kind in KINDS:
        file = folder / f"{kind}.extxyz"
        lines = file.read_text().splitlines(keepends=True)
        for i, line in enumerate(lines):
            found = re.search(r"\bname=(\S+)", line)
            value = dipoles.get(found[1]) if found else None
            if value is not None and "dipole_z=" not in line:
                lines[i] = line.replace(" pbc=", f" dipole_z={float(value)!r} pbc=")
                number += 1
        file.write_text("".join(lines))
    divide(folder, {kind: _by_name(folder / f"{kind}.extxyz") for kind in KINDS})
    return f"dipole_z added to {number} frames"


def compare(out: Path, folder: Path = FOLDER) -> str:
    """Largest differences of re-labelled frames in `out` from the stored ones, a line each."""
    lines = []
    for kind in KINDS:
        stored = _by_name(folder / f"{kind}.extxyz")
        for file in sorted((out / kind).glob("*.extxyz")):
            if file.stem not in stored:
                continue
            new, old = _one(file), stored[file.stem]
            line = [f"{kind} {file.stem}:"]
            energy = abs(new.get_potential_energy() - old.get_potential_energy()) / len(new)
            line.append(f"energy {1e3 * energy:.3f} meV/atom,")
            line.append(f"forces {1e3 * _largest(new.get_forces(), old.get_forces()):.2f} meV/Å,")
            stress = _largest(new.get_stress(), old.get_stress()) * float(old.cell[2, 2]) * N_PER_M
            line.append(f"stress {stress:.3f} N/m")
            if kind == "responses":
                for key, unit in (("born_charges", "e"), ("atomic_dipoles", "e Å"), ("wannier_centres", "Å")):
                    line.append(f", {key} {_largest(new.arrays[key], old.arrays[key]):.5f} {unit}")
                dipole = new.get_dipole_moment() - old.get_dipole_moment()
                line.append(", dipole ({:.5f} {:.5f} {:.5f}) e Å".format(*dipole))
            lines.append(" ".join(line).replace(" ,", ","))
    if not lines:
        raise HarnessError(f"{out} holds no re-labelled frame of the data set.", "Label some with --names.")
    return "\n".join(lines)


def _largest(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(np.asarray(one) - np.asarray(other)).max())


def _append(folder: Path, kind: str, name: str, text: str, there: dict[str, Atoms]) -> bool:
    if name in there:
        return False
    file = folder / f"{kind}.extxyz"
    with file.open("a") as stream:
        stream.write(text)
    there.update({name: _by_name(file)[name]})
    return True


def _without_response(file: Path) -> str:
    """The energies' form of a response frame, as extxyz text."""
    frame = _one(file)
    for key in RESPONSE_ONLY:
        frame.info.pop(key, None)
        frame.arrays.pop(key, None)
    assert frame.calc is not None
    frame.calc.results.pop("dipole", None)
    text = StringIO()
    write(text, frame, format="extxyz")
    return text.getvalue()


def _one(file: Path) -> Atoms:
    frame = read(file)
    assert isinstance(frame, Atoms)
    return frame


def _by_name(file: Path) -> dict[str, Atoms]:
    return {frame.info["name"]: frame for frame in read(file, ":")} if file.exists() else {}
