"""The one watch for unphysical motion, with one set of limits, for dynamics and relaxations.

A sheet that tears, layers that leave, energies that explode, extrapolation.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from ase import Atoms, units
from ase.data import covalent_radii
from ase.neighborlist import neighbor_list

from harness.contracts.engine import Motion, UnphysicalError
from harness.engine.extrapolation import TRUSTED
from harness.materials.layers import BOND_FACTOR, assign_layers

#: A bond that grows by this factor has broken, and a sheet whose lattice constant grows or shrinks by it does not hold:
#: B-N vibrates by a tenth at 2000 K.
TORN = 1.5
#: Distance of neighbouring layers, relative to the start: sliding layers change it by a tenth.
NEAREST, FARTHEST = 0.5, 2.0
#: The kinetic temperature may exceed the highest one asked for by this factor, and by this much more, K, which
#: leaves room for the fluctuations of a few atoms.
HOTTER, MORE = 3.0, 500.0
#: Potential energy that nothing physical gives or takes, eV per atom, in addition to 3 kT: a fraction of a bond.
EXPLODED = 1.0


class Watch:
    """Looks at a run now and then and ends it when it is no longer one of this material.

    Parameters
    ----------
    atoms
        The structure at its start, with whole bonds.
    every
        Steps between two looks.
    max_grade
        Largest extrapolation grade, where the calculator knows one; None for no bound.
    """

    def __init__(self, atoms: Atoms, every: int = 50, max_grade: float | None = TRUSTED) -> None:
        self.every, self.max_grade = every, max_grade
        radii = BOND_FACTOR * covalent_radii[atoms.numbers]
        self._i, self._j, self._images = neighbor_list("ijS", atoms, radii, self_interaction=False)
        self._longest = TORN * self._bonds(atoms).max(initial=0.0)
        layer = assign_layers(atoms)
        self._layers = [np.flatnonzero(layer == n) for n in range(int(layer.max()) + 1)]
        self._gaps = self._distances(atoms.positions)
        self._hottest, self._energy = 0.0, np.nan

    def check(self, motion: Motion, grade: Callable[[Atoms], float | None]) -> None:
        """Raise `UnphysicalError` when something is wrong; `grade` is `Engine.extrapolation_grade`."""
        reason = self.reason(motion.atoms, motion.energy, motion.temperature, motion.kinetic_temperature)
        reason = reason or self.extrapolates(motion.atoms, grade)
        if reason is not None:
            raise UnphysicalError(reason, motion.step)

    def extrapolates(self, atoms: Atoms, grade: Callable[[Atoms], float | None]) -> str | None:
        """By how much the potential extrapolates, if beyond the bound; `grade` is `Engine.extrapolation_grade`."""
        found = None if self.max_grade is None else grade(atoms)
        if found is None or self.max_grade is None or found <= self.max_grade:
            return None
        return f"the extrapolation grade {found:.3g} is beyond {self.max_grade:g}"

    def state(self) -> np.ndarray:
        """What it has to remember."""
        return np.array([self._hottest, self._energy])

    def restore(self, state: np.ndarray) -> None:
        """Take what `state` returned."""
        self._hottest, self._energy = (float(x) for x in state)

    def reason(self, atoms: Atoms, energy: float, temperature: float, kinetic: float) -> str | None:
        """What is wrong, or None; energies in eV, temperatures in K.

        Parameters
        ----------
        atoms
            The structure now.
        energy
            Potential energy, eV.
        temperature
            Of the thermostat, K.
        kinetic
            Kinetic temperature, K.
        """
        self._hottest = max(self._hottest, temperature)
        self._energy = self._energy if np.isfinite(self._energy) else energy
        x = atoms.positions
        if not (np.isfinite(x).all() and np.isfinite(kinetic)):
            return "positions or velocities are not numbers"
        if kinetic > HOTTER * self._hottest + MORE:
            return f"the energy explodes: the atoms are at {kinetic:.0f} K where {temperature:.0f} K were asked for"
        change = (energy - self._energy) / len(atoms)
        if abs(change) > EXPLODED + 3 * units.kB * self._hottest:
            return f"the energy explodes: it changed by {change:.2f} eV per atom"
        longest = self.broken_bond(atoms)
        if longest is not None:
            return f"a layer is torn: a bond is {longest:.2f} Å long"
        gaps = self._distances(x) / self._gaps
        if gaps.size and not (gaps.min() > NEAREST and gaps.max() < FARTHEST):
            what, gap = ("came apart", gaps.max()) if gaps.max() >= FARTHEST else ("collapsed", gaps.min())
            return f"layers {what}: to {gap:.2f} of their distance"
        return None

    def broken_bond(self, atoms: Atoms) -> float | None:
        """Length of the longest bond, Å, if it is broken; the cell of `atoms` may have changed since the start."""
        longest = float(self._bonds(atoms).max(initial=0.0))
        return longest if longest > self._longest else None

    def _bonds(self, atoms: Atoms) -> np.ndarray:
        x = atoms.positions
        return np.asarray(np.linalg.norm(x[self._j] - x[self._i] + self._images @ atoms.cell.array, axis=1))

    def _distances(self, x: np.ndarray) -> np.ndarray:
        return np.diff([x[members, 2].mean() for members in self._layers])
