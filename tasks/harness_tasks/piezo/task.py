"""Piezoelectricity of a sheet: polarization per strain in the plane and across, in nC/m.

docs/tasks/piezo.md derives every number.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import ClassVar

import numpy as np
from ase import Atoms

from harness.contracts.engine import UnphysicalError
from harness.contracts.material import Material, Need
from harness.contracts.measurement import Arrays, Measurement
from harness.contracts.observable import Observable
from harness.contracts.quantity import Quantity
from harness.contracts.record import Record
from harness.contracts.task import Context, Stage
from harness.materials.sheets import area
from harness.units import PC_PER_M
from harness_tasks.mechanics.curves import XX, YY, ZZ, along, both_ways
from harness_tasks.mechanics.relaxed_sheet import changes_at_rest, holds_check, start_series
from harness_tasks.mechanics.strain_series import Point, Series
from harness_tasks.mechanics.tension_test import TENSION, add_dynamics
from harness_tasks.piezo.analysis import COMPONENTS, PiezoCurves, checks, coefficients, notes
from harness_tasks.piezo.observables import OBSERVABLES
from harness_tasks.piezo.params import PiezoParams
from harness_tasks.polarization.responses import Responses
from harness_tasks.polarization.sheet_dipole import SheetDipole


class Piezo:
    """Piezoelectric coefficients from dipoles of strained cells and, for the ions' part, from Born charges."""

    name: ClassVar[str] = "piezo"
    version: ClassVar[int] = 2
    requires: ClassVar[frozenset[str]] = frozenset({"energy", "forces", "dipole"})
    needs: ClassVar[frozenset[Need]] = frozenset()
    Params: ClassVar[type] = PiezoParams
    observables: ClassVar[tuple[Observable, ...]] = OBSERVABLES

    def structure(self, material: Material, params: PiezoParams) -> Atoms:
        """The primitive cell."""
        return material.atoms

    def measure(self, ctx: Context) -> Measurement:
        """Strain the cell along y, x and z, and fit the polarization."""
        params: PiezoParams = ctx.params
        dynamics = params.method == "dynamics"
        with ctx.stages.stage("sheet", 1 - TENSION if dynamics else 1, total=100) as sheet:
            with sheet.stage(weight=40) as stage, ctx.clock("start"):
                try:
                    series, _ = start_series(ctx, stage)
                except UnphysicalError as reason:
                    return Measurement({"e_yyy": Quantity(math.nan, "nC/m")}, checks=[holds_check(str(reason))])
            dipole = SheetDipole(Responses.of(ctx), series.base, sheet)
            with ctx.clock("strains"):
                curves = _strain(series, dipole, params, sheet)
            with ctx.clock("Born charges"):
                born = dipole.born_charges(series.base)
            measurement = _evaluate(ctx, series, dipole, curves, born)
        if dynamics:
            names = {"y": "e_yyy_edges", "z": "e_zyy_edges"}
            with ctx.stages.stage("tension", TENSION) as stage:
                add_dynamics(ctx, series.base, 0.0, stage, measurement, names)
        return measurement

    def figures(self, record: Record, arrays: Arrays, folder: Path) -> list[Path]:
        """Polarization against strain with the fits."""
        from harness_tasks.piezo.figures import draw

        return draw(record, arrays, folder)


def _strain(
    series: Series, dipole: SheetDipole, params: PiezoParams, stage: Stage
) -> dict[tuple[str, int], PiezoCurves]:
    in_plane, largest = both_ways(params.strains), [-max(params.strains), 0.0, max(params.strains)]
    wanted = {YY: in_plane, XX: largest}
    if series.planes is not None:
        wanted[ZZ] = both_ways(params.vertical_strains)
    curves = {}
    share = (stage.total - stage.done) / sum(2 * len(sizes) for sizes in wanted.values())
    for component, sizes in wanted.items():
        for kind in ("clamped", "relaxed"):
            points, dipoles = [], []
            for size in sizes:
                point = _point(series, kind, component, size)
                held = " held" if kind == "relaxed" and component == ZZ else ""
                points.append(point)
                dipoles.append(dipole(f"{kind}{held} {point.strain.tolist()}", series.structure(point)))
                stage.advance(share, f"{kind} {COMPONENTS[component]}")
            curves[kind, component] = PiezoCurves(sizes, points, dipoles)
    return curves


def _point(series: Series, kind: str, component: int, size: float) -> Point:
    strain = along(component, size)
    return series.clamped(strain) if kind == "clamped" else series.relaxed(strain, held=component == ZZ)


def _evaluate(
    ctx: Context,
    series: Series,
    dipole: SheetDipole,
    curves: dict[tuple[str, int], PiezoCurves],
    born: np.ndarray | None,
) -> Measurement:
    found = coefficients(series, curves, dipole.parts, born, ctx.seed)
    rest = curves["relaxed", YY]
    at_rest = rest.dipoles[len(rest.strain) // 2]["full"]
    found["P_z"] = Quantity(float(at_rest[2]) / area(series.base) * PC_PER_M, "pC/m", method="of the unstrained sheet")
    found["lattice_constant"] = Quantity(float(np.linalg.norm(series.base.cell[0])), "A")
    arrays: Arrays = {"area": np.array(area(series.base))}
    for (kind, component), curve in curves.items():
        label = f"{kind}_{COMPONENTS[component]}"
        arrays[f"{label}_strain"] = np.array(curve.strain)
        arrays[f"{label}_moved"] = np.array([point.moved for point in curve.points])
        for part in dipole.parts:
            arrays[f"{label}_{part}"] = np.array([entry[part] for entry in curve.dipoles])
            arrays[f"{label}_{part}_P"] = curve.polarization(series, part, "proper") * PC_PER_M / 1000
    if born is not None:
        arrays["born_effective_charges"] = born
    measurement = Measurement(found, arrays)
    measurement.checks = [holds_check(), *checks(ctx, series, found, curves)]
    measurement.notes = changes_at_rest(ctx.atoms, series.base) + notes(ctx, series, dipole.parts, born)
    measurement.frames["cell"] = [series.structure(point) for point in rest.points]
    return measurement
