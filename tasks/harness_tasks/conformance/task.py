"""Is a potential what it claims to be? Derivatives, symmetries, smoothness, memory, polarization; in seconds.

A potential that fails a line is shown as invalid in every report, with the line. What it does not offer is listed as
not checked and costs it nothing.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
from ase import Atoms

from harness.contracts.material import Material, Need
from harness.contracts.measurement import Arrays, Check, Measurement
from harness.contracts.observable import Observable, find_observable
from harness.contracts.quantity import Quantity
from harness.contracts.record import Record
from harness.contracts.task import Context
from harness_tasks.conformance import figures, structures
from harness_tasks.conformance.derivatives import derivative_lines, smoothness
from harness_tasks.conformance.energy_drift import drift_line
from harness_tasks.conformance.observables import FAILED, LINES, OBSERVABLES, WORST
from harness_tasks.conformance.params import ConformanceParams
from harness_tasks.conformance.probe import Probe, Values
from harness_tasks.conformance.response import response_lines
from harness_tasks.conformance.state import state_lines
from harness_tasks.conformance.symmetry import bulk_lines, molecule_lines, slab_lines


class Conformance:
    """Whether a potential and its polarization are consistent with themselves and with the symmetries of space."""

    name: ClassVar[str] = "conformance"
    version: ClassVar[int] = 3
    requires: ClassVar[frozenset[str]] = frozenset({"energy", "forces"})
    needs: ClassVar[frozenset[Need]] = frozenset()
    Params: ClassVar[type] = ConformanceParams
    observables: ClassVar[tuple[Observable, ...]] = OBSERVABLES

    def structure(self, material: Material, params: ConformanceParams) -> Atoms:
        """Two primitive cells of the material; all others are made from it."""
        return structures.flat(material)

    def measure(self, ctx: Context) -> Measurement:
        """All lines; an observable for each with its largest error."""
        return self.examine(ctx)[0]

    def figures(self, record: Record, arrays: Arrays, folder: Path) -> list[Path]:
        """Every line against its tolerance, and the paths."""
        return figures.draw(record, arrays, folder)

    def examine(self, ctx: Context) -> tuple[Measurement, dict[str, list[str]]]:
        """All lines, and the names of those of each group."""
        probe = Probe(ctx, np.random.default_rng(ctx.seed))
        first = structures.slab(ctx.material, probe.rng, ctx.params.rattle, ctx.params.strain)
        fresh = probe.evaluate(first)  # the first answer of all; what is wrong with the model or the material ends here
        if probe.precision.name == "float32":
            probe.find_grain(first, fresh)
        groups: dict[str, list[str]] = {}
        with ctx.stages.stage("lines", total=len(GROUPS)) as stage:
            for name, run in GROUPS.items():
                before = len(probe.checks)
                with ctx.clock(name):
                    run(probe, first, fresh)
                groups[name] = list(dict.fromkeys(check.name for check in probe.checks[before:]))
                stage.advance(1, name)
        return finished(probe), groups


def derivatives(probe: Probe, first: Atoms, fresh: Values) -> None:
    """Forces and stress against finite differences: bulk, slab (T, T, F), slab (T, T, T)."""
    for _ in range(probe.ctx.params.samples):
        sheet = _slab(probe)
        periodic = sheet.copy()
        periodic.pbc = True
        for kind, atoms in (("bulk", _bulk(probe)), ("slab_ttf", sheet), ("slab_ttt", periodic)):
            parts = [f"forces_{kind}", f"stress_{kind}"] + ([] if kind == "bulk" else [f"stress_z_{kind}"])
            probe.attempt(parts, partial(derivative_lines, probe, kind, atoms))
    if not probe.has_stress:
        probe.leave_out(["stress"], f"{probe.ctx.potential.name} offers no stress")


def symmetries(probe: Probe, first: Atoms, fresh: Values) -> None:
    """Invariances, net force and torque, size and vacuum."""
    for _ in range(probe.ctx.params.samples):
        _symmetries_of(probe, _slab(probe), _bulk(probe))


def _symmetries_of(probe: Probe, sheet: Atoms, crystal: Atoms) -> None:
    probe.attempt("slab", lambda: slab_lines(probe, sheet, probe.evaluate(sheet)))
    probe.attempt("bulk", lambda: bulk_lines(probe, crystal, probe.evaluate(crystal)))
    free = structures.molecule(probe.ctx.material, probe.rng, probe.ctx.params.rattle)
    probe.attempt("molecule", lambda: molecule_lines(probe, free))


def smooth(probe: Probe, first: Atoms, fresh: Values) -> None:
    """No jump where layers part, nor where atoms of a layer move."""
    params = probe.ctx.params
    lift = structures.lift(probe.ctx.material, probe.rng, params.rattle)
    shake = structures.shake(_slab(probe), probe.rng)
    for name, path in (("smooth_lift", lift), ("smooth_shake", shake)):
        names = [f"{name}_energy", f"{name}_forces"]
        probe.attempt(names, partial(smoothness, probe, name, path, params.path_points))


def dynamics(probe: Probe, first: Atoms, fresh: Values) -> None:
    """Conservation of energy."""
    probe.attempt("nve_drift", lambda: drift_line(probe, structures.flat(probe.ctx.material), fresh))


def response(probe: Probe, first: Atoms, fresh: Values) -> None:
    """Polarization, where it is offered."""
    probe.about = "polarization"
    for _ in range(probe.ctx.params.samples):
        probe.attempt("polarization", partial(response_lines, probe, _slab(probe)))
    probe.about = "potential"


def state(probe: Probe, first: Atoms, fresh: Values) -> None:
    """Memory and global state; and whether all numbers were finite and all structures left alone."""
    probe.attempt("state", lambda: state_lines(probe, first, fresh))
    probe.add("finite", probe.wrong, 0.0, "1", "numbers that are not finite, among all that were answered")
    probe.add("structures_left_alone", probe.altered, 0.0, "1", "structures that an evaluation altered")


#: In this order: `state` looks back at everything before it.
GROUPS = {
    "derivatives": derivatives,
    "symmetries": symmetries,
    "smooth": smooth,
    "dynamics": dynamics,
    "response": response,
    "state": state,
}


def finished(probe: Probe) -> Measurement:
    """The worst of each line over the samples, as check and as observable, and what was not checked."""
    worst: dict[str, Check] = {}
    for check in probe.checks:
        other = worst.get(check.name)
        if other is None or _severity(check) > _severity(other):
            worst[check.name] = check
    checks = [replace(check, value=abs(check.value)) for check in worst.values()]
    failed = sum(not check.passed for check in checks)
    ratios = [check.value / check.tolerance for check in checks if check.tolerance]
    observables = {
        **FAILED.of(Quantity(failed, "1", n=len(checks), method=f"of {len(checks)} lines")),
        **WORST.of(Quantity(float(np.max(ratios)), "1", method="of the lines with a tolerance")),
    }
    for check in checks:
        line = find_observable(LINES, check.name, Quantity(check.value, check.unit))
        if line is None and np.isnan(check.value):
            continue  # a whole group of lines that raised: the check says which
        if line is None:
            observables[check.name] = Quantity(check.value, check.unit)  # the worker refuses it
            continue
        unit = line.unit if np.isnan(check.value) else check.unit
        found = Quantity(check.value, unit, method=f"largest error; {check.reason}")
        observables |= line.of(found, **(line.labels_of(check.name) or {}))
    why: dict[str, list[str]] = {}
    for name, reason in probe.absent.items():
        why.setdefault(reason, []).append(name)
    notes = [f"not offered, so not checked: {', '.join(names)} ({reason})" for reason, names in why.items()]
    return Measurement(observables, dict(probe.arrays), {}, checks, notes)


def _severity(check: Check) -> float:
    if np.isnan(check.value):
        return np.inf
    return abs(check.value) / check.tolerance if check.tolerance else np.inf * abs(check.value) if check.value else 0.0


def _slab(probe: Probe) -> Atoms:
    return structures.slab(probe.ctx.material, probe.rng, probe.ctx.params.rattle, probe.ctx.params.strain)


def _bulk(probe: Probe) -> Atoms:
    return structures.bulk(probe.ctx.material, probe.rng, probe.ctx.params.rattle, probe.ctx.params.strain)
