"""Points on the sliding path and the map: energies, structures, polarization; each is kept when it is done."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from ase import Atoms

from harness.contracts.material import Material
from harness.contracts.measurement import Check
from harness.contracts.task import Context, Stage
from harness.engine.resumable import evaluate, relax
from harness_tasks.polarization.responses import Responses
from harness_tasks.sliding_path.checks import lost_check, unconverged_check
from harness_tasks.sliding_path.track import Track
from harness_tasks.structures.bilayers import (
    bilayer,
    distance_of,
    lattice_check,
    own_lattice_constant,
    upright,
)
from harness_tasks.structures.registries import AB, BA

#: Of a relaxation in the progress bar, in evaluations.
WORK = 6


@dataclass(slots=True)
class SlidingState:
    """What the steps of one measurement share.

    Attributes
    ----------
    material
        Of the run; its lattice constant may become the potential's own.
    polar
        Properties that are asked for at each point: ``dipole``, ``born_effective_charges``, whichever are offered.
    """

    material: Material
    antiparallel: bool
    polar: list[str]
    notes: list[str] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)

    @classmethod
    def of(cls, ctx: Context) -> SlidingState:
        """Of a run."""
        polar: list[str] = [name for name in ("dipole", "born_effective_charges") if name in Responses.of(ctx).offered]
        return cls(ctx.material, ctx.material.antiparallel, polar)

    @property
    def distance(self) -> float:
        """Of rigid layers, Å."""
        return self.material.distance

    def stack(self, registry: np.ndarray) -> Atoms:
        """Flat layers."""
        return bilayer(self.material, registry, self.distance, antiparallel=self.antiparallel)


def relax_lattice(ctx: Context, work: SlidingState, stage: Stage) -> None:
    """The material takes the potential's own lattice constant, where that can be found."""
    if "lattice" not in stage:
        stacking = "AA'" if work.antiparallel else "AB"
        a, note, failed = own_lattice_constant(ctx, stacking, ctx.params.fmax, ctx.params.max_steps)
        stage.keep("lattice", {"a": a, "note": note, "failed": failed})
    found = stage["lattice"]
    work.material = work.material.with_lattice_constant(found["a"])
    work.notes.append(found["note"])
    work.checks.append(lattice_check(found["failed"]))


def walk(ctx: Context, work: SlidingState, kind: str, n: int, stage: Stage) -> Track:
    """`n` points of the straight path AB-SP-BA, ``rigid`` or ``relaxed``.

    Parameters
    ----------
    ctx
        Of the run.
    work
        Settings and checks of the path.
    kind
        ``rigid`` or ``relaxed``.
    n
        Number of points.
    stage
        Keeps every point.
    """
    s = np.linspace(0, 1, n)
    registries = AB + s[:, None] * (BA - AB)
    with ctx.clock(f"{kind} path"):
        energy, positions = at_registries(ctx, work, kind, registries, stage, "path")
        polar = polarize(ctx, work, kind, registries, positions, stage) if work.polar else {}
    step = (BA - AB) @ work.stack(AB).cell.array[:2]
    return Track(kind, s, energy, positions, step, polar.get("dipole"), polar.get("born_effective_charges"))


def at_registries(
    ctx: Context, work: SlidingState, kind: str, registries: np.ndarray, stage: Stage, what: str
) -> tuple[np.ndarray, np.ndarray]:
    """Energies (n,) and positions (n, 4, 3) at the registries; nan where layers came apart or collapsed.

    `what` they are, ``path`` or ``map``, names the checks of the relaxations.

    Parameters
    ----------
    ctx
        Of the run.
    work
        Settings and checks of the path.
    kind
        ``rigid`` or ``relaxed``.
    registries
        (n, 2), fractions of the cell vectors.
    stage
        Keeps every point.
    what
        ``path`` or ``map``; names the checks.
    """
    names = [point_name(kind, t) for t in registries]
    flat = {name: work.stack(t) for name, t in zip(names, registries, strict=True)}
    if kind == "rigid":
        evaluate(ctx.engine, stage, flat, ["energy"])
        energies = np.array([stage[name]["energy"] for name in names])
        work.checks.append(lost_check(f"rigid_{what}", int((~np.isfinite(energies)).sum()), len(names)))
        return energies, np.array([atoms.positions for atoms in flat.values()])
    left: list[float] = []
    moved: list[np.ndarray] = []
    unfinished = lost = 0
    before: Atoms | None = None
    for name, atoms in flat.items():
        if before is not None:
            atoms.positions[:, 2] = before.positions[:, 2]
        atoms.set_constraint(upright(atoms))
        found = relax(
            ctx.engine,
            stage,
            name,
            atoms,
            fmax=ctx.params.fmax,
            max_steps=ctx.params.max_steps,
            noise=ctx.noise,
            work=WORK,
        )
        intact = np.isfinite(found.positions).all() and 0.5 < distance_of(found) / work.distance < 2.0
        left.append(stage[name]["energy"] if intact else np.nan)
        moved.append(found.positions if intact else np.full((4, 3), np.nan))
        unfinished += intact and not stage[name]["converged"]
        lost += not intact
        before = found if intact else before
    work.checks += [lost_check(what, lost, len(names)), unconverged_check(what, unfinished, len(names))]
    return np.array(left), np.array(moved)


def polarize(
    ctx: Context, work: SlidingState, kind: str, registries: np.ndarray, found: np.ndarray, stage: Stage
) -> dict[str, np.ndarray]:
    """Dipole and Born charges, as offered, at each registry; nan where there is no structure.

    Parameters
    ----------
    ctx
        Of the run.
    work
        Settings and checks of the path.
    kind
        ``rigid`` or ``relaxed``.
    registries
        (n, 2), fractions of the cell vectors.
    found
        Positions (n, 4, 3), Å.
    stage
        Keeps every point.
    """
    shapes = {"dipole": (3,), "born_effective_charges": (4, 3, 3)}
    responses = Responses.of(ctx)
    polar: dict[str, list[np.ndarray]] = {name: [] for name in work.polar}
    for t, positions in zip(registries, found, strict=True):
        key = f"polarization/{point_name(kind, t)}"
        if np.isfinite(positions).all() and key not in stage:
            atoms = work.stack(t)
            atoms.positions = positions
            stage.keep(key, responses(atoms, work.polar))
        for name in work.polar:
            entry = stage[key][name] if key in stage else np.full(shapes[name], np.nan)
            polar[name].append(entry)
        stage.advance(1, key)
    return {name: np.array(values) for name, values in polar.items()}


def point_name(kind: str, registry: np.ndarray) -> str:
    """Of a registry, in a stage."""
    return f"{kind}/{registry[0]:.6f},{registry[1]:.6f}"
