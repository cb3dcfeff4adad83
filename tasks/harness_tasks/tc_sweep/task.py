"""Where sliding ferroelectricity ends: Im ψ against temperature on heating and cooling.

After Deng et al., arXiv 2407.15081; docs/tasks/tc_sweep.md has the definitions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from ase import Atoms

from harness.contracts.material import Material, Need
from harness.contracts.measurement import Arrays, Check, Measurement
from harness.contracts.observable import Observable
from harness.contracts.quantity import Quantity
from harness.contracts.record import Record
from harness.contracts.task import Context
from harness.stats import number
from harness_tasks.structures.bilayers import (
    bilayer,
    lattice_check,
    own_lattice_constant,
    upright,
)
from harness_tasks.structures.registries import SP
from harness_tasks.tc_sweep import analysis as results
from harness_tasks.tc_sweep import observables as declared
from harness_tasks.tc_sweep.order_parameter import arrhenius_temperature, attempt_frequency
from harness_tasks.tc_sweep.params import TcSweepParams
from harness_tasks.tc_sweep.sweeps import Sweep, sweeps

#: Share of the progress bar of what comes before the sweeps.
AT_REST = 0.02


class TcSweep:
    """Curie temperature of a sliding ferroelectric of given size, at given time per temperature."""

    name: ClassVar[str] = "tc_sweep"
    version: ClassVar[int] = 2
    requires: ClassVar[frozenset[str]] = frozenset({"energy", "forces"})
    needs: ClassVar[frozenset[Need]] = frozenset({Need.TWO_LAYERS, Need.HONEYCOMB_LAYERS, Need.POLAR_STACKING})
    Params: ClassVar[type] = TcSweepParams
    observables: ClassVar[tuple[Observable, ...]] = declared.OBSERVABLES

    def structure(self, material: Material, params: TcSweepParams) -> Atoms:
        """The sheet at the material's own lattice constant and distance."""
        return bilayer(material, material.registry, material.distance).repeat((params.cells, params.cells, 1))

    def measure(self, ctx: Context) -> Measurement:
        """Relax AB and SP, choose the temperatures, and sweep."""
        params: TcSweepParams = ctx.params
        with ctx.stages.stage("at rest", AT_REST) as stage, ctx.clock("at rest"):
            if "cell" not in stage:
                stage.keep("cell", self._rest(ctx))
            known = stage["cell"]
        cell = bilayer(ctx.material.with_lattice_constant(known["a"]), self._registry(ctx), ctx.material.distance)
        cell.positions = known["positions"]
        cell.set_array("layer", np.array([0, 0, 1, 1]))  # heat does not change it
        sheet = cell.repeat((params.cells, params.cells, 1))
        barrier, cells = known["barrier"], params.cells**2
        masses = sheet.get_masses()
        bond = known["a"] / math.sqrt(3)
        frequency = attempt_frequency(max(barrier, 0.0), bond, masses[:2].sum() / 2)
        sampled = params.time * (1 - params.discard)
        estimate = arrhenius_temperature(barrier, cells, frequency, sampled)
        measurement = Measurement(notes=[known["note"]] if known["note"] else [])
        if params.relax_cell:
            measurement.checks.append(lattice_check(known["failed"]))
        lost = "rigid layer, Arrhenius, half the order left in the time that is averaged"
        measurement.observables = {
            **declared.BARRIER.of(Quantity(1e3 * barrier, "meV", method="E(SP) - E(AB), relaxed along z")),
            **declared.COHERENT_BARRIER.of(Quantity(barrier * cells, "eV", method="of all cells together")),
            **declared.ARRHENIUS.of(Quantity(estimate, "K", method=lost)),
            **declared.ATTEMPT_FREQUENCY.of(
                Quantity(frequency, "THz", method="rigid layer in the quartic path of this barrier")
            ),
            **declared.CELLS.of(Quantity(cells, "1")),
            **declared.TIME.of(Quantity(params.time, "ps")),
        }
        if params.highest is None and not math.isfinite(estimate):
            return self._nothing_holds(measurement, barrier)
        rising = params.temperatures(estimate)
        total = params.repeats * (2 * len(rising) - 1) * params.steps
        with ctx.stages.stage("sweeps", 1 - AT_REST, total) as stage, ctx.clock("dynamics"):
            found = sweeps(ctx, sheet, self._registry(ctx), rising, stage)
        arrays = results.curves(found, len(rising))
        measurement.observables = results.observables(rising, arrays) | measurement.observables
        measurement.arrays = {"temperatures": rising} | arrays | _traces(found)
        measurement.frames["start"] = [sheet]
        measurement.checks += [_physical(found), *_checks(rising, arrays, params)]
        measurement.notes += _notes(measurement.observables, rising)
        ended = [sweep.ended[1] for sweep in found if sweep.ended is not None]
        if ended:
            lowest = Quantity(min(ended), "K", n=len(ended), method="lowest temperature at which a sweep ended")
            measurement.observables |= declared.UNPHYSICAL.of(lowest)
        return measurement

    def _registry(self, ctx: Context) -> np.ndarray:
        return np.array(ctx.material.registry)

    def _rest(self, ctx: Context) -> dict[str, Any]:
        """Relaxed cell at the start's registry, its lattice constant, and what SP lies above it (eV per cell)."""
        params: TcSweepParams = ctx.params
        a, note, failed = ctx.material.a, "", False
        if params.relax_cell:
            a, note, failed = own_lattice_constant(ctx, "AB", params.fmax, params.max_steps)
        energies, rest = [], np.zeros((4, 3))
        for registry in (SP, self._registry(ctx)):
            atoms = bilayer(ctx.material.with_lattice_constant(a), registry, ctx.material.distance)
            atoms.set_constraint(upright(atoms))
            ctx.engine.relax(atoms, fmax=params.fmax, max_steps=params.max_steps, optimizer="lbfgs")
            energies.append(ctx.engine.evaluate([atoms], ["energy"])[0]["energy"])
            rest = atoms.positions
        barrier = energies[0] - energies[1]
        return {"a": a, "note": note, "failed": failed, "positions": rest, "barrier": barrier}

    def _nothing_holds(self, measurement: Measurement, barrier: float) -> Measurement:
        measurement.observables |= declared.CURIE.of(Quantity(math.nan, "K", method="no temperature to start from"))
        measurement.notes.append(
            f"AB is no minimum of this potential (barrier {1e3 * barrier:.3g} meV per cell), so nothing orders; give "
            "task.params.highest and step to sweep all the same"
        )
        return measurement

    def figures(self, record: Record, arrays: Arrays, folder: Path) -> list[Path]:
        """Im ψ against temperature."""
        from harness_tasks.tc_sweep.figures import draw

        return draw(record, arrays, folder)


def _traces(found: list[Sweep]) -> Arrays:
    """Registries along each sweep, (temperatures, samples, 2)."""
    return {f"registry_{place}": sweep.samples[..., :2] for place, sweep in enumerate(found)}


def _checks(rising: np.ndarray, arrays: Arrays, params: TcSweepParams) -> list[Check]:
    kinetic = arrays["kinetic"]
    asked = np.where(np.isfinite(kinetic), rising, np.nan)
    if not np.isfinite(asked).any():
        return []
    off = float(np.nansum(kinetic) / np.nansum(asked) - 1)
    reason = "kinetic temperature over all sweeps; a finite time step takes a few per cent from the fastest bonds"
    return [Check("temperature_held", off, 0.15, reason=reason)]


def _physical(found: list[Sweep]) -> Check:
    """Whether every sweep went up and down again; the reason says where others ended."""
    ended = [
        f"sweep {place + 1} ended at {sweep.ended[1]:.0f} K, step {sweep.ended[0]}: {sweep.ended[2]}"
        for place, sweep in enumerate(found)
        if sweep.ended is not None
    ]
    reason = "; ".join(ended) or "layers stay whole and together, energies finite, up to the highest temperature"
    return Check("unphysical_sweeps", float(len(ended)), 0.0, "1", reason)


def _notes(observed: Mapping[str, Quantity], rising: np.ndarray) -> list[str]:
    missing = [each.key for each in declared.CURIES if not np.isfinite(number(observed[each.key]))]
    if missing:
        return [f"{', '.join(missing)}: the mean order stays above half of its amplitude up to {rising[-1]:.0f} K"]
    return []
