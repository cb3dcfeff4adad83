"""Binding of two layers: energy against distance in several stackings; docs/tasks/interlayer.md has the definitions."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
from ase import Atoms

from harness.contracts.material import Material, Need
from harness.contracts.measurement import Arrays, Check, Measurement
from harness.contracts.observable import Observable
from harness.contracts.record import Record
from harness.contracts.task import Context, Stage
from harness.engine.resumable import evaluate, relax
from harness.materials.honeycomb import stacking_of
from harness_tasks.interlayer import analysis as results
from harness_tasks.interlayer.analysis import Curve
from harness_tasks.interlayer.observables import OBSERVABLES
from harness_tasks.interlayer.params import InterlayerParams
from harness_tasks.structures.bilayers import (
    LOWER,
    UPPER,
    HeldLayers,
    bilayer,
    lattice_check,
    own_lattice_constant,
)

#: A relaxation in the progress bar, in evaluations.
RELAXATION = 5


@dataclass(slots=True)
class BindingState:
    """What the steps of one measurement share."""

    material: Material
    height: float  # of every cell, Å
    stage: Stage
    notes: list[str] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)


class Interlayer:
    """Binding curves of a bilayer: distance, binding energy, stiffness, and polarizability where offered."""

    name: ClassVar[str] = "interlayer"
    version: ClassVar[int] = 1
    requires: ClassVar[frozenset[str]] = frozenset({"energy", "forces"})
    needs: ClassVar[frozenset[Need]] = frozenset({Need.TWO_LAYERS, Need.HONEYCOMB_LAYERS})
    Params: ClassVar[type] = InterlayerParams
    observables: ClassVar[tuple[Observable, ...]] = OBSERVABLES

    def structure(self, material: Material, params: InterlayerParams) -> Atoms:
        """The material's own bilayer."""
        return bilayer(material, material.registry, material.distance, antiparallel=material.antiparallel)

    def measure(self, ctx: Context) -> Measurement:
        """The curves, their minima, and the polarizability."""
        params: InterlayerParams = ctx.params
        top = ctx.material.vacuum + max(params.distances)
        n = len(params.stackings) * len(params.distances)
        with ctx.stages.stage("curves", total=3 + n * (1 + RELAXATION * params.relaxed)) as stage:
            work = BindingState(ctx.material, top, stage)
            if params.relax_cell:
                reference = results.reference_of(params.stackings)
                if "lattice" not in stage:
                    a, note, failed = own_lattice_constant(ctx, reference, params.fmax, params.max_steps)
                    stage.keep("lattice", {"a": a, "note": note, "failed": failed})
                work.material = work.material.with_lattice_constant(stage["lattice"]["a"])
                work.notes.append(stage["lattice"]["note"])
                work.checks.append(lattice_check(stage["lattice"]["failed"]))
            with ctx.clock("rigid curves"):
                curves = {"rigid": self._rigid(ctx, work)}
            if params.relaxed:
                with ctx.clock("relaxed curves"):
                    curves["relaxed"] = self._relaxed(ctx, work)
            with ctx.clock("polarizability"):
                alphas = results.polarizabilities(ctx, work.material, stage, curves["rigid"], work.height)
        measurement = results.evaluate(ctx, work.material, curves, alphas)
        measurement.notes = work.notes + measurement.notes
        measurement.checks += work.checks
        return measurement

    def _stack(self, work: BindingState, stacking: str, distance: float) -> Atoms:
        registry, antiparallel = stacking_of(stacking)
        return bilayer(work.material, registry, distance, antiparallel=antiparallel, height=work.height)

    def _rigid(self, ctx: Context, work: BindingState) -> list[Curve]:
        params: InterlayerParams = ctx.params
        layer = self._stack(work, params.stackings[0], params.distances[0])[LOWER]
        layer.positions[:, 2] += work.height / 2 - layer.positions[0, 2]
        structures = {"layer": layer} | {
            f"rigid/{s}/{h:.4f}": self._stack(work, s, h) for s in params.stackings for h in params.distances
        }
        evaluate(ctx.engine, work.stage, structures, ["energy", "forces"])
        alone = 2 * work.stage["layer"]["energy"]
        curves = []
        for s in params.stackings:
            found = [work.stage[f"rigid/{s}/{h:.4f}"] for h in params.distances]
            energy = np.array([each["energy"] for each in found]) - alone
            force = np.array(
                [0.5 * (each["forces"][UPPER, 2].sum() - each["forces"][LOWER, 2].sum()) for each in found]
            )
            curves.append(Curve(s, np.array(params.distances), energy, force))
        return curves

    def _relaxed(self, ctx: Context, work: BindingState) -> list[Curve]:
        params: InterlayerParams = ctx.params
        alone = 2 * work.stage["layer"]["energy"]
        curves, open_ = [], 0
        for s in params.stackings:
            energy = np.empty(len(params.distances))
            for i, h in enumerate(params.distances):
                atoms = self._stack(work, s, h)
                atoms.set_constraint(HeldLayers([np.arange(4)[LOWER], np.arange(4)[UPPER]]))
                name = f"relaxed/{s}/{h:.4f}"
                relax(
                    ctx.engine,
                    work.stage,
                    name,
                    atoms,
                    fmax=params.fmax,
                    max_steps=params.max_steps,
                    noise=ctx.noise,
                    work=RELAXATION,
                )
                energy[i] = work.stage[name]["energy"] - alone
                open_ += not work.stage[name]["converged"]
            curves.append(Curve(s, np.array(params.distances), energy, None))
        reason = f"relaxations that did not end below fmax, of {len(curves) * len(params.distances)}"
        work.checks.append(Check("relaxations_not_converged", open_, 0.0, "1", reason))
        return curves

    def figures(self, record: Record, arrays: Arrays, folder: Path) -> list[Path]:
        """All curves with their minima."""
        from harness_tasks.interlayer.figures import draw

        return draw(record, arrays, folder)
