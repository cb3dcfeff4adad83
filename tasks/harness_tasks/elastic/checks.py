"""The elastic constants' own consistency checks, each with the reason of its tolerance, and the remarks of a run."""

from __future__ import annotations

import math

from harness.contracts.measurement import Check
from harness.contracts.quantity import Quantity
from harness.materials.sheets import area
from harness.materials.symmetry import has_threefold_axis
from harness.stats import number
from harness.units import GPA, N_PER_M
from harness_tasks.elastic import analysis as results
from harness_tasks.elastic.params import ElasticParams
from harness_tasks.mechanics.curves import NAMES, XX, XY, YY, ZZ, Curves
from harness_tasks.mechanics.slopes import slope
from harness_tasks.mechanics.strain_series import Series
from harness_tasks.mechanics.virial import Virial


def checks(
    series: Series,
    virial: Virial,
    params: ElasticParams,
    found: dict[str, Quantity],
    curves: dict[tuple[str, int], Curves],
) -> list[Check]:
    """Isotropy, internal strain, energies against stresses, the free width, and how well all is relaxed.

    Parameters
    ----------
    series
        The strained cells.
    virial
        The stress and its test.
    params
        Of the task.
    found
        The constants.
    curves
        By ``clamped`` or ``relaxed`` ions and component.
    """
    c11 = number(found["C11"])
    half = _half_width(found["C11"]) / abs(c11)
    size = min(params.strains)
    linear = number(found["C11_clamped"]) + results.linear_response(series, size, YY, YY)
    relaxed = curves["relaxed", YY]
    energy = results.from_energy(relaxed, area(series.base))
    rest = relaxed.points[len(relaxed.strain) // 2]
    listed = [
        Check(
            "internal_strain",
            linear / c11 - 1,
            max(0.005, 2 * half),
            "1",
            "C11 of clamped ions plus force constants, without relaxed structures, against the relaxed ones",
        ),
        Check(
            "stress_and_energy",
            energy / c11 - 1,
            max(0.01, 2 * half),
            "1",
            "second derivative of the relaxed energy against the slope of the stress: one is not made from the other",
        ),
        Check(
            "relaxed",
            max(point.left for curve in curves.values() for point in curve.points),
            5 * params.fmax,
            "eV/A",
            "largest force left on relaxed ions, against fmax",
        ),
        Check(
            "stress_free",
            float(abs(rest.virial[[XX, YY, XY]]).max()) / area(series.base) * N_PER_M / abs(c11),
            1e-3 if params.relax_cell else math.inf,
            "1",
            "sheet stress of the unstrained cell over C11: a strain of 0.1 % would change constants by 1 %",
        ),
    ]
    if math.isfinite(virial.error):
        listed.append(
            Check(
                "stress_usable",
                virial.error,
                virial.tolerance,
                "N/m",
                f"the potential's stress against energy differences at a trial strain with {virial.scale:.3g} N/m; the "
                "task takes energy differences where it fails",
            )
        )
    if has_threefold_axis(series.group):
        for suffix in NAMES.values():
            given = [found[f"{name}{suffix}"] for name in ("C11", "C12", "C66")]
            values = [number(quantity) for quantity in given]
            slack = math.hypot(*(_half_width(quantity) for quantity in given))
            listed.append(
                Check(
                    f"isotropic{suffix}",
                    (values[2] - (values[0] - values[1]) / 2) / values[0],
                    max(0.005, 2 * slack / values[0]),
                    "1",
                    "a threefold axis makes a sheet isotropic: C66 = (C11 - C12)/2, relative to C11",
                )
            )
    if "Y_2D_direct" in found:
        slack = _half_width(found["Y_2D"]) + _half_width(found["Y_2D_direct"])
        listed.append(
            Check(
                "free_width",
                number(found["Y_2D_direct"]) / number(found["Y_2D"]) - 1,
                max(0.005, slack / abs(number(found["Y_2D"]))),
                "1",
                "Young's modulus of a sheet that contracts, against C11 - C12²/C_xx",
            )
        )
    if ("clamped", ZZ) in curves:
        listed.append(_maxwell(series, curves, found))
    return listed


def _maxwell(series: Series, curves: dict[tuple[str, int], Curves], found: dict[str, Quantity]) -> Check:
    """∂σ_yy/∂ε_zz = ∂σ_zz/∂ε_yy, clamped ions: two derivatives of one energy."""
    flat = curves["clamped", YY]
    from_strain = slope(flat.strain, flat.stress[:, ZZ], "N/m", "")
    pulled = curves["clamped", ZZ]
    from_pull = slope(pulled.strain, pulled.stress[:, YY], "N/m", "")
    scale = abs(number(found["E_zzzz_clamped"])) / GPA * series.thickness * N_PER_M
    slack = _half_width(from_strain) + _half_width(from_pull)
    return Check(
        "vertical_coupling",
        (number(from_strain) - number(from_pull)) / scale,
        max(0.02, 2 * slack / scale),
        "1",
        "E_yyzz from σ_zz of a stretched sheet and from σ_yy of a pulled one, relative to E_zzzz; ions clamped",
    )


def notes(series: Series, virial: Virial, found: dict[str, Quantity]) -> list[str]:
    """What a reader of the numbers has to know."""
    remarks = []
    if not virial.from_stress:
        reason = "this potential offers no stress" if math.isnan(virial.error) else "its stress is not usable"
        remarks.append(f"stresses are energy differences: {reason}")
    if number(found["C66"]) <= 0 or number(found["C11"]) <= abs(number(found["C12"])):
        remarks.append("the sheet is unstable in its plane: some strain lowers the energy (C66 <= 0 or C11 <= |C12|)")
    lowest = series.newton().eigenvalues()[:1]
    if len(lowest) and lowest[0] < -1e-3:
        remarks.append(
            f"the stacking is no minimum (softest force constant {lowest[0]:.3g} eV/Å²): relaxed ions are those of the "
            "stationary point, which symmetry holds"
        )
    if series.planes is None:
        remarks.append("no E_zzzz and E_yyzz: a sheet one atomic plane thick has no vertical strain")
    if not has_threefold_axis(series.group):
        remarks.append("no threefold axis: C11 is along armchair (y), C22 along zigzag (x)")
    return remarks


def _half_width(quantity: Quantity) -> float:
    return 0.0 if quantity.interval is None else (quantity.interval[1] - quantity.interval[0]) / 2
