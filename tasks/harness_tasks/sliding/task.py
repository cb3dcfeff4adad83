"""Sliding of two layers: energy and polarization over all registries; docs/tasks/sliding.md has the definitions."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from ase import Atoms

from harness.contracts.material import Material, Need
from harness.contracts.measurement import Arrays, Measurement
from harness.contracts.observable import Observable
from harness.contracts.record import Record
from harness.contracts.task import Context, Stage
from harness.engine.resumable import evaluate
from harness_tasks.sliding import analysis as results
from harness_tasks.sliding.observables import OBSERVABLES
from harness_tasks.sliding.params import SlidingParams
from harness_tasks.sliding_path.path import WORK, SlidingState, at_registries, point_name, polarize, relax_lattice, walk
from harness_tasks.sliding_path.track import Landscape
from harness_tasks.structures.bilayers import bilayer
from harness_tasks.structures.registries import AB, Grid, make_grid, registry_operations


class Sliding:
    """Energy and polarization of a bilayer over its registries, and along the path that switches it."""

    name: ClassVar[str] = "sliding"
    version: ClassVar[int] = 1
    requires: ClassVar[frozenset[str]] = frozenset({"energy", "forces"})
    needs: ClassVar[frozenset[Need]] = frozenset({Need.TWO_LAYERS, Need.HONEYCOMB_LAYERS})
    Params: ClassVar[type] = SlidingParams
    observables: ClassVar[tuple[Observable, ...]] = OBSERVABLES

    def structure(self, material: Material, params: SlidingParams) -> Atoms:
        """The material's own bilayer."""
        return bilayer(material, material.registry, material.distance, antiparallel=material.antiparallel)

    def measure(self, ctx: Context) -> Measurement:
        """The paths, then the map; what is finished survives a kill."""
        params: SlidingParams = ctx.params
        work = SlidingState.of(ctx)
        antiparallel, polar = work.antiparallel, work.polar
        grid = make_grid(params.grid, registry_operations(work.material, antiparallel)) if params.grid else None
        kinds = () if antiparallel else params.paths
        n = params.path_points
        total = sum(n * (WORK if kind == "relaxed" else 1) + n * bool(polar) for kind in kinds)
        if grid is not None:
            total += 2 + len(grid.nodes) * (
                (WORK if params.map == "relaxed" else 1) + (params.map_polarization and bool(polar))
            )
        with ctx.stages.stage("registries", total=total) as stage:
            if params.relax_cell:
                relax_lattice(ctx, work, stage)
            tracks = [walk(ctx, work, kind, n, stage) for kind in kinds]
            landscape = None
            if grid is not None:
                with ctx.clock("map"):
                    found = at_registries(ctx, work, params.map, grid.registries, stage, "map")
                    dipoles = None
                    if "dipole" in polar and params.map_polarization:
                        dipoles = polarize(ctx, work, params.map, grid.registries, found[1], stage)["dipole"]
                    image = self._image(ctx, work, grid, stage)
                landscape = Landscape(grid, params.map, *found, dipoles, image)
        if antiparallel:
            work.notes.append("antiparallel layers have no AB-SP-BA path: map only")
        if not polar:
            work.notes.append(
                "no polarization: neither potential nor polarization model offers a dipole or Born charges"
            )
        elif "born_effective_charges" not in polar:
            work.notes.append("no Born charges: polarization from dipoles alone")
        elif "dipole" not in polar:
            work.notes.append("no dipole: polarization along the paths from Born charges alone, none on the map")
        measurement = results.evaluate(ctx, work.material, work.stack(AB), tracks, landscape)
        measurement.notes = work.notes + measurement.notes
        measurement.checks = work.checks + measurement.checks
        return measurement

    def _image(self, ctx: Context, work: SlidingState, grid: Grid, stage: Stage) -> float:
        """Energy of a rigid registry, one of those with most images, less that of an image of it, eV."""
        general = grid.most_images
        pair = [grid.registries[general], grid.image(general)]
        names = [f"image/{point_name('rigid', t)}" for t in pair]
        evaluate(ctx.engine, stage, {n: work.stack(t) for n, t in zip(names, pair, strict=True)}, ["energy"])
        return float(stage[names[0]]["energy"] - stage[names[1]]["energy"])

    def figures(self, record: Record, arrays: Arrays, folder: Path) -> list[Path]:
        """The map, and energy and polarization along the path."""
        from harness_tasks.sliding.figures import draw

        return draw(record, arrays, folder)
