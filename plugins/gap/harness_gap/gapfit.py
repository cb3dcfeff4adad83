"""One run of gap_fit, and the model that it leaves, packed."""

from __future__ import annotations

import hashlib
import lzma
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import write as write_frames

from harness.errors import HarnessError
from harness_gap import sparse
from harness_gap.gapfile import PACKED
from harness_gap.settings import Settings, Soap

__all__ = ["Job", "pack", "run", "write_labels"]

_LABELS = "train.extxyz"


@dataclass(frozen=True)
class Job:
    """What all runs of a fit share.

    Attributes
    ----------
    folder
        Where gap_fit runs; its files may be left behind.
    frames
        Of the training split.
    species
        Their elements.
    free
        Energy of each element alone, eV.
    seed
        Of gap_fit's random numbers.
    points
        Sparse points that were chosen already, by descriptor and number.
    """

    folder: Path
    frames: Sequence[Atoms]
    species: Sequence[str]
    free: Mapping[str, float]
    seed: int
    points: dict[tuple[str, int], Path]


def write_labels(frames: Sequence[Atoms], settings: Settings, path: Path) -> None:
    """Training frames as gap_fit reads them: energy, forces, virial (minus stress times volume), and their sigmas."""
    out = []
    for frame in frames:
        atoms = Atoms(frame.numbers, frame.positions, cell=frame.cell, pbc=frame.pbc)
        forces = frame.get_forces()
        atoms.info["dft_energy"] = frame.get_potential_energy()
        atoms.info["dft_virial"] = -frame.get_stress(voigt=False) * frame.get_volume()
        atoms.arrays["dft_forces"] = forces
        scale = max(1.0, settings.hot * float(np.sqrt(np.mean(forces**2))) / settings.force_sigma)
        atoms.info["force_sigma"] = scale * settings.force_sigma
        # of the whole frame; errors of its atoms are taken as independent, as gap_fit's own defaults have it
        atoms.info["energy_sigma"] = scale * settings.energy_sigma * np.sqrt(len(atoms))
        atoms.info["virial_sigma"] = scale * settings.virial_sigma * np.sqrt(len(atoms))
        out.append(atoms)
    write_frames(path, out, format="extxyz")


def run(job: Job, settings: Settings, name: str) -> Path:
    """Fit once; returns the XML.

    Raises
    ------
    HarnessError
        With the last words of gap_fit, when it fails.
    """
    import quippy

    write_labels(job.frames, settings, job.folder / _LABELS)
    pairs = [settings.pairs.string(*pair) for pair in combinations_with_replacement(job.species, 2)]
    soaps = [
        f"{_nested(soap.string(centre, job.species))} delta={soap.delta} covariance_type=dot_product add_species=F "
        f"sparse_method=file sparse_file={_points(job, soap, centre).name}"
        for soap in (settings.near, settings.far)
        if soap is not None
        for centre in job.species
    ]
    sigmas = f"{settings.energy_sigma} {settings.force_sigma} {settings.virial_sigma} 0.0"
    command = [
        str(Path(quippy.__file__).with_name("gap_fit")), f"at_file={_LABELS}", f"gap={{{' : '.join(pairs + soaps)}}}",
        "energy_parameter_name=dft_energy", "force_parameter_name=dft_forces", "virial_parameter_name=dft_virial",
        f"default_sigma={{{sigmas}}}", "e0={" + ":".join(f"{s}:{job.free[s]:.8f}" for s in job.species) + "}",
        f"sparse_jitter={settings.jitter}", f"rnd_seed={job.seed + 1}", "do_copy_at_file=F", "sparse_separate_file=T",
        f"gp_file={name}",
    ]  # fmt: skip
    for _ in range(3):  # now and then its reader of extended XYZ finds the first line of a whole file empty
        done = _started(command, job.folder)
        if not done.returncode or "read_xyz" not in done.stdout + done.stderr:
            break
        write_labels(job.frames, settings, job.folder / _LABELS)
    if done.returncode or not (job.folder / name).is_file():
        words = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise HarnessError(f"gap_fit failed: {' '.join(words[-5:])[-400:]}", "Change the settings of the fit.")
    return job.folder / name


def _started(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)


def _nested(descriptor: str) -> str:
    """Inside gap={...} one level of braces is gap_fit's own."""
    return descriptor.replace("{", "{{").replace("}", "}}")


def _points(job: Job, soap: Soap, centre: str) -> Path:
    key = (soap.string(centre, job.species), soap.sparse)
    if key not in job.points:
        path = job.folder / f"points{len(job.points)}.txt"
        sparse.write(sparse.choose(job.frames, *key), path)
        job.points[key] = path
    return job.points[key]


def pack(xml: Path, target: Path) -> None:
    """Write `target` and, beside it, its sparse points without needless digits, packed with xz.

    QUIP's own files have 21 digits of numbers that have `sparse.DIGITS`; the numbers stay the same to the last bit.
    """
    text = xml.read_text(encoding="utf-8")
    for count, old in enumerate(re.findall(r'sparseX_filename="([^"]+)"', text), start=1):
        numbers = (xml.parent / old).read_text(encoding="ascii").split()
        content = "".join(f"{_short(number)}\n" for number in numbers).encode("ascii")
        new = f"{target.name}.sparseX{count}"
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
        text = re.sub(rf'sparseX_filename="{re.escape(old)}"(\s+)sparseX_md5sum="\w+"',
                      rf'sparseX_filename="{new}"\1sparseX_md5sum="{digest}"', text)  # fmt: skip
        target.with_name(new + PACKED).write_bytes(lzma.compress(content, preset=9 | lzma.PRESET_EXTREME))
    target.write_text(text, encoding="utf-8")


def _short(number: str) -> str:
    """The shortest decimal that is the same double."""
    return repr(float(number)).removesuffix(".0")
