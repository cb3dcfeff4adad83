"""Relaxed moiré bilayers, twisted and lattice-mismatched; docs/tasks/moire_relax.md has the definitions."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from ase import Atoms

from harness.contracts.material import Material, Need
from harness.contracts.measurement import Arrays, Measurement
from harness.contracts.observable import Observable
from harness.contracts.record import Record
from harness.contracts.task import Context
from harness_tasks.moire.landscape import measure_landscape
from harness_tasks.moire.relaxation import moires, relax_moire
from harness_tasks.moire_relax import analysis as results
from harness_tasks.moire_relax.observables import OBSERVABLES
from harness_tasks.moire_relax.params import MoireParams
from harness_tasks.moire_relax.surface import draw as draw_potential
from harness_tasks.moire_relax.surface import surface
from harness_tasks.sliding_path.path import Work, relax_lattice


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
        return list(moires(material, material.antiparallel, params).values())[-1].atoms

    def measure(self, ctx: Context) -> Measurement:
        """The landscape, then cell by cell from the smallest; what is finished stays in the checkpoint."""
        params: MoireParams = ctx.params
        work = Work.of(ctx)
        work.polar.clear()
        if params.relax_cell:
            relax_lattice(ctx, work)
        cells = moires(work.material, work.antiparallel, params)
        effort = 0.05 * sum(len(moire.atoms) for moire in cells.values())
        with ctx.progress("moire_relax", sum(len(moire.atoms) for moire in cells.values()) + effort) as bar:
            with ctx.clock("landscape"):
                landscape = measure_landscape(ctx, work, params.grid, _Share(bar, effort, params.grid))
            if landscape is None:
                work.notes.append("no registry landscape: relaxations begin with rigid layers")
            structures = []
            for name, moire in cells.items():
                with ctx.clock(name):
                    structures.append(relax_moire(ctx, work, name, moire, landscape, bar))
                if structures[-1].reason:
                    work.notes.append(f"cells larger than {name} were not tried")
                    break
        measurement = results.evaluate(ctx, work, landscape, structures)
        above = surface(ctx, work, structures)
        measurement.observables |= above.observables
        measurement.arrays |= above.arrays
        measurement.checks = work.checks + measurement.checks + above.checks
        measurement.notes = work.notes + measurement.notes
        return measurement

    def figures(self, record: Record, arrays: Arrays, folder: Path) -> list[Path]:
        """Maps of the distance and of the displacement, and everything against the angle."""
        from harness_tasks.moire_relax.figures import draw

        return draw(record, arrays, folder) + draw_potential(record, arrays, folder)


class _Share:
    """The part of a bar that the landscape may move; how many evaluations it takes is not known."""

    def __init__(self, bar: Any, effort: float, grid: int) -> None:
        self._bar, self._left, self._step = bar, 0.999 * effort, effort / (4 * grid)

    def update(self, n: float = 1, note: str = "") -> None:
        """Advance by `n` evaluations, never beyond the share."""
        step = min(n * self._step, self._left)
        self._left -= step
        self._bar.update(step, note)
