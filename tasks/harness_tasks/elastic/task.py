"""Elasticity of a sheet: C11, C12, C66, Young's modulus in N/m; vertical constants of a stack in GPa.

docs/tasks/elastic.md derives every number.
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
from harness.contracts.task import Context
from harness.materials.sheets import area
from harness.stats import number
from harness.units import N_PER_M
from harness_tasks.elastic import analysis as results
from harness_tasks.elastic.checks import checks, notes
from harness_tasks.elastic.observables import OBSERVABLES
from harness_tasks.elastic.params import ElasticParams
from harness_tasks.mechanics.curves import XX, XY, YY, ZZ, Curves, along, both_ways
from harness_tasks.mechanics.relaxed_sheet import changes_at_rest, holds_check, start_series
from harness_tasks.mechanics.slopes import derived, slope
from harness_tasks.mechanics.strain_series import Point, Series
from harness_tasks.mechanics.tension_test import TENSION, add_dynamics
from harness_tasks.mechanics.virial import Virial, strained

#: Sheet stress across at which a free width counts as free, N/m.
FREE = 2e-3


class Elastic:
    """Elastic constants of a sheet with clamped and with relaxed ions."""

    name: ClassVar[str] = "elastic"
    version: ClassVar[int] = 2
    requires: ClassVar[frozenset[str]] = frozenset({"energy", "forces"})
    needs: ClassVar[frozenset[Need]] = frozenset()
    Params: ClassVar[type] = ElasticParams
    observables: ClassVar[tuple[Observable, ...]] = OBSERVABLES

    def structure(self, material: Material, params: ElasticParams) -> Atoms:
        """The primitive cell, two atoms a layer."""
        return material.atoms

    def measure(self, ctx: Context) -> Measurement:
        """Strain the cell in every direction that symmetry does not supply, and fit."""
        params: ElasticParams = ctx.params
        dynamics = params.method == "dynamics"
        with ctx.stages.stage("sheet", 1 - TENSION if dynamics else 1, total=100) as sheet:
            with sheet.stage(weight=50) as stage, ctx.clock("start"):
                try:
                    series, virial = start_series(ctx, stage)
                except UnphysicalError as reason:
                    return Measurement({"C11": Quantity(math.nan, "N/m")}, checks=[holds_check(str(reason))])
            with sheet.stage(weight=40) as virial.stage, ctx.clock("strains"):
                curves = _strain(series, params)
            with sheet.stage(weight=10) as virial.stage, ctx.clock("free width"):
                free = _free_width(series, params, curves) if params.free_width else None
            measurement = self._evaluate(ctx, series, virial, curves, free)
        if dynamics:
            with ctx.stages.stage("tension", TENSION) as stage:
                add_dynamics(ctx, series.base, number(measurement.observables["nu"]), stage, measurement)
        return measurement

    def figures(self, record: Record, arrays: Arrays, folder: Path) -> list[Path]:
        """Stress against strain with the fits."""
        from harness_tasks.elastic.figures import draw

        return draw(record, arrays, folder)

    def _evaluate(
        self,
        ctx: Context,
        series: Series,
        virial: Virial,
        curves: dict[tuple[str, int], Curves],
        free: Curves | None,
    ) -> Measurement:
        params: ElasticParams = ctx.params
        found = results.in_plane(series, curves, ctx.seed)
        if free is not None:
            found["Y_2D_direct"] = slope(
                free.strain, free.stress[:, YY], "N/m", "slope of the sheet stress, width free, ions relaxed", ctx.seed
            )
            across = [point.strain[XX] for point in free.points]
            found["nu_direct"] = derived(
                lambda s: -s, [slope(free.strain, across, "1", "contraction across", ctx.seed)], "1", "-ε_xx/ε_yy"
            )
        if params.thickness is not None:
            found |= results.volumetric(found, params.thickness)
        if series.planes is not None:
            thickness = params.thickness or series.thickness
            found |= results.vertical(series, curves, thickness, ctx.seed)
            found["thickness"] = Quantity(
                thickness, "A", method="as stated" if params.thickness else "distance of the outermost atomic planes"
            )
        found["lattice_constant"] = Quantity(float(np.linalg.norm(series.base.cell[0])), "A")
        if virial.error == virial.error:
            found["stress_error"] = Quantity(
                virial.error, "N/m", method=f"largest difference from energy differences, of {virial.scale:.3g} N/m"
            )
        measurement = Measurement(found, _arrays(series, curves, free))
        measurement.checks = [holds_check(), *checks(series, virial, params, found, curves)]
        measurement.notes = changes_at_rest(ctx.atoms, series.base) + notes(series, virial, found)
        measurement.frames["cell"] = [series.structure(point) for point in curves["relaxed", YY].points]
        return measurement


def _strain(series: Series, params: ElasticParams) -> dict[tuple[str, int], Curves]:
    strains = both_ways(params.strains)
    wanted = results.directions(series)
    vertical = [ZZ] if series.planes is not None else []
    curves = {}
    for component in wanted + vertical:
        sizes = both_ways(params.vertical_strains) if component == ZZ else strains
        curves["clamped", component] = Curves.of(series, sizes, component, series.clamped)

        def relaxed(strain: np.ndarray, held: bool = component == ZZ) -> Point:
            return series.relaxed(strain, held)

        curves["relaxed", component] = Curves.of(series, sizes, component, relaxed)
    return curves


def _free_width(series: Series, params: ElasticParams, curves: dict[tuple[str, int], Curves]) -> Curves | None:
    """Points along y with the width such that σ_xx is that of the unstrained sheet; None where stresses are lost."""
    held = curves["relaxed", YY]
    widths = curves.get(("relaxed", XX), held)
    if not (np.isfinite(held.stress).all() and np.isfinite(widths.stress).all()):
        return None
    stiff = float(np.polyfit(widths.strain, widths.stress[:, XX if widths is not held else YY], 1)[0])
    coupled = float(np.polyfit(held.strain, held.stress[:, XX], 1)[0])
    at_rest = float(held.stress[len(held.strain) // 2, XX])
    sizes = [-max(params.strains), 0.0, max(params.strains)]
    points, stress = [], []
    for size in sizes:
        strain = along(YY, size)
        strain[XX] = -coupled / stiff * size
        for _ in range(6):
            point = series.relaxed(strain)
            a = area(strained(series.base, strain))
            left = float(point.virial[XX]) / a * N_PER_M - at_rest
            if abs(left) < FREE:
                break
            strain = strain - along(XX, left / stiff)
        points.append(point)
        stress.append(point.virial / a * N_PER_M)
    return Curves(sizes, points, np.array(stress), np.array([point.energy for point in points]))


def _arrays(series: Series, curves: dict[tuple[str, int], Curves], free: Curves | None) -> Arrays:
    labels = {XX: "xx", YY: "yy", ZZ: "zz", XY: "xy"}
    arrays: Arrays = {"force_constants": series.constants, "thickness": np.array(series.thickness)}
    named = {f"{kind}_{labels[component]}": found for (kind, component), found in curves.items()}
    if free is not None:
        named["free_yy"] = free
    for name, found in named.items():
        arrays[f"{name}_strain"] = np.array(found.strain)
        arrays[f"{name}_stress"] = found.stress  # N/m; the column zz is the virial over the area
        arrays[f"{name}_energy"] = found.energy - found.energy[len(found.strain) // 2]
        arrays[f"{name}_moved"] = np.array([point.moved for point in found.points])
    return arrays
