"""Relaxed moiré bilayers, twisted and lattice-mismatched; docs/tasks/moire_relax.md has the definitions."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from ase import Atoms

from harness.contracts.material import Material, Need
from harness.contracts.measurement import Arrays, Measurement
from harness.contracts.observable import Observable
from harness.contracts.record import Record
from harness.contracts.task import Context
from harness_tasks.moire.cells import named_cells
from harness_tasks.moire.landscape import landscape_work, measure_landscape
from harness_tasks.moire.relaxation import RelaxationSettings, relax_moire
from harness_tasks.moire_relax import analysis as results
from harness_tasks.moire_relax.observables import OBSERVABLES
from harness_tasks.moire_relax.params import MoireParams
from harness_tasks.moire_relax.surface import draw as draw_potential
from harness_tasks.moire_relax.surface import surface
from harness_tasks.sliding_path.path import SlidingState, relax_lattice

#: Shares of the progress bar: of the landscape, and of the potential above the relaxed structures.
LANDSCAPE, SURFACE = 0.05, 0.05


class MoireRelax:
    """Structure of moiré bilayers at rest: layer distances, displacements, domains and walls."""

    name: ClassVar[str] = "moire_relax"
    version: ClassVar[int] = 1
    requires: ClassVar[frozenset[str]] = frozenset({"energy", "forces"})
    needs: ClassVar[frozenset[Need]] = frozenset({Need.TWO_LAYERS, Need.HONEYCOMB_LAYERS})
    Params: ClassVar[type] = MoireParams
    observables: ClassVar[tuple[Observable, ...]] = OBSERVABLES

    def structure(self, material: Material, params: MoireParams) -> Atoms:
        """The largest of the cells, with rigid layers."""
        cells = named_cells(material, params.twists, params.mismatch, antiparallel=material.antiparallel)
        return list(cells.values())[-1].atoms

    def measure(self, ctx: Context) -> Measurement:
        """The landscape, then cell by cell from the smallest; what is finished survives a kill."""
        params: MoireParams = ctx.params
        work = SlidingState.of(ctx)
        work.polar.clear()
        with ctx.stages.stage("cells") as stage:
            if params.relax_cell:
                relax_lattice(ctx, work, stage)
            cells = named_cells(work.material, params.twists, params.mismatch, antiparallel=work.antiparallel)
            sizes = sum(len(moire.atoms) for moire in cells.values())
            evaluations = landscape_work(work, params.grid)
            with stage.stage("landscape", LANDSCAPE, evaluations) as part, ctx.clock("landscape"):
                landscape = measure_landscape(ctx, work, params.grid, part)
            if landscape is None:
                work.notes.append("no registry landscape: relaxations begin with rigid layers")
            structures = []
            settings = RelaxationSettings(
                ctx.noise.reachable(params.fmax), params.optimizer, params.max_steps, params.start, params.max_grade
            )
            with stage.stage("relaxations", 1 - LANDSCAPE - SURFACE, sizes) as part:
                for name, moire in cells.items():
                    with ctx.clock(name):
                        structures.append(relax_moire(ctx.engine, name, moire, landscape, part, settings))
                    if structures[-1].reason:
                        work.notes.append(f"cells larger than {name} were not tried")
                        break
            measurement = results.evaluate(ctx, work, landscape, structures)
            with stage.stage("potential above", SURFACE, 2 * sizes) as part:
                above = surface(ctx, structures, part)
        measurement.observables |= above.observables
        measurement.arrays |= above.arrays
        measurement.checks = work.checks + measurement.checks + above.checks
        measurement.notes = work.notes + measurement.notes
        return measurement

    def figures(self, record: Record, arrays: Arrays, folder: Path) -> list[Path]:
        """Maps of the distance and of the displacement, and everything against the angle."""
        from harness_tasks.moire_relax.figures import draw

        return draw(record, arrays, folder) + draw_potential(record, arrays, folder)
