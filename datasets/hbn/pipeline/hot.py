"""Hot structures: snapshots of molecular dynamics with the project's own potential, to be labelled by DFT.

They cannot be rebuilt from their names, since they depend on the potential of the day; so they are stored as they are,
in ``inputs.extxyz``. Frames that are there already stay.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
from ase import Atoms, units
from ase.calculators.calculator import BaseCalculator
from ase.constraints import FixSubsetCom
from ase.io import read, write
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution
from ase.neighborlist import neighbor_list

from harness.errors import HarnessError

from .layers import bilayer, layer, twisted
from .structures import STORED

STEPS = 1500
NUMBERS = {
    "hot-bilayer4": 10,
    "hot-mono8": 15,
    "hot-bilayer16": 5,
    "hot-twist28": 20,
    "hot-parallel16": 20,
    "hot-flipped28": 20,
    "hot-flipped16": 20,
}
# Layers of one primitive cell move as rigid bodies with all of kT, and part at 2000 K.
TEMPERATURES = {
    "hot-bilayer4": (300, 500, 700, 900, 1100),
    "hot-mono8": (300, 700, 1200, 1600, 2000),
    "hot-bilayer16": (300, 700, 1200, 1600, 2000),
    "hot-twist28": (300, 1000, 100, 1500, 600),
    "hot-parallel16": (1000, 100, 1500, 600, 300),
    "hot-flipped28": (600, 300, 1000, 100, 1500),
    "hot-flipped16": (1500, 600, 300, 1000, 100),
}
HELD = ("hot-twist28", "hot-parallel16", "hot-flipped28", "hot-flipped16")
"""Families whose layers keep registry and mean distance to about 0.1 Å: their momenta are held at zero, so that only
the random displacements of the thermostat move them. Free layers of a small cell slide towards AB or AA'."""


def start(name: str) -> tuple[Atoms, float]:
    """Flat structure and temperature (K) of a hot frame; temperatures go round with the number."""
    family, _, number = name.rpartition("-")
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    shift, h = rng.uniform(0, 1, 2), rng.uniform(3.1, 3.7) if family in HELD else rng.uniform(3.25, 3.5)
    flat = {
        "hot-bilayer4": lambda: bilayer(shift, h),
        "hot-mono8": lambda: layer().repeat((2, 2, 1)),
        "hot-bilayer16": lambda: bilayer(shift, h).repeat((2, 2, 1)),
        "hot-twist28": lambda: twisted(1, 2, h),
        "hot-parallel16": lambda: bilayer(shift, h).repeat((2, 2, 1)),
        "hot-flipped28": lambda: twisted(1, 2, h, flip=True),
        "hot-flipped16": lambda: bilayer(shift, h, flip=True).repeat((2, 2, 1)),
    }
    atoms = flat[family]()
    # Thermal expansion is small; the spread covers it and a little strain.
    scale = 1 + rng.uniform(-0.01, 0.02)
    atoms.set_cell(atoms.cell * [[scale], [scale], [1]], scale_atoms=True)
    return atoms, float(TEMPERATURES[family][int(number) % 5])


def snapshot(name: str, calculator: BaseCalculator) -> Atoms:
    """The structure after 1.5 ps of Langevin dynamics.

    Raises
    ------
    HarnessError
        When the potential lets a bond collapse or the layers part: such a frame teaches nothing.
    """
    atoms, temperature = start(name)
    atoms.calc = calculator
    if name.startswith(HELD):
        upper = atoms.positions[:, 2] > 0
        atoms.set_constraint([FixSubsetCom(np.flatnonzero(half)) for half in (~upper, upper)])
    rng = np.random.default_rng(zlib.crc32(name.encode()) + 1)
    MaxwellBoltzmannDistribution(atoms, temperature_K=temperature, rng=rng)
    Langevin(atoms, units.fs, temperature_K=temperature, friction=0.02 / units.fs, fixcm=False, rng=rng).run(STEPS)
    shortest = neighbor_list("d", atoms, 3.0).min()
    thickness = np.ptp(atoms.positions[:, 2])
    if shortest < 1.0 or thickness > 5.5:
        what = f"{name} has an atom distance of {shortest:.2f} Å and a thickness of {thickness:.1f} Å."
        raise HarnessError(what, "Fit the potential to hotter frames first.")
    out = Atoms(atoms.symbols, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    out.positions[:, 2] -= out.positions[:, 2].mean()
    out.info.update(name=name, temperature=temperature)
    return out


def generate(calculator: BaseCalculator, file: Path = STORED) -> tuple[int, list[str]]:
    """Add the hot frames that `file` lacks; returns how many, and what was wrong with the others."""
    there = {frame.info["name"] for frame in read(file, ":")} if file.exists() else set()
    made, wrong = [], []
    for family, number in NUMBERS.items():
        for name in (f"{family}-{i:03d}" for i in range(number)):
            if name in there:
                continue
            try:
                made.append(snapshot(name, calculator))
            except HarnessError as error:
                wrong.append(str(error))
    write(file, made, format="extxyz", append=True)
    return len(made), wrong
