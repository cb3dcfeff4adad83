"""Local polarization of a moiré bilayer: maps, winding numbers, response to field and mismatch.

docs/tasks/polarization_pattern.md has the definitions.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from ase import Atoms

from harness import Measurement
from harness.protocols import Arrays, Context, Progress
from harness.record import Record
from harness_tasks import polarization_pattern_results as results
from harness_tasks.cells import positive
from harness_tasks.local_dipoles import Groups
from harness_tasks.moire_cells import Moire, mismatched, twisted
from harness_tasks.moire_pattern import Pattern, from_atoms, from_registry, turns
from harness_tasks.moire_registry import Look, grid
from harness_tasks.points import Points
from harness_tasks.polarization_pattern_params import PatternParams
from harness_tasks.polarization_pattern_results import Case
from harness_tasks.registries import make_grid
from harness_tasks.sheets import area, offered, polarization
from harness_tasks.stacks import bilayer, require_bilayer, stacking_of


class PolarizationPattern:
    """Polarization of a moiré bilayer, place by place, and how often it wraps the sphere."""

    name: ClassVar[str] = "polarization_pattern"
    version: ClassVar[int] = 1
    requires: ClassVar[frozenset[str]] = frozenset({"energy", "forces", "dipole"})
    Params: ClassVar[type] = PatternParams
    headline: ClassVar[tuple[str, ...]] = (
        "polarization_perp_M_flat",
        "polarization_parallel_max_flat",
        "winding_M_flat",
        "winding_N_flat",
        "polarization_perp_M_relaxed",
        "polarization_parallel_max_relaxed",
        "response_perp",
        "uniform_field",
        "antiparallel_ratio",
        "nonlocality_perp",
    )

    def structure(self, material: Mapping[str, Any], params: PatternParams) -> Atoms:
        """The rigid twisted cell."""
        require_bilayer(material, self.name)
        stacking_of(str(material.get("stacking")))
        return twisted(material, params.n).atoms

    def measure(self, ctx: Context) -> Measurement:
        """Structure by structure; a pattern that is finished stays in the checkpoint."""
        return Work(ctx).measure()

    def figures(self, record: Record, arrays: Arrays, folder: Path) -> list[Path]:
        """The maps."""
        from harness_tasks.polarization_pattern_figures import draw

        return draw(record, arrays, folder)


class Work:
    """One measurement."""

    def __init__(self, ctx: Context) -> None:
        self.ctx, self.params = ctx, ctx.params
        self.points = Points(ctx.checkpoint, lost_at_most=0.0)
        self.notes: list[str] = []
        known = offered(ctx)
        local = self.params.local
        self.by_atoms = local == "atoms" or (local == "auto" and "atomic_dipoles" in known)
        self.symbol = str(list(ctx.material.get("symbols", ("B", "N")))[1])
        model = ctx.polarization
        self.answers = model is not None and "polarizability" in model.implemented_properties and self.by_atoms
        if not self.by_atoms:
            self.notes.append("patterns from perfect bilayers of the same registry, not from atomic dipoles")

    def measure(self) -> Measurement:
        """All cases, then their numbers."""
        params: PatternParams = self.params
        plan = self._plan()
        weights = [len(moire.atoms) * (30 if kind == "relaxed" else 1) for _, kind, moire, _ in plan]
        cases: list[Case] = []
        with self.ctx.progress("patterns", sum(weights)) as bar:
            for (name, kind, moire, field), weight in zip(plan, weights, strict=True):
                with self.ctx.clock(kind):
                    pattern = self._pattern(name, kind, moire, field, bar)
                bar.update(weight, name)
                if pattern is not None:
                    shown = "twist" if kind in ("flat", "relaxed", "registry") else kind
                    cases.append(Case(name, shown, moire, pattern, field))  # type: ignore[arg-type]
            self.points.save()
        measurement = results.evaluate(cases, params.bias)
        measurement.notes = self.notes + measurement.notes
        return measurement

    def _plan(self) -> list[tuple[str, str, Moire, float]]:
        params, material = self.params, self.ctx.material
        moire = twisted(material, params.n)
        plan: list[tuple[str, str, Moire, float]] = [(kind, kind, moire, 0.0) for kind in params.geometry]
        if self.by_atoms and "flat" in params.geometry:
            plan.append(("registry", "registry", moire, 0.0))
        if params.fields and self.answers:
            under = moire if params.field_n in (None, params.n) else twisted(material, params.field_n)
            plan += [(f"field_{field:g}", "field", under, field) for field in params.fields]
        plan += [(f"mismatch_{cells}", "mismatch", mismatched(material, cells), 0.0) for cells in params.mismatch]
        n = params.n if params.antiparallel_n is None else params.antiparallel_n
        if n and self.by_atoms:
            plan.append(("antiparallel", "antiparallel", twisted(material, n, antiparallel=True), 0.0))
        return plan

    def _pattern(self, name: str, kind: str, moire: Moire, field: float, bar: Progress) -> Pattern | None:
        if name not in self.points:
            started = time.monotonic()
            atoms = self._relaxed(moire, bar) if kind == "relaxed" else moire.atoms
            if atoms is None:
                return None
            if self.by_atoms and kind != "registry":
                groups = Groups.of(moire.atoms, moire.layer, self.symbol)
                found = from_atoms(self.ctx, moire, groups, atoms, self.params.grid, field)
            else:
                found = self._from_registry(moire, atoms, kind)
            entry: dict[str, Any] = {"field": found.field, "residual": found.residual, "mismatch": found.mismatch}
            self.points.put(name, entry, started)
        stored = self.points[name]
        return Pattern(stored["field"], float(stored["residual"]), float(stored["mismatch"]))

    def _from_registry(self, moire: Moire, atoms: Atoms, kind: str) -> Pattern:
        size = self.params.grid
        few = make_grid(self.params.registry_grid, antiparallel=False)
        cell = bilayer(self.ctx.material, (0, 0), positive(self.ctx.material, "distance"))
        dipoles = np.array([self._dipole(registry) for registry in few.registries])
        points = grid(moire, size)
        if kind == "relaxed":
            registry = Look(moire, atoms.positions).registry_at(points)
        else:
            registry = points @ np.linalg.inv(moire.plane) @ turns(moire)
        return from_registry(moire, few, dipoles, registry.reshape(size, size, 2), area(cell))

    def _dipole(self, registry: np.ndarray) -> np.ndarray:
        name = f"bilayer/{registry[0]:.6f},{registry[1]:.6f}"
        if name not in self.points:
            started = time.monotonic()
            atoms = bilayer(self.ctx.material, registry, positive(self.ctx.material, "distance"))
            self.points.put(name, {"dipole": polarization(self.ctx, atoms, ["dipole"])["dipole"]}, started)
        return self.points[name]["dipole"]

    def _relaxed(self, moire: Moire, bar: Progress) -> Atoms | None:
        atoms = moire.atoms.copy()
        result = self.ctx.engine.relax(
            atoms, fmax=self.params.fmax, max_steps=self.params.max_steps, optimizer="sheet_lbfgs"
        )
        if not result.converged:
            self.notes.append(f"relaxation ended at {result.fmax:.2g} eV/Å after {result.force_calls} force calls")
        return atoms
