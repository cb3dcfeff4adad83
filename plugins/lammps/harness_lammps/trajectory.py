"""Molecular dynamics inside LAMMPS: many time steps with one call."""

from __future__ import annotations

import math

import numpy as np
from ase import units

from harness_lammps.box import ROOM
from harness_lammps.library import speaking
from harness_lammps.session import Session

__all__ = ["Trajectory"]


class Trajectory(Session):
    """A session whose atoms move by ``fix nve``, with ``fix langevin`` where the temperature is held."""

    def begin(
        self,
        velocities: np.ndarray,
        masses: np.ndarray,
        held: np.ndarray,
        timestep: float,
        thermostat: tuple[float, float, int] | None,
    ) -> None:
        """Hand over what the atoms carry, and evaluate the forces for the first step.

        Parameters
        ----------
        velocities
            (N, 3), in ASE's unit.
        masses
            u, (N,); the same for all atoms of a type.
        held
            Mask (N,) of atoms that do not move.
        timestep
            fs.
        thermostat
            Temperature (K), relaxation time (fs), and seed from 1 to 900,000,000; None: constant energy.

        Raises
        ------
        HarnessError
            With LAMMPS' own words.
        """
        run, constant = self._lammps.command, self._lammps.extract_global
        # LAMMPS' constants of nature differ from ASE's in the eighth digit. In this unit of time they cancel.
        self._time_unit = math.sqrt(constant("mvv2e") * self._energy_unit)
        fs = units.fs * self._time_unit
        with speaking(self._lammps):
            for kind in np.unique(self.types):
                run(f"mass {kind} {masses[self.types == kind][0]:.17g}")
            # LAMMPS may have wrapped atoms on an edge of the box when it made them; periods count from here.
            self._scatter("x", self._x)
            self._scatter("image", np.zeros((self._n, 3), dtype=int))
            self._scatter("v", velocities @ self._box.turn.T / self._time_unit)
            for first, last in _ranges(held):
                run(f"group held id {first + 1}:{last + 1}")
            if held.any():
                run("group moving subtract all held")
            moving = "moving" if held.any() else "all"
            run(f"timestep {timestep * fs:.17g}")
            run(f"fix steps {moving} nve")
            if thermostat is not None:
                temperature, damping, seed = thermostat
                temperature *= units.kB / (constant("boltz") * self._energy_unit)
                warm = f"{temperature:.17g}"
                run(f"fix thermostat {moving} langevin {warm} {warm} {damping * fs:.17g} {seed}")
            run("thermo_style custom step pe")  # without the pressure, which costs time
            run("thermo 0")
            run("run 0 post no")

    def advance(self, steps: int) -> None:
        """Go on by `steps`.

        Raises
        ------
        HarnessError
            With LAMMPS' own words, e.g. when it lost an atom.
        """
        with speaking(self._lammps):
            self._lammps.command(f"run {steps} pre no post no")

    @property
    def energy(self) -> float:
        """Potential energy at the last step, eV."""
        return float(self._lammps.extract_compute("thermo_pe", 0, 0) * self._energy_unit)

    def positions(self) -> tuple[np.ndarray, bool]:
        """Positions (N, 3) in the axes of the structure, never wrapped, and whether the walls are still far away."""
        self._gather("x", self._x)
        images = np.ctypeslib.as_array(self._lammps.gather_atoms("image", 0, 3)).reshape(self._n, 3)
        x = self._x + images @ self._box.edges + self._offset
        return self._box.back(x), self._box.holds(x, near=ROOM / 2)

    def velocities(self) -> np.ndarray:
        """(N, 3), in ASE's unit."""
        v = np.empty((self._n, 3))
        self._gather("v", v)
        return self._box.back(v * self._time_unit)


def _ranges(mask: np.ndarray) -> list[tuple[int, int]]:
    """First and last index of each run of true entries."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(int)))
    return [(int(first), int(end) - 1) for first, end in zip(edges[::2], edges[1::2], strict=True)]
