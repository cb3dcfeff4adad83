"""Training examples: intralayer energies, forces and stresses of a data set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms

from harness.materials.layers import assign_layers
from harness_mtp.regression import Example, Noise

if TYPE_CHECKING:
    from ase.calculators.calculator import BaseCalculator

__all__ = ["LEFT_BEHIND", "examples"]


#: What a Lennard-Jones model leaves of DFT's interlayer energies and forces (see its own residuals): labels of stacks
#: are no better than this.
LEFT_BEHIND = Noise(energy=4e-3, forces_xy=1e-2, forces_z=4e-2, virial=2e-2)


def examples(frames: list[Atoms], interlayer: BaseCalculator | None, noise: Noise = LEFT_BEHIND) -> list[Example]:
    """Examples of the potential inside the layers.

    Frames of one layer count as they are. Rigid flat bilayers (families ``curve-`` and ``path-``) are left out: inside
    their layers they are all the same sheet. From frames of several, the interaction between layers is subtracted,
    so that it is not counted twice; what the interlayer model gets wrong stays in the labels as `noise`.

    Parameters
    ----------
    frames
        Structures whose calculators hold energy, forces and stress.
    interlayer
        Calculator of the interaction between layers; None leaves frames of several layers out.
    """
    out = []
    for atoms in frames:
        layers = assign_layers(atoms)
        stacked = layers.max(initial=0) > 0
        if stacked and (interlayer is None or _rigid(atoms)):
            continue
        stress: np.ndarray | None = None
        if atoms.cell.rank == 3 and atoms.calc is not None and "stress" in atoms.calc.results:
            stress = atoms.get_stress()
        energy, forces = atoms.get_potential_energy(), atoms.get_forces()
        if stacked:
            between = _between(atoms, layers, interlayer)
            energy, forces = energy - between["energy"], forces - between["forces"]
            stress = stress - between["stress"] if stress is not None else None
        plain = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
        name = str(atoms.info.get("name", ""))
        out.append(Example(plain, energy, forces, stress, noise if stacked else Noise(), name, layers))
    return out


def _rigid(atoms: Atoms) -> bool:
    return str(atoms.info.get("name", "")).startswith(("curve-", "path-"))


def _between(atoms: Atoms, layers: np.ndarray, interlayer: Any) -> dict[str, Any]:
    copy = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    copy.set_array("layer", layers.astype(int))
    interlayer.reset()
    interlayer.calculate(copy, ["energy", "forces", "stress"])
    return dict(interlayer.results)
