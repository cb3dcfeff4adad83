"""Sliding of two layers: energy and polarization over all registries; docs/tasks/sliding.md has the definitions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from ase import Atoms

from harness import Measurement
from harness.errors import HarnessError
from harness.protocols import Arrays, Context
from harness.record import Record
from harness_tasks import sliding_results as results
from harness_tasks.cells import positive
from harness_tasks.points import evaluate
from harness_tasks.registries import AB, Grid, make_grid
from harness_tasks.sliding_path import WORK, Work, at_registries, point_name, polarize, relax_lattice, walk
from harness_tasks.sliding_results import Landscape
from harness_tasks.stacks import bilayer, require_bilayer, stacking_of


@dataclass(frozen=True, slots=True)
class SlidingParams:
    """Parameters of `sliding`.

    Attributes
    ----------
    path_points
        On the straight path AB-SP-BA, both ends included; odd, so that SP is one of them.
    paths
        ``rigid``: flat layers at the material's distance, the same structures for every potential; ``relaxed``: every
        atom free along z, in-plane positions held.
    grid
        The map has grid × grid registries, of which symmetry leaves a twelfth (parallel) or a sixth to be calculated;
        a multiple of 6, so that AA, AB, BA and SP are among them; 0 for no map.
    map
        ``relaxed`` or ``rigid``, as for the path.
    map_polarization
        Ask for the dipole at the registries of the map as well.
    relax_cell
        Take the potential's own lattice constant (AB, or AA' if antiparallel) in place of the material's.
    fmax, max_steps
        Of relaxations, eV/Å.
    """

    path_points: int = 9
    paths: tuple[Literal["rigid", "relaxed"], ...] = ("rigid", "relaxed")
    grid: int = 6
    map: Literal["rigid", "relaxed"] = "relaxed"
    map_polarization: bool = True
    relax_cell: bool = False
    fmax: float = 1e-4
    max_steps: int = 200

    def __post_init__(self) -> None:
        if self.path_points < 5 or self.path_points % 2 == 0:
            raise HarnessError(f"task.params.path_points is {self.path_points}.", "Give an odd number of at least 5.")
        if self.grid < 0 or self.grid % 6:
            raise HarnessError(f"task.params.grid is {self.grid}.", "Give a multiple of 6, or 0 for no map.")
        if len(set(self.paths)) < len(self.paths) or not (self.paths or self.grid):
            raise HarnessError(
                "task.params.paths names a path twice, or there is nothing to do.", "Give [rigid,relaxed]."
            )
        if not (self.fmax > 0 and self.max_steps > 0):
            raise HarnessError("task.params.fmax and max_steps must be positive.", "Give e.g. fmax=1e-4 max_steps=200.")


class Sliding:
    """Energy and polarization of a bilayer over its registries, and along the path that switches it."""

    name: ClassVar[str] = "sliding"
    version: ClassVar[int] = 1
    requires: ClassVar[frozenset[str]] = frozenset({"energy", "forces"})
    Params: ClassVar[type] = SlidingParams
    headline: ClassVar[tuple[str, ...]] = (
        "barrier_per_cell",
        "barrier_per_formula_unit",
        "barrier_per_cell_rigid",
        "corrugation_per_cell",
        "distance_AB",
        "spontaneous_polarization",
        "spontaneous_polarization_born",
        "polarization_parallel_SP",
        "layer_born_charge_perp_SP",
        "spontaneous_polarization_rigid",
    )

    def structure(self, material: Mapping[str, Any], params: SlidingParams) -> Atoms:
        """The material's own bilayer."""
        require_bilayer(material, self.name)
        registry, antiparallel = stacking_of(str(material.get("stacking")))
        return bilayer(material, registry, positive(material, "distance"), antiparallel=antiparallel)

    def measure(self, ctx: Context) -> Measurement:
        """The paths, then the map; everything that is finished stays in the checkpoint."""
        params: SlidingParams = ctx.params
        work = Work.of(ctx)
        antiparallel, polar = work.antiparallel, work.polar
        if params.relax_cell:
            relax_lattice(ctx, work)
        grid = make_grid(params.grid, antiparallel) if params.grid else None
        kinds = () if antiparallel else params.paths
        n = params.path_points
        total = sum(n * (WORK if kind == "relaxed" else 1) + n * bool(polar) for kind in kinds)
        if grid is not None:
            total += len(grid.nodes) * (
                (WORK if params.map == "relaxed" else 1) + (params.map_polarization and bool(polar))
            )
        with ctx.progress("sliding", total) as bar:
            tracks = [walk(ctx, work, kind, n, bar) for kind in kinds]
            landscape = None
            if grid is not None:
                with ctx.clock("map"):
                    found = at_registries(ctx, work, params.map, grid.registries, bar)
                    dipoles = None
                    if "dipole" in polar and params.map_polarization:
                        dipoles = polarize(ctx, work, params.map, grid.registries, found[1], bar)["dipole"]
                    image = self._image(ctx, work, grid)
                landscape = Landscape(grid, params.map, *found, dipoles, image)
            work.points.save()
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
        return measurement

    def _image(self, ctx: Context, work: Work, grid: Grid) -> float:
        """Energy of a rigid registry, one of those with most images, less that of an image of it, eV."""
        general = grid.most_images
        pair = [grid.registries[general], grid.image(general)]
        names = [f"image/{point_name('rigid', t)}" for t in pair]
        quiet = _Quiet()
        evaluate(ctx, work.points, {n: work.stack(t) for n, t in zip(names, pair, strict=True)}, ["energy"], quiet)
        return float(work.points[names[0]]["energy"] - work.points[names[1]]["energy"])

    def figures(self, record: Record, arrays: Arrays, folder: Path) -> list[Path]:
        """The map, and energy and polarization along the path."""
        from harness_tasks.sliding_figures import draw

        return draw(record, arrays, folder)


class _Quiet:
    def update(self, n: float = 1, note: str = "") -> None:
        """Say nothing."""
