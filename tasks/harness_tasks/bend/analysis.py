"""From the loads of a ribbon to bending stiffness, critical strain and flexoelectric coefficients."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from harness.contracts.measurement import Arrays
from harness.contracts.quantity import Quantity
from harness.stats import Line, fit_line, number, slope_at_zero
from harness_tasks.bend.loading import History, Load
from harness_tasks.bend.observables import MU, MU_ABS, MU_LAB
from harness_tasks.bend.profiles import Shape, local_polarization, shape_of, shear_gradient, slip
from harness_tasks.mechanics.atomic_strain import AtomicStrain
from harness_tasks.polarization.bond_dipoles import LocalDipoles
from harness_tasks.structures.ribbon import Ribbon

#: Loads whose curvature exceeds this share of the last one lie on the buckled branch.
ON_BRANCH = 0.3
#: Bins next to a clamp that local fits leave out, about the reach of the forces across layers (11 Å): the curvature
#: jumps there within one bin, and the charges see the flat strip.
MARGIN = 5
#: Blocks for the bootstrap of local fits: stretches of half the ribbon, since neighbouring bins share their
#: deviations, each with its mirror image about the middle. What is odd there, such as tilt times in-plane
#: polarization, cancels within a pair and says nothing about the slope against the even curvature.
BLOCKS = 6
#: e/Å per eV/Å² in pm/V.
PM_PER_V = 100.0

POLARIZATIONS = ("dipoles", "full")
#: How the report says it.
WHAT = {
    "dipoles": "atomic dipoles alone",
    "full": "dipoles and charges",
    "kappa": "κ",
    "half_kappa": "κ/2",
    "green": "∂ε_zy/∂y of the atomic Green strain",
}


@dataclass(frozen=True, slots=True)
class Mechanics:
    """What energies and shapes alone give; lines over the buckled loads.

    Attributes
    ----------
    energy_rms, energy_mean
        Energy per area against κ_rms² and against the square of mean |κ|.
    energy_shortening
        Energy against end shortening: its slope is the load that the buckle bears.
    shortening
        End shortening over span against κ_rms²: its intercept is the critical strain.
    """

    energy_rms: Line
    energy_mean: Line
    energy_shortening: Line
    shortening: Line
    stiffness: Quantity
    stiffness_mean: Quantity
    stiffness_load: Quantity
    stiffness_limit: Quantity
    critical_strain: Quantity


def on_branch(history: History, max_curvature: float) -> list[int]:
    """Indices of the loads on the buckled branch, by shortening."""
    chosen = [
        i
        for i, load in enumerate(history.loads)
        if ON_BRANCH * max_curvature < load.rms_curvature < 1.3 * max_curvature
    ]
    return sorted(chosen, key=lambda i: history.loads[i].shortening)


def scaled(quantity: Quantity, factor: float, unit: str, method: str = "") -> Quantity:
    """`quantity` times a constant.

    Parameters
    ----------
    quantity
        To be multiplied.
    factor
        The constant.
    unit
        Of the result.
    method
        Of the result; empty: that of `quantity`.
    """
    value = number(quantity) * factor
    interval = None
    if quantity.interval is not None:
        low, high = sorted(bound * factor for bound in quantity.interval)
        interval = (low, high)
    return replace(quantity, value=value, unit=unit, interval=interval, method=method or quantity.method)


def mechanics(ribbon: Ribbon, history: History, max_curvature: float, seed: int) -> Mechanics:
    """Bending stiffness and critical strain from the buckled loads.

    E_b = ½ D κ² per area holds for the slope after buckling: the membrane energy stored until then stays, because
    the load stays at Euler's 4π²D/L² (equations S6-S8 of Javvaji et al. are not printed; D = 2 dE_b/dκ² is the usual
    reading). The mean of |κ| is 2√2/π = 0.900 of the root mean square of this shape, so D from it is 1.23 times
    larger; the root mean square is the one that belongs to the energy.

    Parameters
    ----------
    ribbon
        The ribbon.
    history
        Its loads.
    max_curvature
        Loads up to this curvature count, 1/Å.
    seed
        Of the bootstrap.
    """
    loads = [history.loads[i] for i in on_branch(history, max_curvature)]
    start = history.loads[0]
    energy = np.array([load.energy - start.energy for load in loads])
    per_area = energy / ribbon.free_area
    rms = np.array([load.rms_curvature for load in loads]) ** 2
    mean = np.array([load.mean_curvature for load in loads]) ** 2
    shortening = np.array([load.shortening for load in loads])
    energy_rms = fit_line(rms, per_area, "eV", "eV/A^2", seed=seed)
    energy_mean = fit_line(mean, per_area, "eV", "eV/A^2", seed=seed)
    load_line = fit_line(shortening, energy, "eV/A", "eV", seed=seed)
    critical = fit_line(rms, shortening / ribbon.span, "A^2", "1", seed=seed)
    euler = ribbon.span**2 / (4 * math.pi**2 * ribbon.width)
    return Mechanics(
        energy_rms,
        energy_mean,
        load_line,
        critical,
        scaled(energy_rms.slope, 2.0, "eV", "2 dE_b/d(rms κ)², least squares, bootstrap over loads"),
        scaled(energy_mean.slope, 2.0, "eV", "2 dE_b/d(mean |κ|)², least squares, bootstrap over loads"),
        scaled(load_line.slope, euler, "eV", "Euler load dU/dΔ · L²/(4π² width), bootstrap over loads"),
        scaled(slope_at_zero(rms, per_area, "eV", seed=seed), 2.0, "eV", "as D_b, from a parabola in κ², at κ = 0"),
        replace(critical.intercept, method="shortening over span, extrapolated to κ² = 0"),
    )


def profiles(ribbon: Ribbon, loads: list[Load], strain: AtomicStrain) -> Arrays:
    """Bin-resolved profiles, first axis load, second axis bin; the layout of the record's arrays."""
    columns: dict[str, list[np.ndarray]] = {}
    nothing = np.full(ribbon.n_bins, np.nan)
    charge_dipoles = LocalDipoles(ribbon.flat)
    for load in loads:
        shape: Shape = shape_of(ribbon, load.positions, float(load.cell[1, 1]))
        along = slip(ribbon, load.positions, shape)
        row = {
            "y": shape.centre[:, 0],
            "z": shape.centre[:, 1],
            "curvature": shape.curvature,
            "slip": nothing if along is None else along[0],
            "distance": nothing if along is None else along[1],
            "green_gradient": shear_gradient(ribbon, strain, load.positions, load.cell),
        }
        dipoles = load.polarization.get("atomic_dipoles")
        if dipoles is not None:
            only = local_polarization(ribbon, load.positions, shape, dipoles)
            row |= {"p_dipoles": only[:, 1], "p_dipoles_lab": only[:, 0]}
            if "charges" in load.polarization:
                moved, net = charge_dipoles.split(load.positions, load.cell, load.polarization["charges"])
                full = local_polarization(ribbon, load.positions, shape, dipoles + moved, net)
                row |= {"p_full": full[:, 1], "p_full_lab": full[:, 0]}
        for name, values in row.items():
            columns.setdefault(name, []).append(values)
    return {name: np.array(rows) for name, rows in columns.items()}


def flexoelectricity(
    ribbon: Ribbon, arrays: Arrays, branch: list[int], seed: int
) -> tuple[dict[str, Quantity], dict[str, Line]]:
    """μ for each pair of strain gradient and polarization, and the lines behind them.

    ``mu_G_P``
        Slope of the local polarization P along the local normal, `at_flat_registry`, against the local gradient G over
        the bins of all buckled loads; bootstrap over mirrored stretches of the ribbon. The clamped buckle has
        ∫ w'' dy = 0, so a ribbon average would show nothing.
    ``mu_kappa_P_lab``
        The plain slope of the component along z against κ. Slip changes the registry and with it the polarization,
        and the tilt of the sheet turns its in-plane (piezoelectric) polarization into z; both are nearly odd about the
        middle, move the slope little and scatter the points much.
    ``mu_abs_G_P``
        Slope of the mean |P_z − P_z(flat)| along z against the mean |G|, one point a load: the reading of the
        published averages that keeps no sign, with slip and tilt in it.

    Parameters
    ----------
    ribbon
        The ribbon.
    arrays
        Gradients and polarizations of its loads, (loads, bins).
    branch
        Indices of the buckled loads.
    seed
        Of the bootstrap.
    """
    gradients = {
        "kappa": arrays["curvature"],
        "half_kappa": arrays["curvature"] / 2,
        "green": arrays["green_gradient"],
    }
    inner = inner_bins(ribbon)
    place = np.arange(int(inner.sum()))
    folded = np.minimum(place, place[::-1])
    blocks = np.tile(folded * BLOCKS // (folded.max(initial=0) + 1), len(branch))
    results: dict[str, Quantity] = {}
    lines: dict[str, Line] = {}

    def local(gradient: np.ndarray, values: np.ndarray) -> Line:
        x, y = gradient[branch][:, inner].ravel(), values[branch][:, inner].ravel()
        return fit_line(x, y, "e", "e/A", blocks=blocks, seed=seed)

    for kind in POLARIZATIONS:
        if f"p_{kind}" not in arrays or not np.isfinite(arrays[f"p_{kind}"]).all():
            continue
        values = arrays[f"p_{kind}"]
        along_z = arrays[f"p_{kind}_lab"]
        change = np.abs(along_z - along_z[0])[branch][:, inner].mean(axis=1)
        for name in MU:
            still = at_flat_registry(gradients[name], values, arrays["slip"], branch, inner)
            lines[f"{name}_{kind}"] = line = local(gradients[name], still)
            against = f"{WHAT[kind]} against {WHAT[name]}"
            mu = replace(
                line.slope, method=f"local normal P of {against}, slip terms taken out; bootstrap over stretches"
            )
            size = np.abs(gradients[name])[branch][:, inner].mean(axis=1)
            mu_abs = replace(
                fit_line(size, change, "e", "e/A", seed=seed).slope,
                method=f"mean |ΔP_z| of {against} (mean size), one point a load; bootstrap over loads",
            )
            results |= MU[name].of(mu, polarization=kind) | MU_ABS[name].of(mu_abs, polarization=kind)
        plain = replace(
            local(gradients["kappa"], along_z).slope,
            method=f"local P_z of {WHAT[kind]} against κ; bootstrap over stretches",
        )
        results |= MU_LAB.of(plain, polarization=kind)
    return results, lines


def at_flat_registry(
    gradient: np.ndarray, values: np.ndarray, slip: np.ndarray, branch: np.ndarray | list[int], inner: np.ndarray
) -> np.ndarray:
    """`values` (loads, bins) less what the slip s of the layers makes of them, b s + c s².

    b and c come from one least squares fit of P = P₀ + μ G + b s + c s² to the inner bins of the buckled loads: sliding
    has a polarization of its own. A single layer keeps its values.

    Parameters
    ----------
    gradient
        Strain gradient, (loads, bins), 1/Å.
    values
        Polarization, (loads, bins).
    slip
        Of the layers, (loads, bins), Å.
    branch
        Indices of the buckled loads.
    inner
        Mask (bins,) of the bins that are fitted.
    """
    if not np.isfinite(slip).all() or not np.isfinite(gradient).all() or len(gradient[branch]) == 0:
        return values
    g, p, s = (array[branch][:, inner].ravel() for array in (gradient, values, slip))
    scale = np.abs(s).max() or 1.0
    design = np.stack([np.ones_like(g), g / (np.abs(g).max() or 1.0), s / scale, (s / scale) ** 2], axis=1)
    b, c = np.linalg.lstsq(design, p, rcond=None)[0][2:]
    return np.asarray(values - b * slip / scale - c * (slip / scale) ** 2)


def inner_bins(ribbon: Ribbon) -> np.ndarray:
    """Bins at least `MARGIN` away from a held one."""
    held = ~ribbon.free_bins
    near = held.copy()
    for shift in range(1, MARGIN + 1):
        for direction in (shift, -shift):
            near |= np.roll(held, direction)
    return ~near


def piezoelectric_d(loads: list[Load], area: float, seed: int) -> Quantity:
    """d_zzz = dP_z/dσ_zz over the buckled loads, pm/V; nan where the sheet carries no σ_zz worth the name.

    Both are averages over the whole sheet. At rest and in vacuum the virial of the free atoms vanishes, so that σ_zz
    is what the held strip alone supports.
    """
    stress = np.array([load.stress for load in loads])
    dipole = np.array([load.polarization["dipole"][2] for load in loads if "dipole" in load.polarization]) / area
    method = "dP_z/dσ_zz of sheet averages, bootstrap over loads; only the held strip bears σ_zz: no material constant"
    if len(dipole) < 3 or not np.isfinite(stress).all() or np.ptp(stress) < 1e-7:
        return Quantity(math.nan, "pm/V", method=method)
    return scaled(fit_line(stress, dipole, "e/A per eV/A^2", "e/A", seed=seed).slope, PM_PER_V, "pm/V", method)
