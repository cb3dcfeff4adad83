"""Elastic constants from the points of a strain series."""

from __future__ import annotations

import math

from harness.contracts.quantity import Quantity
from harness.materials.sheets import area
from harness.materials.symmetry import has_threefold_axis
from harness.stats import number
from harness.units import GPA, N_PER_M
from harness_tasks.mechanics.curves import NAMES, XX, XY, YY, ZZ, Curves, along
from harness_tasks.mechanics.slopes import curvature, derived, slope
from harness_tasks.mechanics.strain_series import Series


def in_plane(series: Series, curves: dict[tuple[str, int], Curves], seed: int) -> dict[str, Quantity]:
    """C11, C12, C66 with clamped and relaxed ions, and Young's modulus and Poisson's ratio from them."""
    found: dict[str, Quantity] = {}
    for kind, suffix in NAMES.items():
        held = curves[kind, YY]
        how = f"slope of the sheet stress, width held, ions {kind}"
        c11 = slope(held.strain, held.stress[:, YY], "N/m", how, seed)
        c12 = slope(held.strain, held.stress[:, XX], "N/m", how, seed)
        sheared = curves[kind, XY]
        found[f"C11{suffix}"], found[f"C12{suffix}"] = c11, c12
        found[f"C66{suffix}"] = slope(
            sheared.strain, sheared.stress[:, XY], "N/m", f"slope of the shear stress against 2ε_xy, ions {kind}", seed
        )
        across = c11
        if (kind, XX) in curves:
            other = curves[kind, XX]
            how = f"slope of the sheet stress along zigzag, ions {kind}"
            across = found[f"C22{suffix}"] = slope(other.strain, other.stress[:, XX], "N/m", how, seed)
        found[f"Y_2D{suffix}"] = derived(
            lambda a, b, c: a - b * b / c, (c11, c12, across), "N/m", "C11 - C12²/C_xx: width free"
        )
        found[f"nu{suffix}"] = derived(lambda b, c: b / c, (c12, across), "1", "C12/C_xx")
    return found


def vertical(series: Series, curves: dict[tuple[str, int], Curves], thickness: float, seed: int) -> dict[str, Quantity]:
    """E_zzzz and E_yyzz in GPa, strain referred to `thickness` (Å).

    σ_zz is the force on an outermost plane over the area, which needs no thickness; the strain does.

    Parameters
    ----------
    series
        The strained cells.
    curves
        By ``clamped`` or ``relaxed`` ions and component.
    thickness
        Å.
    seed
        Of the bootstrap.
    """
    gauge = series.thickness
    found: dict[str, Quantity] = {}
    for kind, suffix in NAMES.items():
        pulled = curves[kind, ZZ]
        per_length = thickness / gauge
        stress = pulled.stress[:, ZZ] / N_PER_M / gauge * GPA  # the sheet's virial over its volume is σ_zz
        how = f"slope of σ_zz, planes held {gauge:.3f} Å apart on average, thickness {thickness:.3f} Å, ions {kind}"
        found[f"E_zzzz{suffix}"] = slope(pulled.strain, stress * per_length, "GPa", how, seed)
        coupled = pulled.stress[:, YY] / N_PER_M / thickness * GPA * per_length
        found[f"E_yyzz{suffix}"] = slope(pulled.strain, coupled, "GPa", how.replace("σ_zz", "σ_yy"), seed)
    return found


def directions(series: Series) -> list[int]:
    """Components of strain in the plane that have to be applied."""
    return [YY, XY] if has_threefold_axis(series.group) else [YY, XX, XY]


def linear_response(series: Series, size: float, component: int, row: int) -> float:
    """What relaxing the ions adds to ∂σ_row/∂ε_component by force constants alone, N/m.

    Parameters
    ----------
    series
        The strained cells, with their force constants.
    size
        Strain of the finite difference.
    component, row
        Voigt indices of the strain and of the stress.
    """
    _, change = series.internal_strain(along(component, size))
    return float(change[row]) / area(series.base) * N_PER_M


def from_energy(curves: Curves, area0: float) -> float:
    """∂²E/∂ε² over the area, N/m, from energies alone."""
    return curvature(curves.strain, curves.energy) / area0 * N_PER_M


def volumetric(found: dict[str, Quantity], thickness: float) -> dict[str, Quantity]:
    """The constants in the plane over a stated `thickness` (Å), GPa."""
    scaled = {}
    for name, quantity in found.items():
        if quantity.unit == "N/m":
            factor = 10.0 / thickness  # N/m over Å in GPa
            low, high = quantity.interval or (math.nan, math.nan)
            scaled[f"{name}_volumetric"] = Quantity(
                number(quantity) * factor,
                "GPa",
                None if quantity.interval is None else (low * factor, high * factor),
                quantity.kind,
                method=f"over the stated thickness of {thickness:g} Å",
            )
    return scaled
