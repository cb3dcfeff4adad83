"""Binding of two layers: energy against distance in several stackings; docs/tasks/interlayer.md has the definitions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from ase import Atoms

from harness import Measurement
from harness.errors import HarnessError
from harness.protocols import Arrays, Context
from harness.record import Record
from harness_tasks import interlayer_results as results
from harness_tasks.cells import positive
from harness_tasks.interlayer_fit import DEGREE
from harness_tasks.interlayer_results import Curve
from harness_tasks.points import Points, evaluate, relax
from harness_tasks.stacks import (
    LOWER,
    UPPER,
    HeldLayers,
    bilayer,
    own_lattice_constant,
    plain,
    require_bilayer,
    stacking_of,
)


@dataclass(frozen=True, slots=True)
class InterlayerParams:
    """Parameters of `interlayer`.

    Attributes
    ----------
    stackings
        Names of stackings; AB, or AA' where AB is not among them, is what others are compared with.
    distances
        Of the planes, Å, increasing; the default ones are those of the curves in ``datasets/hbn``.
    relaxed
        Besides rigid layers, let every atom move along z with the mean height of each layer held.
    relax_cell
        Take the potential's own lattice constant in place of the material's.
    fit_points
        Points around the minimum that determine it.
    polarizability
        Ask for it, where offered, at the minimum of the material's own stacking and for one layer.
    fmax, max_steps
        Of relaxations, eV/Å.
    """

    stackings: tuple[str, ...] = ("AA", "AB", "AA'", "SP")
    distances: tuple[float, ...] = (2.8, 3.0, 3.15, 3.3, 3.4, 3.55, 3.75, 4.0, 4.25, 4.5, 5.0, 5.5)
    relaxed: bool = False
    relax_cell: bool = False
    fit_points: int = 7
    polarizability: bool = True
    fmax: float = 1e-4
    max_steps: int = 200

    def __post_init__(self) -> None:
        h = np.array(self.distances)
        if not self.stackings or len(set(map(plain, self.stackings))) < len(self.stackings):
            raise HarnessError("task.params.stackings is empty or names one twice.", "Give e.g. [AA,AB,AAp,SP].")
        for name in self.stackings:
            stacking_of(name)
        if len(h) < DEGREE + 2 or (np.diff(h) <= 0).any() or h[0] <= 0:
            raise HarnessError(
                "task.params.distances has to be an increasing list.", f"Give at least {DEGREE + 2} distances in Å."
            )
        if self.fit_points < DEGREE + 2:
            raise HarnessError(f"task.params.fit_points is {self.fit_points}.", f"Give at least {DEGREE + 2}.")
        if not (self.fmax > 0 and self.max_steps > 0):
            raise HarnessError("task.params.fmax and max_steps must be positive.", "Give e.g. fmax=1e-4 max_steps=200.")


@dataclass(slots=True)
class Work:
    """What the steps of one measurement share."""

    material: dict[str, Any]
    points: Points
    notes: list[str] = field(default_factory=list)

    @property
    def height(self) -> float:
        """Of every cell, Å."""
        return float(self.material["height"])


class Interlayer:
    """Binding curves of a bilayer: distance, binding energy, stiffness, and polarizability where offered."""

    name: ClassVar[str] = "interlayer"
    version: ClassVar[int] = 1
    requires: ClassVar[frozenset[str]] = frozenset({"energy", "forces"})
    Params: ClassVar[type] = InterlayerParams
    headline: ClassVar[tuple[str, ...]] = (
        "h0_AB",
        "binding_energy_per_atom_AB",
        "exfoliation_energy_AB",
        "c33_AB",
        "h0_AAp",
        "energy_above_AB_per_cell_AAp",
        "h0_AA",
        "energy_above_AB_per_cell_AA",
        "alpha_in_plane",
        "alpha_out_of_plane",
    )

    def structure(self, material: Mapping[str, Any], params: InterlayerParams) -> Atoms:
        """The material's own bilayer."""
        require_bilayer(material, self.name)
        registry, antiparallel = stacking_of(str(material.get("stacking")))
        return bilayer(material, registry, positive(material, "distance"), antiparallel=antiparallel)

    def measure(self, ctx: Context) -> Measurement:
        """The curves, their minima, and the polarizability."""
        params: InterlayerParams = ctx.params
        top = positive(ctx.material, "vacuum") + max(params.distances)
        work = Work({**ctx.material, "height": top}, Points(ctx.checkpoint))
        if params.relax_cell:
            reference = results.reference_of(params.stackings)
            if "lattice" not in work.points:
                a, note = own_lattice_constant(ctx, reference, params.fmax, params.max_steps)
                work.points.put("lattice", {"a": a, "note": np.array(note)}, 0.0)
            work.material["a"] = float(work.points["lattice"]["a"])
            work.notes.append(str(work.points["lattice"]["note"]))
        n = len(params.stackings) * len(params.distances)
        with ctx.progress("interlayer", 1 + n * (1 + 5 * params.relaxed)) as bar:
            with ctx.clock("rigid curves"):
                curves = {"rigid": self._rigid(ctx, work, bar)}
            if params.relaxed:
                with ctx.clock("relaxed curves"):
                    curves["relaxed"] = self._relaxed(ctx, work, bar)
            work.points.save()
        with ctx.clock("polarizability"):
            alphas = results.polarizabilities(ctx, work.material, work.points, curves["rigid"], work.height)
        measurement = results.evaluate(ctx, work.material, curves, alphas)
        measurement.notes = work.notes + measurement.notes
        return measurement

    def _stack(self, work: Work, stacking: str, distance: float) -> Atoms:
        registry, antiparallel = stacking_of(stacking)
        return bilayer(work.material, registry, distance, antiparallel=antiparallel, height=work.height)

    def _rigid(self, ctx: Context, work: Work, bar: Any) -> list[Curve]:
        params: InterlayerParams = ctx.params
        layer = self._stack(work, params.stackings[0], params.distances[0])[LOWER]
        layer.positions[:, 2] += work.height / 2 - layer.positions[0, 2]
        structures = {"layer": layer} | {
            f"rigid/{s}/{h:.4f}": self._stack(work, s, h) for s in params.stackings for h in params.distances
        }
        evaluate(ctx, work.points, structures, ["energy", "forces"], bar)
        alone = 2 * float(work.points["layer"]["energy"])
        curves = []
        for s in params.stackings:
            found = [work.points[f"rigid/{s}/{h:.4f}"] for h in params.distances]
            energy = np.array([float(each["energy"]) for each in found]) - alone
            force = np.array(
                [0.5 * (each["forces"][UPPER, 2].sum() - each["forces"][LOWER, 2].sum()) for each in found]
            )
            curves.append(Curve(s, np.array(params.distances), energy, force))
        return curves

    def _relaxed(self, ctx: Context, work: Work, bar: Any) -> list[Curve]:
        params: InterlayerParams = ctx.params
        alone = 2 * float(work.points["layer"]["energy"])
        curves, open_ = [], 0
        for s in params.stackings:
            energy = np.empty(len(params.distances))
            for i, h in enumerate(params.distances):
                atoms = self._stack(work, s, h)
                atoms.set_constraint(HeldLayers([np.arange(4)[LOWER], np.arange(4)[UPPER]]))
                name = f"relaxed/{s}/{h:.4f}"
                relax(ctx, work.points, name, atoms, params.fmax, params.max_steps, bar, 5)
                energy[i] = float(work.points[name]["energy"]) - alone
                open_ += not bool(work.points[name]["converged"])
            curves.append(Curve(s, np.array(params.distances), energy, None))
        if open_:
            work.notes.append(f"{open_} of {len(curves) * len(params.distances)} relaxations did not converge")
        return curves

    def figures(self, record: Record, arrays: Arrays, folder: Path) -> list[Path]:
        """All curves with their minima."""
        from harness_tasks.interlayer_figures import draw

        return draw(record, arrays, folder)
