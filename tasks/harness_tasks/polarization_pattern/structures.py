"""The relaxed structures of the task `polarization_pattern`, without and in a field."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from ase import Atoms

from harness.contracts.task import Context, Stage
from harness.engine.field import FieldEngine
from harness_tasks.moire.cells import Moire
from harness_tasks.moire.landscape import Landscape, Series, landscape_work, measure_landscape
from harness_tasks.moire.relaxation import RelaxationSettings, relax_moire
from harness_tasks.polarization.responses import Responses
from harness_tasks.polarization_pattern.params import PatternParams
from harness_tasks.sliding_path.path import SlidingState, point_name
from harness_tasks.structures.registries import make_grid, registry_operations

#: Registries along each axis of the landscape that relaxations start from.
REGISTRIES = 6
#: Of a relaxation in the progress bar, in patterns.
RELAXATION = 30


class Structures:
    """Relaxes moiré cells as the task `moire_relax` does, from elastic sheets over the potential's own landscape.

    Attributes
    ----------
    checks
        Of the relaxations so far.
    effort
        Of the landscape in the progress bar, in atoms that are relaxed.
    """

    def __init__(self, ctx: Context, notes: list[str]) -> None:
        self._ctx, self._notes = ctx, notes
        self._work = SlidingState(ctx.material, False, ["dipole"], notes)
        self.checks = self._work.checks
        self.effort = landscape_work(self._work, REGISTRIES)
        self._bare: Landscape | None = None
        self._asked = False

    def relaxed(self, name: str, moire: Moire, field: float, stage: Stage) -> Atoms | None:
        """The cell at rest in a vertical field (V/Å); None, with a check, where it is no structure of the material.

        Parameters
        ----------
        name
            Of the structure.
        moire
            The cell.
        field
            V/Å, along z.
        stage
            Keeps the relaxation.
        """
        if not self._asked:
            with stage.stage(weight=RELAXATION * self.effort, total=self.effort) as part:
                self._bare, self._asked = measure_landscape(self._ctx, self._work, REGISTRIES, part), True
            if self._bare is None:
                self._notes.append("no registry landscape: relaxations begin with rigid layers")
        ctx, engine = self._ctx, self._ctx.engine
        if field:
            engine = FieldEngine(engine, Responses.of(ctx), np.array([0.0, 0.0, field]))
        params: PatternParams = ctx.params
        settings = RelaxationSettings(
            ctx.noise.reachable(params.fmax), params.optimizer, params.max_steps, params.start, params.max_grade
        )
        key = f"{len(moire.atoms)}/{field:g}"
        landscape = self._landscape(field, stage)
        with stage.stage(weight=RELAXATION * len(moire.atoms), total=len(moire.atoms)) as part:
            found = relax_moire(engine, key, moire, landscape, part, settings)
        self.checks += found.checks(name)
        return None if found.reason else found.atoms

    def _landscape(self, field: float, stage: Stage) -> Landscape | None:
        """The landscape in a field, E(t) − E p⊥(t): domains along the field grow."""
        if self._bare is None or not field:
            return self._bare
        few = make_grid(REGISTRIES, registry_operations(self._work.material, antiparallel=False))
        dipoles = few.polarizations(np.array([self._dipole(registry, stage) for registry in few.registries]))
        energy = few.energies(self._bare.known[1]) - field * dipoles[..., 2]
        registries = np.stack(np.meshgrid(*2 * [np.arange(REGISTRIES) / REGISTRIES], indexing="ij"), axis=-1)
        return replace(self._bare, energy=Series.through(energy), known=(registries.reshape(-1, 2), energy.ravel()))

    def _dipole(self, registry: np.ndarray, stage: Stage) -> np.ndarray:
        name = point_name("dipole", registry)
        if name not in stage:
            atoms = self._work.stack(registry)
            atoms.positions = stage[point_name("relaxed", registry)]["positions"]
            stage.keep(name, Responses.of(self._ctx)(atoms, ["dipole"]))
        return np.asarray(stage[name]["dipole"])
