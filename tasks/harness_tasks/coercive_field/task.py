"""The field that switches a sliding ferroelectric; docs/tasks/coercive_field.md has the definitions.

After Deng et al., arXiv 2407.15081.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from ase import Atoms

from harness.contracts.material import Material, Need
from harness.contracts.measurement import Arrays, Measurement
from harness.contracts.observable import Observable
from harness.contracts.quantity import Quantity
from harness.contracts.record import Record
from harness.contracts.task import Context, Stage
from harness.materials.sheets import area
from harness_tasks.coercive_field import analysis as results
from harness_tasks.coercive_field import checks
from harness_tasks.coercive_field import observables as declared
from harness_tasks.coercive_field.analysis import Models
from harness_tasks.coercive_field.arrays import add_arrays, add_histories
from harness_tasks.coercive_field.params import CoerciveFieldParams
from harness_tasks.coercive_field.ramps import Plan, Run, Runner, plans
from harness_tasks.coercive_field.rates import expected_field
from harness_tasks.coercive_field.registry_map import Surface, TransverseFields
from harness_tasks.coercive_field.switching import HELD_WORK, CoerciveField1D, SlidingPath, course, strength
from harness_tasks.sliding_path.checks import of_track
from harness_tasks.sliding_path.path import WORK, SlidingState, at_registries, polarize, relax_lattice, walk
from harness_tasks.sliding_path.track import Track, integrate
from harness_tasks.structures.bilayers import LOWER, bilayer
from harness_tasks.structures.registries import BA, make_grid, registry_operations

#: Share of the progress bar of what comes before the runs, where there are any.
AT_REST = 0.2


class CoerciveField:
    """Vertical and inclined fields that slide the layers from BA to AB, at rest and at temperatures."""

    name: ClassVar[str] = "coercive_field"
    version: ClassVar[int] = 1
    requires: ClassVar[frozenset[str]] = frozenset({"energy", "forces", "born_effective_charges"})
    needs: ClassVar[frozenset[Need]] = frozenset({Need.TWO_LAYERS, Need.HONEYCOMB_LAYERS, Need.PARALLEL_LAYERS})
    Params: ClassVar[type] = CoerciveFieldParams
    observables: ClassVar[tuple[Observable, ...]] = declared.OBSERVABLES

    def structure(self, material: Material, params: CoerciveFieldParams) -> Atoms:
        """The bilayer at BA, where every field begins."""
        return bilayer(material, BA, material.distance)

    def measure(self, ctx: Context) -> Measurement:
        """The path, fields at rest, fields beside the path, then the runs; whatever is finished stays finished."""
        params: CoerciveFieldParams = ctx.params
        work = SlidingState.of(ctx)
        grid = None
        if params.grid and "dipole" in work.polar:
            grid = make_grid(params.grid, registry_operations(work.material, antiparallel=False))
        share = WORK if params.path == "relaxed" else 1
        still = params.path_points * (share + 1) + (len(grid.nodes) * (share + 1) if grid else 0)
        still += 3 * HELD_WORK * len(params.dips)
        moving = bool(params.temperatures and (params.ramp or params.step))
        with ctx.stages.stage("at rest", AT_REST if moving else 1, still) as stage:
            if params.relax_cell:
                relax_lattice(ctx, work, stage)
            track = walk(ctx, work, params.path, params.path_points, stage)
            if not np.isfinite(track.energy).all():
                why = "the layers do not hold together along the path: no field"
                return Measurement(checks=work.checks, notes=[*work.notes, why])
            way = course(track, _moved(track))
            models = Models.of(way, params.order)
            if not models.switchable:
                return self._without(work, track, way, models)
            strengths = self._statics(ctx, work, way, models, stage)
            beside = None if grid is None else self._plane(ctx, work, way, models, grid, stage)
        todo, skipped_runs = results.split_runs(list(plans(params, models.full)), strengths)
        runs = self._runs(ctx, work, way, models, todo) if todo else []
        return self._evaluate(ctx, work, track, way, models, strengths, beside, runs, skipped_runs)

    def _statics(
        self, ctx: Context, work: SlidingState, way: SlidingPath, models: Models, stage: Stage
    ) -> list[CoerciveField1D]:
        with ctx.clock("statics"):
            return [strength(ctx, work, way, models.full, dip, stage) for dip in ctx.params.dips]

    def _plane(
        self, ctx: Context, work: SlidingState, way: SlidingPath, models: Models, grid: Any, stage: Stage
    ) -> TransverseFields:
        with ctx.clock("map"):
            kind = ctx.params.path
            energy, positions = at_registries(ctx, work, kind, grid.registries, stage, "map")
            dipole = polarize(ctx, work, kind, grid.registries, positions, stage)["dipole"]
            cell = work.stack(BA).cell.array[:2, :2]
            surface = Surface(grid.energies(energy), grid.polarizations(dipole), cell, way.axes)
            return surface.beside(ctx.params.beside, 2 * models.full.vertical_field())

    def _runs(self, ctx: Context, work: SlidingState, way: SlidingPath, models: Models, todo: list[Plan]) -> list[Run]:
        runner = Runner(ctx, work, way, models.full)
        steps = sum(plan.steps(ctx.params) for plan in todo)
        with ctx.stages.stage("runs", 1 - AT_REST, steps) as stage, ctx.clock("runs"):
            return [runner.run(plan, stage) for plan in todo]

    def _without(self, work: SlidingState, track: Track, way: SlidingPath, models: Models) -> Measurement:
        """Constants of the path alone, where no vertical field takes BA's minimum away."""
        why = "no coercive field: BA is no minimum of the path, or not where its polarization is largest"
        measurement = Measurement(results.of_path(models), notes=[*work.notes, why])
        for observable in (declared.MODEL, declared.PATH, declared.STATIC):
            measurement.observables |= observable.of(Quantity(math.nan, "V/A", method=why))
        measurement.checks = work.checks + of_track(track, area(work.stack(BA)))
        add_arrays(measurement, way, models, [], None)
        return measurement

    def _evaluate(
        self,
        ctx: Context,
        work: SlidingState,
        track: Track,
        way: SlidingPath,
        models: Models,
        strengths: list[CoerciveField1D],
        beside: TransverseFields | None,
        runs: list[Run],
        skipped_runs: list[Plan],
    ) -> Measurement:
        params: CoerciveFieldParams = ctx.params
        found = results.of_path(models) | results.of_statics(strengths, models)
        measurement = Measurement(notes=list(work.notes))
        if beside is not None:
            found |= results.of_plane(beside, params.beside, models.full)
        by_runs, notes = results.of_runs(runs, skipped_runs)
        found |= by_runs | self._rigid(work, models, params, runs)
        worst = checks.born_interval_error(runs)
        if worst is not None:
            found |= declared.BORN_ERROR.of(worst)
        measurement.observables = found
        measurement.notes += notes + checks.remarks(way, beside)
        measurement.checks = work.checks + of_track(track, area(work.stack(BA)))
        measurement.checks += checks.of(params, models, strengths, beside, worst) + checks.of_runs(runs)
        add_arrays(measurement, way, models, strengths, beside)
        add_histories(measurement, runs)
        return measurement

    def _rigid(
        self, work: SlidingState, models: Models, params: CoerciveFieldParams, runs: list[Run]
    ) -> dict[str, Quantity]:
        """What rigid layers of the same cell would do in the same ramps."""
        mass = 0.5 * float(work.stack(BA).get_masses()[LOWER].sum())
        friction = 1 / params.damping if params.ensemble == "langevin" else 0.0
        found: dict[str, Quantity] = {}
        for plan in {(r.plan.temperature, r.plan.parallel): r.plan for r in runs if r.plan.kind == "ramp"}.values():
            field, low, high = expected_field(
                models.full,
                plan.parallel,
                params.size**2,
                mass,
                plan.temperature,
                1e-3 * params.ramp,
                plan.start,
                plan.end,
                friction,
            )
            method = "transition-state theory of rigid layers on the path; interval: 95 % of single runs"
            quantity = Quantity(field, "V/A", (min(low, field), max(high, field)), "range", method=method)
            found |= declared.RIGID.of(quantity, plan.temperature, plan.parallel)
        return found

    def figures(self, record: Record, arrays: Arrays, folder: Path) -> list[Path]:
        """The hysteresis loop, the inclined fields, and the runs."""
        from harness_tasks.coercive_field.figures import draw

        return draw(record, arrays, folder)


def _moved(track: Track) -> np.ndarray:
    """Dipole along the path, from dipoles where there are any, else from Born charges, e Å (n, 3)."""
    if track.dipole is not None:
        return track.dipole
    moved = integrate(track.balanced_born, track.positions, track.s)
    moved[:, 2] -= moved[len(moved) // 2, 2]
    return moved
