"""How the task `polarization_pattern` goes from structure to structure."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms

from harness import Measurement
from harness.engine import Engine
from harness.protocols import Context
from harness_tasks import polarization_pattern_results as results
from harness_tasks.cells import positive
from harness_tasks.in_field import InField
from harness_tasks.local_dipoles import Groups
from harness_tasks.moire_cells import Moire, mismatched, twisted
from harness_tasks.moire_pattern import Pattern, from_atoms, from_registry, turns
from harness_tasks.moire_registry import Look, grid
from harness_tasks.points import Points
from harness_tasks.polarization_pattern_params import PatternParams
from harness_tasks.polarization_pattern_results import Case, Kind
from harness_tasks.registries import make_grid
from harness_tasks.sheets import area, offered, polarization
from harness_tasks.stacks import bilayer

#: Of a relaxation in the progress bar, in patterns.
RELAXATION = 30


@dataclass(frozen=True, slots=True)
class Step:
    """One structure of the plan, in one field (V/Å), and how its pattern is found."""

    name: str
    kind: Kind
    moire: Moire
    relaxed: bool = False
    by_atoms: bool = True
    field: float = 0.0


def intact(moire: Moire, positions: np.ndarray) -> bool:
    """Whether both layers are still there, one above the other."""
    if not np.isfinite(positions).all():
        return False
    distance = Look(moire, positions).distance
    rigid = np.ptp(moire.atoms.positions[:, 2])
    return bool(distance.min() > 0.5 * rigid and distance.max() < 2 * rigid)


class Work:
    """One measurement; patterns and structures that are finished stay in the checkpoint."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.params: PatternParams = ctx.params
        self.points = Points(ctx.checkpoint, lost_at_most=0.0)
        self.notes: list[str] = []
        self.frames: dict[str, list[Atoms]] = {}
        self.symbol = str(list(ctx.material.get("symbols", ("B", "N")))[1])
        known = offered(ctx)
        local = self.params.local
        self.by_atoms = local == "atoms" or (local == "auto" and "atomic_dipoles" in known)
        if not self.by_atoms:
            self.notes.append("patterns from perfect bilayers of the same registry, not from atomic dipoles")
        self.response = self._response(known)

    def measure(self) -> Measurement:
        """All structures, then their numbers."""
        plan = self._plan()
        weights = [len(step.moire.atoms) * (RELAXATION if step.relaxed else 1) for step in plan]
        cases: list[Case] = []
        with self.ctx.progress("patterns", sum(weights)) as bar:
            for step, weight in zip(plan, weights, strict=True):
                with self.ctx.clock(step.kind if not step.relaxed else f"{step.kind}, relaxed"):
                    pattern = self._pattern(step)
                bar.update(weight, step.name)
                if pattern is not None:
                    cases.append(Case(step.name, step.kind, step.moire, pattern, step.field))
        measurement = results.evaluate(cases, self.params.bias)
        measurement.frames |= self.frames
        measurement.notes = self.notes + measurement.notes
        return measurement

    def _response(self, known: frozenset[str]) -> str:
        """``electronic``, ``ionic`` or, with a note, empty."""
        model, wanted = self.ctx.polarization, self.params.response
        if not self.params.fields:
            return ""
        if (
            wanted != "ionic"
            and self.by_atoms
            and model is not None
            and "polarizability" in model.implemented_properties
        ):
            return "electronic"
        if wanted == "electronic":
            self.notes.append("no response: only atomic dipoles with a polarizability answer at frozen positions")
            return ""
        if "born_effective_charges" not in known or "relaxed" not in self.params.geometry:
            self.notes.append("no response: atoms move in a field where there are Born charges and relaxed structures")
            return ""
        if wanted == "auto":
            self.notes.append("the polarization model has no answer of its own to a field: atoms move by Z·E (ionic)")
        return "ionic"

    def _plan(self) -> list[Step]:
        params, material = self.params, self.ctx.material
        moire = twisted(material, params.n)
        plan = [Step(kind, "twist", moire, kind == "relaxed", self.by_atoms) for kind in params.geometry]
        if self.by_atoms and "flat" in params.geometry:
            plan.append(Step("registry", "twist", moire, by_atoms=False))
        if self.response:
            under = twisted(material, params.field_n or params.n)
            ionic = self.response == "ionic"
            for sign in (-1, 1):  # each structure starts from that in the field before
                fields = sorted((field for field in params.fields if field * sign > 0), key=abs)
                plan += [Step(f"field_{field:g}", "field", under, ionic, self.by_atoms, field) for field in fields]
        for cells in params.mismatch:
            plan.append(Step(f"mismatch_{cells}", "mismatch", mismatched(material, cells), by_atoms=self.by_atoms))
        n = params.n if params.antiparallel_n is None else params.antiparallel_n
        if n and self.by_atoms:
            plan.append(Step("antiparallel", "antiparallel", twisted(material, n, antiparallel=True)))
        return plan

    def _pattern(self, step: Step) -> Pattern | None:
        atoms = self._relaxed(step) if step.relaxed else step.moire.atoms
        if atoms is None:
            return None
        if step.relaxed:
            self.frames[step.name] = [atoms]
        if step.name not in self.points:
            started = time.monotonic()
            if step.by_atoms:
                groups = Groups.of(step.moire.atoms, step.moire.layer, self.symbol)
                answered = step.field if self.response == "electronic" else 0.0
                found = from_atoms(self.ctx, step.moire, groups, atoms, self.params.grid, answered)
            else:
                found = self._from_registry(step, atoms)
            entry: dict[str, Any] = {"field": found.field, "residual": found.residual, "mismatch": found.mismatch}
            self.points.put(step.name, entry, started)
        stored = self.points[step.name]
        return Pattern(stored["field"], float(stored["residual"]), float(stored["mismatch"]))

    def _from_registry(self, step: Step, atoms: Atoms) -> Pattern:
        moire, size = step.moire, self.params.grid
        few = make_grid(self.params.registry_grid, antiparallel=False)
        cell = bilayer(self.ctx.material, (0, 0), positive(self.ctx.material, "distance"))
        dipoles = np.array([self._dipole(registry) for registry in few.registries])
        points = grid(moire, size)
        if step.relaxed:
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

    def _relaxed(self, step: Step) -> Atoms | None:
        """The relaxed structure in the field of the step; None, with a note, where it came apart."""
        name = f"structure/{len(step.moire.atoms)}/{step.field:g}"
        atoms = step.moire.atoms.copy()
        if name not in self.points:
            started = time.monotonic()
            atoms.positions = self._start(step)
            engine = Engine(InField(self.ctx, step.field)) if step.field else self.ctx.engine
            found = engine.relax(atoms, fmax=self.params.fmax, max_steps=self.params.max_steps, optimizer="sheet_lbfgs")
            entry = {"positions": atoms.positions, "fmax": found.fmax, "converged": found.converged}
            self.points.put(name, entry, started)
        stored = self.points[name]
        atoms.positions = stored["positions"]
        if not np.isfinite(stored["fmax"]) or not intact(step.moire, atoms.positions):
            self.notes.append(f"{step.name}: the layers did not hold while they relaxed, no pattern")
            return None
        if not stored["converged"]:
            self.notes.append(f"{step.name}: forces of {float(stored['fmax']):.2g} eV/Å were left")
        return atoms

    def _start(self, step: Step) -> np.ndarray:
        """Positions of the structure in the next smaller field of the same sign, or the relaxed one without field."""
        if not step.field:
            return step.moire.atoms.positions
        smaller = [f for f in self.params.fields if f * step.field > 0 and abs(f) < abs(step.field)]
        field = max(smaller, key=abs) if smaller else 0.0
        before = self._relaxed(Step("start", "twist", step.moire, True, self.by_atoms, field))
        return step.moire.atoms.positions if before is None else before.positions
