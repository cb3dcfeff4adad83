"""The relaxed structures of the task `polarization_pattern`, without and in a field."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import partial

import numpy as np
from ase import Atoms

from harness.contracts.task import Context, Progress
from harness.engine.field import FieldEngine
from harness_tasks.moire.cells import Moire
from harness_tasks.moire.landscape import Landscape, Series, measure_landscape
from harness_tasks.moire.relaxation import relax_moire
from harness_tasks.services.points import Points
from harness_tasks.sliding_path.path import WORK, Work, point_name
from harness_tasks.structures.registries import make_grid, registry_operations
from harness_tasks.structures.sheets import polarization

#: Registries along each axis of the landscape that relaxations start from.
REGISTRIES = 6


class Scaled:
    """A bar in other units."""

    def __init__(self, bar: Progress, factor: float) -> None:
        self._bar, self._factor = bar, factor

    def update(self, n: float = 1, note: str = "") -> None:
        """Advance by `n`, times the factor."""
        self._bar.update(n * self._factor, note)


class Structures:
    """Relaxes moiré cells as the task `moire_relax` does, from elastic sheets over the potential's own landscape.

    Attributes
    ----------
    checks
        Of the relaxations so far.
    effort
        What the landscape adds to a progress bar that counts atoms.
    """

    def __init__(self, ctx: Context, points: Points, notes: list[str]) -> None:
        self._ctx, self._notes = ctx, notes
        self._work = Work(ctx.material, False, points, ["dipole"], notes)
        self.checks = self._work.checks
        self._bare: Landscape | None = None
        self._asked = False
        self._grid = make_grid(REGISTRIES, registry_operations(ctx.material, antiparallel=False))
        self.effort = len(self._grid.nodes) * WORK + 4

    def relaxed(self, name: str, moire: Moire, field: float, bar: Progress) -> Atoms | None:
        """The cell at rest in a vertical field (V/Å); None, with a check, where it is no structure of the material."""
        if not self._asked:
            self._bare, self._asked = measure_landscape(self._ctx, self._work, REGISTRIES, bar), True
            if self._bare is None:
                self._notes.append("no registry landscape: relaxations begin with rigid layers")
        ctx = self._ctx
        if field:
            ctx = copy.copy(ctx)
            ctx.engine = FieldEngine(ctx.engine, partial(polarization, self._ctx), np.array([0.0, 0.0, field]))
        key = f"{len(moire.atoms)}/{field:g}"
        found = relax_moire(ctx, self._work, key, moire, self._landscape(field), bar)
        self.checks += found.checks(name)
        return None if found.reason else found.atoms

    def _landscape(self, field: float) -> Landscape | None:
        """The landscape in a field, E(t) − E p⊥(t): domains along the field grow."""
        if self._bare is None or not field:
            return self._bare
        few = self._grid
        dipoles = few.polarizations(np.array([self._dipole(registry) for registry in few.registries]))
        energy = few.energies(self._bare.known[1]) - field * dipoles[..., 2]
        registries = np.stack(np.meshgrid(*2 * [np.arange(REGISTRIES) / REGISTRIES], indexing="ij"), axis=-1)
        return replace(self._bare, energy=Series.through(energy), known=(registries.reshape(-1, 2), energy.ravel()))

    def _dipole(self, registry: np.ndarray) -> np.ndarray:
        name = point_name("dipole", registry)
        if name not in self._work.points:
            atoms = self._work.stack(registry)
            atoms.positions = self._work.points[point_name("relaxed", registry)]["positions"]
            self._work.points.put(name, {"dipole": polarization(self._ctx, atoms, ["dipole"])["dipole"]}, 0.0)
        return np.asarray(self._work.points[name]["dipole"])
