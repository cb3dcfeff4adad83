"""The bend's own consistency checks, each with the reason of its tolerance."""

from __future__ import annotations

import math

import numpy as np

from harness.contracts.measurement import Check
from harness.contracts.task import Context
from harness.stats import number
from harness_tasks.bend.analysis import Mechanics
from harness_tasks.bend.flat_sheet import Sheet
from harness_tasks.bend.loading import History, Load
from harness_tasks.polarization.responses import Responses
from harness_tasks.structures.ribbon import Ribbon

#: Mean |κ| over rms κ of the clamped buckle.
MODE_RATIO = 2 * math.sqrt(2) / math.pi
#: Buckled loads that the parabola for D_b at zero curvature and its interval need.
FEWEST_LOADS = 5


def loading_checks(history: History, buckled: int) -> list[Check]:
    """Whether the last curvature was reached, and whether enough loads (`buckled`) lie on the branch for the fits."""
    return [
        finished_check(history, "loading_finished"),
        Check(
            "loads_missing",
            float(max(FEWEST_LOADS - buckled, 0)),
            0.0,
            "1",
            f"{buckled} buckled loads; the fits and their intervals need {FEWEST_LOADS}: more task.params.steps",
        ),
    ]


def finished_check(history: History, name: str) -> Check:
    """Fails when loading ended before the last curvature."""
    reason = history.ended or "every load up to task.params.max_curvature was applied and borne"
    return Check(name, float(bool(history.ended)), 0.0, "1", reason)


def shape_checks(ctx: Context, found: Mechanics, loads: list[Load]) -> list[Check]:
    """Linearity, the Euler load, the mode shape, and convergence of the relaxations."""
    stiffness = number(found.stiffness)
    ratios = [load.mean_curvature / load.rms_curvature for load in loads]
    checks = [
        Check(
            "energy_linear_in_curvature_squared",
            1 - found.energy_rms.r2,
            0.02,
            "1",
            "1 - R² of E_b against κ² after buckling; slip of the layers and the finite slope bend the line a little",
        ),
        Check(
            "stiffness_from_load",
            number(found.stiffness_load) / stiffness - 1,
            0.10,
            "1",
            "Euler load L²/4π² against energy over κ²; the clamp sits within half a bin, 2 % of L² each side, and "
            "layers that slip more at shorter wave lengths stiffen one of the two",
        ),
        Check(
            "single_buckle",
            float(np.mean(ratios)) / MODE_RATIO - 1,
            0.05,
            "1",
            "mean |κ| over rms κ is 2√2/π for the first mode of a clamped plate",
        ),
    ]
    if ctx.params.method == "static":
        left = max(load.forces_left for load in loads)
        checks.append(
            Check("relaxed", left, 5 * ctx.params.fmax, "eV/A", "largest force left on a free atom, against fmax")
        )
    return checks


def ribbon_check(
    name: str, sheet: Sheet, ribbon: Ribbon, found: Mechanics, other: Ribbon, its: Mechanics
) -> Check | None:
    """D_b of another ribbon against what the first one leads to expect, both at zero curvature.

    A ribbon of another length slips otherwise: the contribution of the layers' coupling is exchanged. It is known for
    small slip, hence the limit of zero curvature. None when the coupling is not known.

    Parameters
    ----------
    name
        Of the check.
    sheet
        Modulus, coupling and distance of the flat sheet.
    ribbon, found
        The first ribbon and its mechanics.
    other, its
        The ribbon to compare with, and its mechanics.
    """
    here, there = (sheet.coupling_stiffness(each.span) for each in (ribbon, other))
    layers = number(found.stiffness_limit) - here
    expected, scale = layers + there, abs(layers) + abs(there)
    if not (math.isfinite(expected) and scale):
        return None
    limits = (found.stiffness_limit, its.stiffness_limit)
    widths = [q.interval[1] - q.interval[0] for q in limits if q.interval is not None]
    tolerance = max(0.05, math.hypot(*widths) / 2 / scale)
    reason = (
        f"D_b at zero curvature, {other.span:.0f} Å and other loads, against {expected:.4g} eV expected, relative to "
        "layers and coupling together: the intervals, or 5 % for bins and clamps, which count in the shorter ribbon"
    )
    return Check(name, (number(its.stiffness_limit) - expected) / scale, tolerance, "1", reason)


def mirror_check(responses: Responses, ribbon: Ribbon, load: Load) -> Check | None:
    """P_z of the last structure and of its mirror image z → −z must be opposite; None without a dipole."""
    if "dipole" not in load.polarization:
        return None
    atoms = ribbon.flat.copy()
    atoms.set_cell(load.cell)
    atoms.positions = load.positions
    atoms.positions[:, 2] = atoms.cell[2, 2] - atoms.positions[:, 2]
    mirrored = responses(atoms, ["dipole", "atomic_dipoles"])
    area = ribbon.width * ribbon.spacing * ribbon.n_bins
    size = np.abs(load.polarization.get("atomic_dipoles", load.polarization["dipole"])[..., 2]).sum()
    value = (mirrored["dipole"][2] + load.polarization["dipole"][2]) / area
    return Check(
        "polarization_odd_under_mirror",
        float(value),
        max(1e-4 * float(size) / area, 1e-10),
        "e/A",
        "a mirror plane turns P_z round exactly; 1e-4 of the atomic dipoles is left to solvers on a mesh",
        about="polarization",
    )
