"""The published tension test: a large sheet at 1 K whose edges are pulled apart in small loads.

Javvaji et al., Adv. Energy Mater. 12, 2201370 (2022): 8 × 8 nm², right edge moved by +0.0005 Å and left edge by
-0.0005 Å a load up to a strain of 0.01; a load is applied during 10 steps, 10,000 steps of 0.5 fs follow with the
edges held, data every 1000; velocity Verlet after Nosé-Hoover equilibration. The paper does not say whether the sheet
may contract across, nor how stress is measured; here the width is a parameter, and the stress is the force on the edges
over the width, which counts every atom.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from ase import Atoms

from harness.contracts.engine import Ensemble, Motion, UnphysicalError
from harness.contracts.measurement import Measurement
from harness.contracts.quantity import Quantity
from harness.contracts.task import Context, Stage
from harness.engine.watch import Watch
from harness.stats import fit_line
from harness.units import N_PER_M, PC_PER_M
from harness_tasks.polarization.responses import Responses
from harness_tasks.structures.cells import cells_for, rectangular
from harness_tasks.structures.ribbon import Ribbon, make_ribbon

#: Relaxation time of the thermostat, in time steps.
DAMPING = 100
#: Share of the progress bar.
TENSION = 0.9


@dataclass(frozen=True, slots=True)
class Stretched:
    """Samples of all loads; those of one load share an entry of `load`."""

    load: np.ndarray
    strain: np.ndarray
    stress: np.ndarray  # N/m
    polarization: np.ndarray  # (n, 3), nC/m; nan without a polarization model

    def observables(self, seed: int, names: Mapping[str, str]) -> dict[str, Quantity]:
        """Slopes against the strain, with intervals over the loads; `names` gives columns their observables."""
        columns = {"stress": self.stress, "y": self.polarization[:, 1], "z": self.polarization[:, 2]}
        found = {}
        for column, name in names.items():
            unit = "N/m" if column == "stress" else "nC/m"
            line = fit_line(self.strain, columns[column], unit, unit, blocks=self.load, seed=seed)
            found[name] = line.slope
        return found


def add_dynamics(
    ctx: Context,
    base: Atoms,
    poisson: float,
    stage: Stage,
    measurement: Measurement,
    names: Mapping[str, str] = {"stress": "E_edges"},  # noqa: B006 (never changed)
) -> None:
    """Run the tension test of the relaxed unit cell `base` and add its slopes to `measurement`.

    Parameters
    ----------
    poisson
        Contraction across, used when ``edge_width`` is ``free``.
    """
    try:
        with ctx.clock("tension"):
            stretched = _stretch(ctx, base, poisson, stage)
    except UnphysicalError as error:
        measurement.notes.append(f"the tension test ended: {error}")
        return
    measurement.observables |= stretched.observables(ctx.seed, names)
    measurement.arrays |= {
        "edges_load": stretched.load,
        "edges_strain": stretched.strain,
        "edges_stress": stretched.stress,
        "edges_polarization": stretched.polarization,
    }


def sheet_for_tension(ctx: Context, base: Atoms) -> Ribbon:
    """The open sheet with two held edges, built from the relaxed unit cell."""
    z = np.sort(base.positions[:, 2])
    material = ctx.material.with_lattice_constant(float(np.linalg.norm(base.cell[0])))
    layers = material.layers
    if layers > 1 and material.honeycomb:
        distance = float(z[-2:].mean() - z[:2].mean()) / (layers - 1)
        material = material.restacked(
            layers, distance, registry=material.registry, antiparallel=material.antiparallel, stacking=material.stacking
        )
    nx, ny = cells_for(material, ctx.params.width, ctx.params.length)
    sheet = rectangular(material, nx, ny)
    return make_ribbon(sheet, ny, ctx.params.held, "open")


def _stretch(ctx: Context, base: Atoms, poisson: float, stage: Stage) -> Stretched:
    params = ctx.params
    ribbon = sheet_for_tension(ctx, base)
    loads = max(2, math.ceil(params.max_strain * ribbon.span / params.step))
    per_load = params.relaxation_steps // params.sample_every
    state = stage.partial("tension")
    atoms, watch = ribbon.flat.copy(), Watch(ribbon.flat)
    if state is not None:
        atoms.set_cell(state["cell"])

    def dynamics(ensemble: Ensemble, stream: int, velocities: np.ndarray | None = None) -> Motion:
        return ctx.engine.dynamics(
            atoms,
            ensemble=ensemble,
            temperature=params.temperature,
            seed=[ctx.seed, stream],
            timestep=params.timestep,
            damping=DAMPING * params.timestep,
            held=ribbon.held,
            velocities=velocities,
            watch=watch,
            resume=state,
        )

    samples = np.zeros((0, per_load, 4))
    if state is None:
        equilibration = dynamics("nose_hoover", 0)
        equilibration.run(params.relaxation_steps)
        motion = dynamics("nve", 1, equilibration.velocities)
    else:
        motion, samples = dynamics("nve", 1), state["samples"]
    with stage.stage(total=(loads + 1) * per_load) as part:
        part.advance(len(samples) * per_load, "tension")
        for load in range(len(samples), loads + 1):
            _set_width(ctx, atoms, ribbon, params.step * load, poisson)
            part.advance(0, f"load {load} of {loads}")
            taken = _load(ctx, motion, ribbon, params.step if load else 0.0, part)
            samples = np.concatenate([samples, taken[None]])
            part.keep_partial("tension", motion.state() | {"cell": atoms.cell.array, "samples": samples})
    number = np.repeat(np.arange(len(samples)), samples.shape[1])
    strain = number * params.step / ribbon.span
    flat = samples.reshape(-1, 4)
    return Stretched(number, strain, flat[:, 0], flat[:, 1:])


def _load(ctx: Context, motion: Motion, ribbon: Ribbon, by: float, stage: Stage) -> np.ndarray:
    """Apply one load and sample it: (samples, 4), stress in N/m and polarization in nC/m."""
    params, atoms = ctx.params, motion.atoms
    for _ in range(params.ramp_steps if by else 0):
        atoms.positions[:, 1] += by / params.ramp_steps * (ribbon.follows - 0.5)
        motion.run(1)
    samples: list[np.ndarray] = []
    for _ in range(params.relaxation_steps // params.sample_every):
        motion.run(params.sample_every)
        samples.append(_sample(ctx, atoms, ribbon))
        stage.advance()
    return np.array(samples)


def _sample(ctx: Context, atoms: Atoms, ribbon: Ribbon) -> np.ndarray:
    forces = np.asarray(ctx.engine.evaluate([atoms], ["forces"])[0]["forces"])
    far = ribbon.held & (ribbon.follows > 0.5)
    near = ribbon.held & (ribbon.follows <= 0.5)
    pull = 0.5 * (forces[near, 1].sum() - forces[far, 1].sum()) / atoms.cell[0, 0] * N_PER_M
    dipole = np.full(3, np.nan)
    responses = Responses.of(ctx)
    if "dipole" in responses.offered:
        area = atoms.cell[0, 0] * np.ptp(atoms.positions[:, 1])
        dipole = responses(atoms, ["dipole"])["dipole"] / area * PC_PER_M / 1000
    return np.array([pull, *dipole])


def _set_width(ctx: Context, atoms: Atoms, ribbon: Ribbon, extension: float, poisson: float) -> None:
    if ctx.params.edge_width == "free":
        width = ribbon.width * (1 - poisson * extension / ribbon.span)
        atoms.positions[:, 0] *= width / atoms.cell[0, 0]
        cell = atoms.cell.array.copy()
        cell[0, 0] = width
        atoms.set_cell(cell)
