"""Piezoelectric coefficients from dipoles along strain series, and their checks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.contracts.measurement import Arrays, Check
from harness.contracts.potential import noise_of
from harness.contracts.quantity import Quantity
from harness.contracts.task import Context
from harness.materials.sheets import area
from harness.materials.symmetry import allowed, has_threefold_axis
from harness.stats import number
from harness.units import PC_PER_M
from harness_tasks.mechanics.curves import NAMES, XX, YY, ZZ, along
from harness_tasks.mechanics.slopes import derived, slope
from harness_tasks.mechanics.strain_series import Point, Series
from harness_tasks.mechanics.virial import VOIGT, strained, tensor
from harness_tasks.polarization.responses import Responses
from harness_tasks.polarization.sheet_dipole import improper, ions, proper

COMPONENTS = {XX: "xx", YY: "yy", ZZ: "zz"}
#: e/Å in nC/m.
NC_PER_M = PC_PER_M / 1000
#: Largest coefficient that counts as zero, nC/m: a hundredth of that of one hBN layer.
ZERO = {"float64": 1e-3, "float32": 5e-3}


@dataclass(slots=True)
class PiezoCurves:
    """Dipoles (e Å) along one direction of strain."""

    strain: list[float]
    points: list[Point]
    dipoles: list[Arrays]

    def polarization(self, series: Series, part: str, kind: str) -> np.ndarray:
        """``proper`` or ``improper`` polarization (n, 3), e/Å."""
        rows = []
        for point, dipole in zip(self.points, self.dipoles, strict=True):
            if kind == "proper":
                rows.append(proper(dipole[part], tensor(point.strain), area(series.base)))
            else:
                rows.append(improper(dipole[part], area(strained(series.base, point.strain))))
        return np.array(rows)


def measured(series: Series) -> list[tuple[str, int, int]]:
    """Name, direction of P and component of strain of each coefficient."""
    listed = [("e_yyy", 1, YY), ("e_zyy", 2, YY)]
    return listed + ([("e_zzz", 2, ZZ)] if series.planes is not None else [])


def coefficients(
    series: Series,
    curves: dict[tuple[str, int], PiezoCurves],
    parts: Sequence[str],
    born: np.ndarray | None,
    seed: int,
) -> dict[str, Quantity]:
    """All coefficients in nC/m, for strains in the plane and, where a stack has one, of its height.

    Parameters
    ----------
    series
        The strained cells.
    curves
        By ``clamped`` or ``relaxed`` ions and component.
    parts
        Parts of the dipole, e.g. ``full``, ``dipoles``.
    born
        Born charges (natoms, 3, 3), e; None where they are not offered.
    seed
        Of the bootstrap.
    """
    found: dict[str, Quantity] = {}
    for name, axis, component in measured(series):
        for kind, suffix in NAMES.items():
            curve = curves[kind, component]
            for definition in ("proper", "improper"):
                values = curve.polarization(series, "full", definition)[:, axis] * NC_PER_M
                middle = "" if definition == "proper" else "_improper"
                how = f"slope of the {definition} sheet polarization, ions {kind}"
                found[f"{name}{middle}{suffix}"] = slope(curve.strain, values, "nC/m", how, seed)
            if "dipoles" in parts:
                values = curve.polarization(series, "dipoles", "proper")[:, axis] * NC_PER_M
                how = f"slope of Σ p over the area, without charges, ions {kind}"
                found[f"{name}_dipoles{suffix}"] = slope(curve.strain, values, "nC/m", how, seed)
        if born is not None:
            found |= _from_born(series, name, axis, curves["clamped", component].strain, component, born, found)
    across = curves["relaxed", XX]
    for name, axis in (("e_yxx", 1), ("e_zxx", 2)):
        values = across.polarization(series, "full", "proper")[:, axis] * NC_PER_M
        found[name] = slope(across.strain, values, "nC/m", "slope of the proper polarization, ions relaxed", seed)
    return found


def _from_born(
    series: Series,
    name: str,
    axis: int,
    strains: Sequence[float],
    component: int,
    born: np.ndarray,
    found: dict[str, Quantity],
) -> dict[str, Quantity]:
    """The ions' part by Born charges and internal strain: no strained dipole and no relaxed structure enters it."""
    values = []
    for size in sorted(strain for strain in strains if strain > 0):
        moved, _ = series.internal_strain(along(component, size), held=component == ZZ)
        values.append(float(ions(born, moved, area(series.base))[axis]) * NC_PER_M)
    half_width = max(values) - min(values)
    clamped = found[f"{name}_clamped"]
    part = Quantity(
        values[0],
        "nC/m",
        (values[0] - half_width, values[0] + half_width) if len(values) > 1 else None,
        "numerical",
        method="Born charges times internal strain of the force constants; interval: spread over the sizes of strain",
    )
    return {
        f"{name}_ions": derived(
            lambda a, b: a - b, (found[name], clamped), "nC/m", "relaxed less clamped, from dipoles"
        ),
        f"{name}_ions_born": part,
        f"{name}_from_born": derived(
            lambda a, b: a + b, (clamped, part), "nC/m", "clamped, from dipoles, + Σ Z du/dε / A"
        ),
    }


def checks(
    ctx: Context, series: Series, found: dict[str, Quantity], curves: dict[tuple[str, int], PiezoCurves]
) -> list[Check]:
    """Zeros that symmetry demands, the threefold axis, and dipoles against Born charges.

    Parameters
    ----------
    ctx
        Of the run.
    series
        The strained cells.
    found
        The coefficients.
    curves
        By ``clamped`` or ``relaxed`` ions and component.
    """
    params = ctx.params
    zero = _zero(ctx, series)
    listed = [
        Check(
            "relaxed",
            max(point.left for curve in curves.values() for point in curve.points),
            5 * params.fmax,
            "eV/A",
            "largest force left on relaxed ions, against fmax",
        )
    ]
    for name, axis, component in measured(series):
        if not allowed(series.group, axis, *VOIGT[component]):
            worst = max((number(found[f"{name}{suffix}"]) for suffix in NAMES.values()), key=abs)
            reason = f"the symmetry of the stacking ({len(series.group)} operations) forbids it; larger of both ions"
            listed.append(Check(f"zero_{name}", worst, zero, "nC/m", reason, "polarization"))
        if f"{name}_ions" in found:
            given = found[f"{name}_ions"]
            half_width = 0.0 if given.interval is None else given.interval[1] - given.interval[0]
            listed.append(
                Check(
                    f"born_{name}",
                    number(found[f"{name}_ions_born"]) - number(given),
                    max(zero, 0.03 * abs(number(given)), 2 * half_width),
                    "nC/m",
                    "the ions' part from Born charges against that from dipoles of relaxed cells",
                    "polarization",
                )
            )
    if has_threefold_axis(series.group):
        for name, other, sign in (("e_yxx", "e_yyy", -1), ("e_zxx", "e_zyy", 1)):
            scale = abs(number(found[other]))
            half_width = sum(_half_width(found[each]) for each in (name, other))
            listed.append(
                Check(
                    f"threefold_{name}",
                    number(found[name]) - sign * number(found[other]),
                    max(zero, 0.02 * scale, 2 * half_width),
                    "nC/m",
                    f"a threefold axis makes {name} = {'-' if sign < 0 else ''}{other}",
                    "polarization",
                )
            )
    return listed


def notes(ctx: Context, series: Series, parts: Sequence[str], born: np.ndarray | None) -> list[str]:
    """What a reader of the numbers has to know.

    Parameters
    ----------
    ctx
        Of the run.
    series
        The strained cells.
    parts
        Parts of the dipole.
    born
        Born charges (natoms, 3, 3), e; None where they are not offered.
    """
    remarks = []
    if born is None:
        remarks.append(
            "no coefficients from Born charges: the polarization model does not offer born_effective_charges"
        )
    if series.planes is None:
        remarks.append("no e_zzz: a sheet one atomic plane thick has no vertical strain")
    if "dipoles" in parts:
        remarks.append(
            "the model has charges: in the plane they count as shared with bonded atoms; *_dipoles leaves them out"
        )
    elif "charges" in Responses.of(ctx).offered:
        remarks.append("charges without atomic_dipoles: the dipole is taken as the model gives it")
    lowest = series.newton().eigenvalues()[:1]
    if len(lowest) and lowest[0] < -1e-3:
        remarks.append(
            f"the stacking is no minimum (softest force constant {lowest[0]:.3g} eV/Å²): relaxed ions are those of the "
            "stationary point, which symmetry holds"
        )
    return remarks


def _zero(ctx: Context, series: Series) -> float:
    """What counts as zero, with the noise that the polarization model declares for its dipole (e Å)."""
    dtype = "float32" if "32" in str(ctx.device.get("dtype", "float64")) else "float64"
    noise = noise_of(ctx.polarization).dipole
    return math.hypot(ZERO[dtype], noise / area(series.base) / max(ctx.params.strains) * NC_PER_M)


def _half_width(quantity: Quantity) -> float:
    return 0.0 if quantity.interval is None else (quantity.interval[1] - quantity.interval[0]) / 2
