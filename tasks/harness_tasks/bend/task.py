"""Bending: compress a ribbon at its edges until it buckles; stiffness and flexoelectric coefficient.

After Javvaji et al., Adv. Energy Mater. 12, 2201370 (2022); docs/tasks/bend.md derives every number.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
from ase import Atoms

from harness.contracts.material import Material, Need
from harness.contracts.measurement import Arrays, Measurement
from harness.contracts.observable import Observable
from harness.contracts.quantity import Quantity
from harness.contracts.record import Record
from harness.contracts.task import Context
from harness.errors import HarnessError
from harness.stats import number
from harness.units import GPA, N_PER_M, PC_PER_M
from harness_tasks.bend import analysis as results
from harness_tasks.bend import checks
from harness_tasks.bend import observables as declared
from harness_tasks.bend.flat_sheet import Sheet, prepare_sheet
from harness_tasks.bend.loading import History, Load, Loading
from harness_tasks.bend.params import BendParams
from harness_tasks.mechanics.atomic_strain import AtomicStrain
from harness_tasks.mechanics.slopes import without_sampling
from harness_tasks.polarization.responses import Responses
from harness_tasks.structures.cells import cells_for, rectangular
from harness_tasks.structures.ribbon import Ribbon, make_ribbon


class Bend:
    """Bending stiffness and flexoelectricity of a sheet, from a ribbon that buckles."""

    name: ClassVar[str] = "bend"
    version: ClassVar[int] = 3
    requires: ClassVar[frozenset[str]] = frozenset({"energy", "forces"})
    needs: ClassVar[frozenset[Need]] = frozenset({Need.ONE_OR_TWO_LAYERS, Need.HONEYCOMB_LAYERS})
    Params: ClassVar[type] = BendParams
    observables: ClassVar[tuple[Observable, ...]] = declared.OBSERVABLES

    def structure(self, material: Material, params: BendParams) -> Atoms:
        """The flat ribbon at the material's own lattice constant."""
        nx, ny = cells_for(material, params.width, params.length)
        return make_ribbon(rectangular(material, nx, ny), ny, params.held, params.boundary).flat

    def measure(self, ctx: Context) -> Measurement:
        """Load the ribbon, and two narrow ones as checks, and fit."""
        params: BendParams = ctx.params
        if params.lateral == "free" and "stress" not in ctx.potential.implemented_properties:
            raise HarnessError(
                "a free width needs the stress, which this potential does not offer.", "Give task.params.lateral=held."
            )
        with ctx.clock("flat sheet"):
            sheet = prepare_sheet(ctx)
        ribbon = self._ribbon(ctx, sheet, params.width, params.length)
        others = [(name, self._ribbon(ctx, sheet, None, length), steps) for name, length, steps in _comparisons(params)]
        sizes = [1.0] + [0.5 * len(other.flat) / len(ribbon.flat) for _, other, _ in others]
        compared = []
        with ctx.stages.stage("ribbons", total=sum(sizes)) as ribbons:
            with ribbons.stage("main", sizes[0]) as stage:
                loading = Loading(ctx, ribbon, stage, steps=params.steps, polarize=True, modulus=sheet.modulus)
                history = loading.run()
            for (name, other, steps), size in zip(others, sizes[1:], strict=True):
                with ribbons.stage(name, size) as stage:
                    loading = Loading(ctx, other, stage, steps=steps, polarize=False, modulus=sheet.modulus)
                    compared.append((name, other, loading.run()))
        return self._evaluate(ctx, sheet, ribbon, history, compared)

    def _ribbon(self, ctx: Context, sheet: Sheet, width: float | None, length: float) -> Ribbon:
        nx, ny = cells_for(ctx.material, width, length)
        return make_ribbon(sheet.cell.repeat((nx, ny, 1)), ny, ctx.params.held, ctx.params.boundary)

    def _evaluate(
        self,
        ctx: Context,
        sheet: Sheet,
        ribbon: Ribbon,
        history: History,
        compared: list[tuple[str, Ribbon, History]],
    ) -> Measurement:
        params: BendParams = ctx.params
        loads = history.loads
        branch = results.on_branch(history, params.max_curvature)
        found = results.mechanics(ribbon, history, params.max_curvature, ctx.seed)
        strain = AtomicStrain(ribbon.flat, params.strain_cutoff)
        arrays = results.profiles(ribbon, loads, strain)
        mu, _ = results.flexoelectricity(ribbon, arrays, branch, ctx.seed)
        area = ribbon.width * ribbon.spacing * ribbon.n_bins
        observables = {
            **declared.STIFFNESS.of(found.stiffness),
            **declared.STIFFNESS_MEAN.of(found.stiffness_mean),
            **declared.STIFFNESS_LOAD.of(found.stiffness_load),
            **declared.STIFFNESS_LIMIT.of(found.stiffness_limit),
            **declared.CRITICAL_STRAIN.of(found.critical_strain),
            **mu,
        }
        if "dipole" in loads[0].polarization:
            observables |= declared.D_ZZZ.of(results.piezoelectric_d([loads[i] for i in branch], area, ctx.seed))
        observables |= _sheet_observables(sheet, ribbon, found)
        measurement = Measurement(observables, _with_loads(arrays, ribbon, loads, branch, area))
        measurement.frames["ribbon"] = [_frame(ribbon, load) for load in loads]
        measurement.notes = _notes(history, strain, branch, found.critical_strain)
        measurement.checks = checks.loading_checks(history, len(branch))
        if len(branch) > 2:
            on = [loads[i] for i in branch]
            measurement.checks += checks.shape_checks(ctx, found, on)
            mirror = checks.mirror_check(Responses.of(ctx), ribbon, on[-1])
            measurement.checks += [] if mirror is None else [mirror]
            for name, other, its_history in compared:
                its = results.mechanics(other, its_history, params.max_curvature, ctx.seed)
                method = f"as {declared.STIFFNESS_LIMIT.key}, ribbon of {name}"
                observables |= declared.STIFFNESS_COMPARED[name].of(replace(its.stiffness_limit, method=method))
                measurement.checks.append(checks.finished_check(its_history, f"loading_finished_{name}"))
                check = checks.ribbon_check(name, sheet, ribbon, found, other, its)
                if check is None:
                    measurement.notes.append(f"no check {name}: nothing holds the layers of so long a ribbon in place")
                else:
                    measurement.checks.append(check)
        if params.method == "static":
            measurement.observables = without_sampling(measurement.observables)
        return measurement

    def figures(self, record: Record, arrays: Arrays, folder: Path) -> list[Path]:
        """The deformed ribbon, energy against curvature, polarization against strain gradient."""
        from harness_tasks.bend.figures import draw

        return draw(record, arrays, folder)


def _comparisons(params: BendParams) -> list[tuple[str, float, int]]:
    """Name, length and number of loads of the ribbons that test the independence of both."""
    if params.method != "static":
        return []
    others = []
    if params.check_length is not None:
        others.append(("ribbon_length", params.check_length, params.check_steps or params.steps))
    if params.check_steps is not None:
        others.append(("step_size", params.length, params.check_steps))
    return others


def _sheet_observables(sheet: Sheet, ribbon: Ribbon, found: results.Mechanics) -> dict[str, Quantity]:
    observables = {
        **declared.LATTICE_CONSTANT.of(
            Quantity(float(sheet.cell.cell[0, 0]), "A", method="zigzag period of the flat sheet")
        ),
        **declared.SHEET_MODULUS.of(Quantity(sheet.modulus * N_PER_M, "N/m", method="∂²E/∂ε_yy² at held width")),
    }
    if sheet.distance:
        coupling = sheet.coupling_stiffness(ribbon.span)
        method = "sandwich plate of the measured modulus, distance and shear, at this length"
        bonded = number(found.stiffness_limit) - coupling + sheet.modulus * sheet.distance**2 / 4
        observables |= {
            **declared.LAYER_DISTANCE.of(Quantity(sheet.distance, "A")),
            **declared.SHEAR_MODULUS.of(Quantity(sheet.shear * sheet.distance * GPA, "GPa", method="slip along y")),
            **declared.STIFFNESS_COUPLING.of(Quantity(coupling, "eV", method=method)),
            **declared.STIFFNESS_BONDED.of(Quantity(bonded, "eV", method="limit of layers that cannot slip")),
        }
    return observables


def _with_loads(arrays: Arrays, ribbon: Ribbon, loads: list[Load], branch: list[int], area: float) -> Arrays:
    """The profiles, and one number per load of everything else."""
    energy = np.array([load.energy - loads[0].energy for load in loads]) / ribbon.free_area
    stored = arrays | {
        "shortening": np.array([load.shortening for load in loads]),
        "energy_per_area": energy,
        "mean_curvature": np.array([load.mean_curvature for load in loads]),
        "rms_curvature": np.array([load.rms_curvature for load in loads]),
        "stress_zz": np.array([load.stress for load in loads]) * N_PER_M,
        "force_calls": np.array([load.force_calls for load in loads]),
        "forces_left": np.array([load.forces_left for load in loads]),
        "on_branch": np.isin(np.arange(len(loads)), branch),
        "inner_bins": results.inner_bins(ribbon),
        "held": ribbon.held,
        "layer": ribbon.layer,
        "span": np.array(ribbon.span),
    }
    if "dipole" in loads[0].polarization:
        stored["polarization_z"] = np.array([load.polarization["dipole"][2] for load in loads]) / area * PC_PER_M
    last = loads[branch[-1] if branch else -1]
    stored |= {"positions_last": last.positions, "positions_flat": loads[0].positions}
    if ribbon.periodic:
        stored["period"] = np.array(last.cell[1, 1])
    if "atomic_dipoles" in last.polarization:
        stored["atomic_dipoles_last"] = last.polarization["atomic_dipoles"]
        stored["atomic_dipoles_flat"] = loads[0].polarization["atomic_dipoles"]
    return stored


def _frame(ribbon: Ribbon, load: Load) -> Atoms:
    atoms = ribbon.flat.copy()
    atoms.set_cell(load.cell)
    atoms.positions = load.positions
    atoms.info = {"shortening": load.shortening, "rms_curvature": load.rms_curvature}
    for name in ("charges", "atomic_dipoles"):
        if name in load.polarization:
            atoms.set_array(name, load.polarization[name])
    return atoms


def _notes(history: History, strain: AtomicStrain, branch: list[int], critical: Quantity) -> list[str]:
    notes = [] if branch else ["the ribbon did not buckle"]
    if "atomic_dipoles" not in history.loads[0].polarization:
        notes.append("no flexoelectric coefficient: no polarization model with atomic_dipoles (polarization=NAME)")
    if not strain.defined:
        notes.append("no mu_green: one flat layer has no neighbours across, so ∂u/∂z is not defined")
    if branch and number(critical) < 0:
        notes.append("the flat ribbon is unstable: it bends without a load (its layers would rather slip)")
    return notes
