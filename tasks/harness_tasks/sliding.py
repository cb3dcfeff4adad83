"""Sliding of two layers: energy and polarization over all registries; docs/tasks/sliding.md has the definitions."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from ase import Atoms

from harness import Measurement
from harness.errors import HarnessError
from harness.protocols import Arrays, Context
from harness.record import Record
from harness_tasks import sliding_results as results
from harness_tasks.cells import positive
from harness_tasks.points import Points, evaluate, relax
from harness_tasks.registries import AB, BA, Grid, make_grid
from harness_tasks.sheets import offered, polarization
from harness_tasks.sliding_results import Landscape, Track
from harness_tasks.stacks import bilayer, distance_of, own_lattice_constant, require_bilayer, stacking_of, upright

#: Of a relaxation in the progress bar, in evaluations.
WORK = 6


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


@dataclass(slots=True)
class Work:
    """What the steps of one measurement share."""

    material: dict[str, Any]
    antiparallel: bool
    points: Points
    polar: list[str]  # properties that are asked for at each point
    notes: list[str] = field(default_factory=list)

    @property
    def distance(self) -> float:
        """Of rigid layers, Å."""
        return positive(self.material, "distance")

    def stack(self, registry: np.ndarray) -> Atoms:
        """Flat layers."""
        return bilayer(self.material, registry, self.distance, antiparallel=self.antiparallel)


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
        antiparallel = stacking_of(str(ctx.material.get("stacking")))[1]
        polar: list[str] = [name for name in ("dipole", "born_effective_charges") if name in offered(ctx)]
        work = Work(dict(ctx.material), antiparallel, Points(ctx.checkpoint), polar)
        if params.relax_cell:
            self._lattice(ctx, work)
        grid = make_grid(params.grid, antiparallel) if params.grid else None
        kinds = () if antiparallel else params.paths
        n = params.path_points
        total = sum(n * (WORK if kind == "relaxed" else 1) + n * bool(polar) for kind in kinds)
        if grid is not None:
            total += len(grid.nodes) * (
                (WORK if params.map == "relaxed" else 1) + (params.map_polarization and bool(polar))
            )
        with ctx.progress("sliding", total) as bar:
            s = np.linspace(0, 1, n)
            registries = AB + s[:, None] * (BA - AB)
            tracks = [self._track(ctx, work, kind, s, registries, bar) for kind in kinds]
            landscape = None
            if grid is not None:
                with ctx.clock("map"):
                    found = self._points(ctx, work, params.map, grid.registries, bar)
                    dipoles = None
                    if "dipole" in polar and params.map_polarization:
                        dipoles = self._polarize(ctx, work, params.map, grid.registries, found, bar)["dipole"]
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

    def _lattice(self, ctx: Context, work: Work) -> None:
        if "lattice" not in work.points:
            stacking = "AA'" if work.antiparallel else "AB"
            a, note = own_lattice_constant(ctx, stacking, ctx.params.fmax, ctx.params.max_steps)
            work.points.put("lattice", {"a": a, "note": np.array(note)}, 0.0)
        work.material["a"] = float(work.points["lattice"]["a"])
        work.notes.append(str(work.points["lattice"]["note"]))

    def _track(self, ctx: Context, work: Work, kind: str, s: np.ndarray, registries: np.ndarray, bar: Any) -> Track:
        with ctx.clock(f"{kind} path"):
            energy, positions = self._points(ctx, work, kind, registries, bar)
            polar = self._polarize(ctx, work, kind, registries, (energy, positions), bar) if work.polar else {}
        step = (BA - AB) @ work.stack(AB).cell.array[:2]
        return Track(kind, s, energy, positions, step, polar.get("dipole"), polar.get("born_effective_charges"))

    def _points(
        self, ctx: Context, work: Work, kind: str, registries: np.ndarray, bar: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """Energies (n,) and positions (n, 4, 3) at the registries; nan where layers came apart or collapsed."""
        names = [_name(kind, t) for t in registries]
        flat = {name: work.stack(t) for name, t in zip(names, registries, strict=True)}
        if kind == "rigid":
            evaluate(ctx, work.points, flat, ["energy"], bar)
            energies = np.array([float(work.points[name]["energy"]) for name in names])
            return energies, np.array([atoms.positions for atoms in flat.values()])
        left: list[float] = []
        moved: list[np.ndarray] = []
        unfinished = lost = 0
        before: Atoms | None = None
        for name, atoms in flat.items():
            if before is not None:
                atoms.positions[:, 2] = before.positions[:, 2]
            atoms.set_constraint(upright(atoms))
            found = relax(ctx, work.points, name, atoms, ctx.params.fmax, ctx.params.max_steps, bar, WORK)
            intact = np.isfinite(found.positions).all() and 0.5 < distance_of(found) / work.distance < 2.0
            left.append(float(work.points[name]["energy"]) if intact else np.nan)
            moved.append(found.positions if intact else np.full((4, 3), np.nan))
            unfinished += intact and not bool(work.points[name]["converged"])
            lost += not intact
            before = found if intact else before
        if unfinished:
            work.notes.append(f"{unfinished} of {len(names)} relaxations did not converge ({kind} registries)")
        if lost:
            work.notes.append(f"layers came apart or collapsed at {lost} of {len(names)} registries")
        return np.array(left), np.array(moved)

    def _polarize(
        self,
        ctx: Context,
        work: Work,
        kind: str,
        registries: np.ndarray,
        found: tuple[np.ndarray, np.ndarray],
        bar: Any,
    ) -> dict[str, np.ndarray]:
        """Dipole and Born charges, as offered, at each registry; nan where there is no structure."""
        shapes = {"dipole": (3,), "born_effective_charges": (4, 3, 3)}
        polar: dict[str, list[np.ndarray]] = {name: [] for name in work.polar}
        for t, positions in zip(registries, found[1], strict=True):
            key = f"polarization/{_name(kind, t)}"
            if np.isfinite(positions).all() and key not in work.points:
                atoms = work.stack(t)
                atoms.positions = positions
                started = time.monotonic()
                work.points.put(key, polarization(ctx, atoms, work.polar), started)
            for name in work.polar:
                entry = work.points[key][name] if key in work.points else np.full(shapes[name], np.nan)
                polar[name].append(entry)
            bar.update(1, key)
        return {name: np.array(values) for name, values in polar.items()}

    def _image(self, ctx: Context, work: Work, grid: Grid) -> float:
        """Energy of a rigid registry, one of those with most images, less that of an image of it, eV."""
        general = grid.most_images
        pair = [grid.registries[general], grid.image(general)]
        names = [f"image/{_name('rigid', t)}" for t in pair]
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


def _name(kind: str, registry: np.ndarray) -> str:
    return f"{kind}/{registry[0]:.6f},{registry[1]:.6f}"
