"""How the task `polarization_pattern` goes from structure to structure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from ase import Atoms

from harness.contracts.measurement import Measurement
from harness.contracts.task import Context, Stage
from harness.materials.sheets import area
from harness.units import EPSILON_0, PC_PER_M
from harness_tasks.moire.cells import Moire, mismatched, twisted
from harness_tasks.moire.pattern import Pattern, from_atoms, from_registry, turns
from harness_tasks.moire.registry_field import RegistryField, grid
from harness_tasks.polarization.local_dipoles import Groups
from harness_tasks.polarization.responses import Responses
from harness_tasks.polarization_pattern import analysis as results
from harness_tasks.polarization_pattern.analysis import Case
from harness_tasks.polarization_pattern.observables import NAMES, RESPONSE, Kind
from harness_tasks.polarization_pattern.params import PatternParams
from harness_tasks.polarization_pattern.structures import RELAXATION, Structures
from harness_tasks.structures.bilayers import bilayer
from harness_tasks.structures.registries import make_grid, registry_operations


@dataclass(frozen=True, slots=True)
class Step:
    """One structure of the plan, in one field (V/Å), and how its pattern is found; see `Case` for its labels."""

    kind: Kind
    labels: Mapping[str, str]
    moire: Moire
    relaxed: bool = False
    by_atoms: bool = True
    field: float = 0.0

    @property
    def name(self) -> str:
        """As that of its `Case`."""
        return NAMES[self.kind].format(**self.labels)


class PatternProtocol:
    """One measurement; patterns and structures that are finished survive a kill."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.params: PatternParams = ctx.params
        self.notes: list[str] = []
        self.frames: dict[str, list[Atoms]] = {}
        self.structures = Structures(ctx, self.notes)
        self.symbol = ctx.material.symbols[1]
        self.responses = Responses.of(ctx)
        known = self.responses.offered
        local = self.params.local
        self.by_atoms = local == "atoms" or (local == "auto" and "atomic_dipoles" in known)
        if not self.by_atoms:
            self.notes.append("patterns from perfect bilayers of the same registry, not from atomic dipoles")
        self.response = self._response(known)

    def measure(self) -> Measurement:
        """All structures, then their numbers."""
        plan = self._plan()
        cases: list[Case] = []
        work = float(sum(len(step.moire.atoms) * (1 + RELAXATION * step.relaxed) for step in plan))
        work += RELAXATION * self.structures.effort * any(step.relaxed for step in plan)
        with self.ctx.stages.stage("patterns", total=work) as stage:
            for step in plan:
                with self.ctx.clock(step.kind if not step.relaxed else f"{step.kind}, relaxed"):
                    pattern = self._pattern(step, stage)
                stage.advance(len(step.moire.atoms), step.name)
                if pattern is not None:
                    cases.append(Case(step.kind, step.labels, step.moire, pattern, step.field))
        measurement = results.evaluate(cases, self.params.bias)
        if self.response == "assumed":
            measurement.observables.pop(RESPONSE.key, None)  # it was not measured
        measurement.frames |= self.frames
        measurement.notes = self.notes + measurement.notes
        measurement.checks = self.structures.checks + measurement.checks
        return measurement

    def _response(self, known: frozenset[str]) -> str:
        """How fields are answered to; empty for not at all."""
        model, wanted = self.ctx.polarization, self.params.response
        if not self.params.fields:
            return ""
        can = {
            "electronic": self.by_atoms and model is not None and "polarizability" in model.implemented_properties,
            "assumed": self.params.susceptibility is not None,
            "ionic": "born_effective_charges" in known and "relaxed" in self.params.geometry,
        }
        chosen = next((name for name in can if can[name] and wanted in ("auto", name)), "")
        remarks = {
            "": "no response to fields: it takes atomic dipoles with a polarizability, task.params.susceptibility, "
            "or Born charges and a relaxed structure",
            "assumed": f"response to fields assumed, the same everywhere: {self.params.susceptibility} Å",
            "ionic": "response to fields by Z·E on the atoms alone, not of the electrons",
        }
        if chosen in remarks:
            self.notes.append(remarks[chosen])
        return chosen

    def _plan(self) -> list[Step]:
        params, material = self.params, self.ctx.material
        moire = twisted(material, params.n)
        plan = [Step("twist", {"structure": s}, moire, s == "relaxed", self.by_atoms) for s in params.geometry]
        if self.by_atoms and "flat" in params.geometry:
            plan.append(Step("twist", {"structure": "registry"}, moire, by_atoms=False))
        if self.response:
            under = twisted(material, params.field_n or params.n)
            ionic = self.response == "ionic"
            for sign in (-1, 1):  # each structure starts from that in the field before
                fields = sorted((field for field in params.fields if field * sign > 0), key=abs)
                plan += [Step("field", {"field": f"{e:g}"}, under, ionic, self.by_atoms, e) for e in fields]
        for cells in params.mismatch:
            moire, labels = mismatched(material, cells), {"mismatch": str(cells)}
            plan.append(Step("mismatch", labels, moire, by_atoms=self.by_atoms))
        n = params.n if params.antiparallel_n is None else params.antiparallel_n
        if n and self.by_atoms:
            plan.append(Step("antiparallel", {}, twisted(material, n, antiparallel=True)))
        return plan

    def _pattern(self, step: Step, stage: Stage) -> Pattern | None:
        if step.field and self.response == "assumed":
            same = "flat" in self.params.geometry and self.params.field_n in (None, self.params.n)
            bare = {"structure": "flat" if same else "without_field"}
            found = self._pattern(replace(step, kind="twist", labels=bare, field=0.0), stage)
            if found is not None:
                found.field[..., 2] += PC_PER_M * EPSILON_0 * float(self.params.susceptibility or 0) * step.field
            return found
        return self._measured(step, stage)

    def _measured(self, step: Step, stage: Stage) -> Pattern | None:
        atoms: Atoms | None = step.moire.atoms
        if step.relaxed:
            atoms = self.structures.relaxed(step.name, step.moire, step.field, stage)
        if atoms is None:
            return None
        if step.relaxed:
            self.frames[step.name] = [atoms]
        if step.name not in stage:
            if step.by_atoms:
                groups = Groups.of(step.moire.atoms, step.moire.layer, self.symbol)
                names = [name for name in ("dipole", "atomic_dipoles", "charges") if name in self.responses.offered]
                answered = step.field if self.response == "electronic" else 0.0
                values = self.responses(atoms, names, (0.0, 0.0, answered))
                found = from_atoms(values, step.moire, groups, atoms, self.params.grid)
            else:
                found = self._from_registry(step, atoms, stage)
            entry: dict[str, Any] = {"field": found.field, "residual": found.residual, "mismatch": found.mismatch}
            stage.keep(step.name, entry)
        stored = stage[step.name]
        return Pattern(stored["field"].copy(), stored["residual"], stored["mismatch"])

    def _from_registry(self, step: Step, atoms: Atoms, stage: Stage) -> Pattern:
        moire, size = step.moire, self.params.grid
        few = make_grid(self.params.registry_grid, registry_operations(self.ctx.material, antiparallel=False))
        cell = bilayer(self.ctx.material, (0, 0), self.ctx.material.distance)
        dipoles = np.array([self._dipole(registry, stage) for registry in few.registries])
        points = grid(moire, size)
        if step.relaxed:
            registry = RegistryField(moire, atoms.positions).registry_at(points)
        else:
            registry = points @ np.linalg.inv(moire.plane) @ turns(moire)
        return from_registry(moire, few, dipoles, registry.reshape(size, size, 2), area(cell))

    def _dipole(self, registry: np.ndarray, stage: Stage) -> np.ndarray:
        name = f"bilayer/{registry[0]:.6f},{registry[1]:.6f}"
        if name not in stage:
            atoms = bilayer(self.ctx.material, registry, self.ctx.material.distance)
            stage.keep(name, self.responses(atoms, ["dipole"]))
        return np.asarray(stage[name]["dipole"])
