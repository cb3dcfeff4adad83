"""Energy, forces and virial of strained sheets; the stress of a potential is tried before it is used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms

from harness.contracts.engine import Engine
from harness.contracts.potential import Noise
from harness.contracts.task import Entry, Stage
from harness.materials.sheets import area
from harness.units import N_PER_M

#: Voigt order: xx, yy, zz, yz, xz, xy; shear strains are engineering ones, twice the tensor's.
VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
#: Share of what is left of a stage by which an evaluation advances it.
PER_EVALUATION = 0.05
#: Strain steps of the energy differences, by number type.
STEP = {"float64": 1e-3, "float32": 4e-3}
#: At which the stress is tried: every component is far from zero.
TRIAL = (0.008, -0.005, 0.0, 0.0, 0.0, 0.006)
#: Largest error of the stress, relative to the largest component at the trial strain.
TRUSTED = 0.02


def tensor(strain: Sequence[float] | np.ndarray) -> np.ndarray:
    """Strain tensor (3, 3) of six Voigt components."""
    result = np.zeros((3, 3))
    for value, (i, j) in zip(strain, VOIGT, strict=True):
        result[i, j] = result[j, i] = value if i == j else value / 2
    return result


def voigt(strain: np.ndarray) -> np.ndarray:
    """Six Voigt components of a strain tensor (3, 3)."""
    return np.array([strain[i, j] * (1 if i == j else 2) for i, j in VOIGT])


def strained(atoms: Atoms, strain: Sequence[float] | np.ndarray) -> Atoms:
    """`atoms` after the small strain (six Voigt components), every atom moved affinely.

    Along directions without periodicity the cell stays, and atoms move about their middle.
    """
    gradient = np.eye(3) + tensor(strain)
    middle = np.where(atoms.pbc, 0.0, atoms.positions.mean(axis=0))
    result = atoms.copy()
    result.positions = (atoms.positions - middle) @ gradient.T + middle
    cell = atoms.cell.array @ gradient.T
    result.set_cell(np.where(atoms.pbc[:, None], cell, atoms.cell.array))
    return result


@dataclass(frozen=True, slots=True)
class Answer:
    """What the potential says of one structure.

    Attributes
    ----------
    virial
        ∂E/∂ε, six Voigt components, eV: stress times volume, or sheet stress times area.
    """

    energy: float
    forces: np.ndarray
    virial: np.ndarray


class Virial:
    """Asks `engine`, with the virial from the potential's stress or from energy differences.

    Parameters
    ----------
    with_stress
        Whether the potential offers it.
    dtype
        Number type that it computes in.

    Attributes
    ----------
    stage
        Advances after each structure by `PER_EVALUATION` of what is left: how many there will be is not known.
    from_stress
        Whether the potential's own stress is used.
    error
        Largest difference of the potential's sheet stress from the derivative of its energy, N/m; nan when there is
        no stress.
    scale
        Largest sheet stress at the trial strain, N/m.
    rounding
        What the number type (or the noise that the potential declares) leaves of an energy difference, N/m.
    """

    def __init__(self, engine: Engine, stage: Stage, *, with_stress: bool, dtype: str, noise: Noise) -> None:
        self.stage, self.from_stress = stage, with_stress
        self._engine, self._single, self._noise = engine, "32" in dtype, noise
        self.step = STEP["float32" if self._single else "float64"]
        self.error = self.scale = self.rounding = float("nan")

    def try_stress(self, atoms: Atoms) -> None:
        """Compare the stress of strained `atoms` with energy differences, and use energies where it is wrong."""
        trial = strained(atoms, TRIAL)
        to_sheet = N_PER_M / area(trial)
        energies = self._from_energies(trial)
        energy = self._engine.evaluate([trial], ["energy"])[0]["energy"]
        grain = 4 * (6e-8 if self._single else 1e-16) * abs(energy) + len(atoms) * self._noise.energy
        self.rounding = grain / self.step * to_sheet
        self.scale = float(np.abs(energies).max() * to_sheet)
        if self.from_stress:
            stress = self._engine.evaluate([trial], ["stress"])[0]["stress"]
            virial = np.asarray(stress, dtype=float) * trial.get_volume()
            self.error = float(np.abs(virial - energies)[[0, 1, 5]].max() * to_sheet)
            self.from_stress = self.error <= self.tolerance

    def state(self) -> Entry:
        """What `try_stress` found."""
        return {
            "from_stress": self.from_stress,
            "error": self.error,
            "scale": self.scale,
            "rounding": self.rounding,
        }

    def restore(self, state: Entry) -> None:
        """Take what `state` returned."""
        self.from_stress, self.error = state["from_stress"], state["error"]
        self.scale, self.rounding = state["scale"], state["rounding"]

    @property
    def tolerance(self) -> float:
        """Largest error at which the potential's own stress is used, N/m."""
        return max(TRUSTED * self.scale, 2 * self.rounding)

    def __call__(self, atoms: Atoms) -> Answer:
        """Energy, forces and virial of `atoms`."""
        names = ["energy", "forces"] + ["stress"] * self.from_stress
        found = self._engine.evaluate([atoms], names)[0]
        self.stage.advance(PER_EVALUATION * (self.stage.total - self.stage.done))
        forces = np.asarray(found["forces"], dtype=float)
        if self.from_stress:
            virial = np.asarray(found["stress"], dtype=float) * atoms.get_volume()
        else:
            virial = self._from_energies(atoms)
        if not atoms.pbc[2]:  # without periodicity the virial follows from the forces
            virial[2] = -float(forces[:, 2] @ (atoms.positions[:, 2] - atoms.positions[:, 2].mean()))
        return Answer(float(found["energy"]), forces, virial)

    def _from_energies(self, atoms: Atoms) -> np.ndarray:
        virial = np.zeros(6)
        for component in (0, 1, 5):
            ends = []
            for sign in (1, -1):
                strain = np.zeros(6)
                strain[component] = sign * self.step
                ends.append(self._engine.evaluate([strained(atoms, strain)], ["energy"])[0]["energy"])
            virial[component] = (ends[0] - ends[1]) / (2 * self.step)
        return virial
