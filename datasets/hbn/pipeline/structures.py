"""Every structure follows from its name alone, e.g. ``rand-bilayer16-003``.

The random numbers of a name come from a generator that is seeded with the CRC-32 of the name. The order in which a
family draws them is part of the data set: to change it is to change the frames.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import read

from harness.errors import unknown_choice

from .layers import LATTICE, bent, bilayer, layer, rattle, strain, twisted

Builder = Callable[[np.random.Generator, int], Atoms]
AB, BA = np.array([1 / 3, 2 / 3]), np.array([2 / 3, 1 / 3])
DISTANCES = (2.8, 3.0, 3.15, 3.3, 3.4, 3.55, 3.75, 4.0, 4.25, 4.5, 5.0, 5.5)
FLIPPED_DISTANCES = (2.9, 3.1, 3.25, 3.35, 3.5, 3.8, 4.25, 5.0)
STORED = Path(__file__).resolve().parent.parent / "inputs.extxyz"


def build(name: str) -> Atoms:
    """The structure called `name`, with its mean height at z = 0.

    Raises
    ------
    HarnessError
        When there is no such family, or no stored structure of that name.
    """
    family, _, number = name.rpartition("-")
    if family.startswith("hot-"):
        frames = stored()
        if name not in frames:
            raise unknown_choice("stored structure", name, frames)
        atoms = frames[name].copy()
    elif family in FAMILIES and number.isdigit():
        atoms = FAMILIES[family](np.random.default_rng(zlib.crc32(name.encode())), int(number))
    else:
        raise unknown_choice("structure family", family, FAMILIES)
    atoms.positions[:, 2] -= atoms.positions[:, 2].mean()
    return atoms


@cache
def stored() -> dict[str, Atoms]:
    """Structures that molecular dynamics made (``inputs.extxyz``), by name."""
    if not STORED.exists():
        return {}
    frames = {frame.info["name"]: frame for frame in read(STORED, ":")}
    for frame in frames.values():
        frame.info.clear()
    return frames


def _random_strain(atoms: Atoms, rng: np.random.Generator, normal: float) -> Atoms:
    xx, yy = rng.uniform(-normal, normal, 2)
    return strain(atoms, xx, yy, rng.uniform(-normal / 2, normal / 2))


def _curve(rng: np.random.Generator, i: int) -> Atoms:
    return bilayer(AB if i < 12 else np.zeros(2), DISTANCES[i % 12])


def _path(rng: np.random.Generator, i: int) -> Atoms:
    s = np.linspace(0, 1, 9)[i % 9]
    return bilayer(AB + s * (BA - AB) if i < 9 else s * AB)


def _scan(rng: np.random.Generator, i: int) -> Atoms:
    return layer(a=LATTICE + 0.01 * (i - 5))


def _rand_mono2(rng: np.random.Generator, i: int) -> Atoms:
    atoms = _random_strain(layer(), rng, 0.04)
    return rattle(atoms, rng, rng.choice([0.0, 0.03, 0.08]))


def _rand_mono8(rng: np.random.Generator, i: int) -> Atoms:
    atoms = _random_strain(layer().repeat((2, 2, 1)), rng, 0.03)
    return rattle(atoms, rng, rng.choice([0.03, 0.06, 0.10]))


def _ripple_mono8(rng: np.random.Generator, i: int) -> Atoms:
    atoms = _rand_mono8(rng, i)
    phase = atoms.get_scaled_positions()[:, :2] @ [rng.integers(0, 2), 1]
    height = rng.uniform(0.1, 0.5)
    atoms.positions[:, 2] += height * np.sin(2 * np.pi * phase + rng.uniform(0, 6.28))
    return atoms


def _rand_bilayer4(rng: np.random.Generator, i: int) -> Atoms:
    shift = rng.uniform(0, 1, 2)
    h = rng.choice([rng.uniform(3.1, 3.7), rng.uniform(2.7, 4.5)])
    atoms = _random_strain(bilayer(shift, h, flip=rng.random() < 0.2), rng, 0.03)
    return rattle(atoms, rng, rng.choice([0.0, 0.03, 0.08]))


def _rand_bilayer16(rng: np.random.Generator, i: int) -> Atoms:
    shift = rng.uniform(0, 1, 2)
    h = rng.uniform(3.1, 3.7)
    atoms = _random_strain(bilayer(shift, h, flip=rng.random() < 0.2).repeat((2, 2, 1)), rng, 0.02)
    return rattle(atoms, rng, rng.choice([0.03, 0.06, 0.10]))


def _flat_bilayer4(rng: np.random.Generator, i: int) -> Atoms:
    return bilayer(rng.uniform(0, 1, 2), rng.uniform(3.05, 3.75), flip=i % 2 == 1)


def _line_flipped4(rng: np.random.Generator, i: int) -> Atoms:
    if i < len(FLIPPED_DISTANCES):
        return bilayer(h=FLIPPED_DISTANCES[i], flip=True)
    return bilayer((i - len(FLIPPED_DISTANCES) + 1) / 4 * AB, flip=True)


def _rand_flipped4(rng: np.random.Generator, i: int) -> Atoms:
    atoms = _random_strain(bilayer(rng.uniform(0, 1, 2), rng.uniform(3.1, 3.7), flip=True), rng, 0.03)
    return rattle(atoms, rng, rng.choice([0.0, 0.03, 0.08]))


def _twist_bilayer28(rng: np.random.Generator, i: int) -> Atoms:
    atoms = twisted(1, 2, rng.uniform(3.2, 3.6))
    return rattle(atoms, rng, rng.choice([0.0, 0.04, 0.08]))


def _shaken_mono8(rng: np.random.Generator, i: int) -> Atoms:
    atoms = _random_strain(layer().repeat((2, 2, 1)), rng, 0.05)
    return rattle(atoms, rng, rng.uniform(0.10, 0.18))


def _shaken_bilayer4(rng: np.random.Generator, i: int) -> Atoms:
    shift, h = rng.uniform(0, 1, 2), rng.uniform(3.0, 3.8)
    return rattle(_random_strain(bilayer(shift, h), rng, 0.04), rng, rng.uniform(0.08, 0.15))


def _bent_mono(cells: int) -> Builder:
    def make(rng: np.random.Generator, i: int) -> Atoms:
        atoms = bent(cells, rng.uniform(0.0375, 0.0875) * cells**2, rng.uniform(0, 2 * np.pi))
        return rattle(_random_strain(atoms, rng, 0.01), rng, rng.choice([0.0, 0.02, 0.05]))

    return make


def _bent_bilayer(cells: int) -> Builder:
    def make(rng: np.random.Generator, i: int) -> Atoms:
        shift = rng.choice([AB, np.array([0.5, 0.5]), np.zeros(2)])
        amplitude = rng.uniform(0.0125, 0.05) * cells**2
        atoms = bent(cells, amplitude, rng.uniform(0, 2 * np.pi), 2, shift, rng.uniform(3.25, 3.5))
        return rattle(_random_strain(atoms, rng, 0.01), rng, rng.choice([0.0, 0.02, 0.05]))

    return make


FAMILIES: dict[str, Builder] = {
    "curve-bilayer4": _curve,
    "path-bilayer4": _path,
    "scan-mono2": _scan,
    "rand-mono2": _rand_mono2,
    "rand-mono8": _rand_mono8,
    "ripple-mono8": _ripple_mono8,
    "rand-bilayer4": _rand_bilayer4,
    "rand-bilayer16": _rand_bilayer16,
    "flat-bilayer4": _flat_bilayer4,
    "line-flipped4": _line_flipped4,
    "rand-flipped4": _rand_flipped4,
    "twist-bilayer28": _twist_bilayer28,
    "shaken-mono8": _shaken_mono8,
    "shaken-bilayer4": _shaken_bilayer4,
    "bent-mono8": _bent_mono(2),
    "bent-mono12": _bent_mono(3),
    "bent-mono16": _bent_mono(4),
    "bent-bilayer24": _bent_bilayer(3),
    "bent-bilayer32": _bent_bilayer(4),
}
"""Family -> builder. 000-008 of `path-bilayer4` go AB-SP-BA, 009-017 AA-AB; 000-011 of `curve-bilayer4` are AB,
012-023 AA; 005 of `scan-mono2` is the lattice constant itself. In `flipped` families the layers are antiparallel, as
they are in `flat-bilayer4` with an odd number: 000-007 of `line-flipped4` are AA', 008-018 go from AA' to AA' along
the armchair direction, through N over N (011) and B over B (015)."""
