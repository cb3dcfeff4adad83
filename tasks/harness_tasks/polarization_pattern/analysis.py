"""Observables and checks of the task `polarization_pattern` from its patterns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.contracts.measurement import Check, Measurement
from harness.contracts.quantity import Quantity
from harness.units import EPSILON_0, PC_PER_M
from harness_tasks.moire.cells import Moire
from harness_tasks.moire.pattern import Pattern, in_m, region_centres, symmetrised, turns
from harness_tasks.polarization_pattern import observables as declared
from harness_tasks.polarization_pattern.observables import Kind
from harness_tasks.polarization_pattern.winding import winding

#: Ω/4π of a triangle beyond which it holds a node: the grid does not resolve the direction there.
UNRESOLVED = 0.05
#: No winding number has a narrower interval to either side.
RESOLUTION = 1e-3
#: P⊥(E) is not extrapolated to more than this times the largest field.
FARTHEST = 3.0
#: Smallest polarization across that is distinguished from none, pC/m.
ACROSS = 0.02


@dataclass(frozen=True, slots=True)
class Case:
    """One structure, in one field, with its pattern.

    Attributes
    ----------
    kind
        ``twist``: parallel twist without field, whose pattern symmetry makes critical; ``field``; ``mismatch``;
        ``antiparallel``.
    labels
        What tells its numbers from those of other structures of this kind.
    field
        V/Å.
    """

    kind: Kind
    labels: Mapping[str, str]
    moire: Moire
    pattern: Pattern
    field: float = 0.0

    @property
    def name(self) -> str:
        """In the names of arrays and checks, e.g. ``flat`` or ``field_0.03``."""
        return declared.NAMES[self.kind].format(**self.labels)

    @property
    def symmetric(self) -> np.ndarray:
        """The pattern, averaged over the symmetry that the structure has, pC/m (n, n, 3)."""
        return symmetrised(self.pattern.field, "twist" if self.kind == "twist" else "threefold")

    @property
    def length(self) -> float:
        """Largest |P|, pC/m."""
        return float(np.linalg.norm(self.pattern.field, axis=-1).max())


def evaluate(cases: Sequence[Case], bias: float) -> Measurement:
    """Observables, checks and arrays of all cases."""
    measurement = Measurement()
    for case in cases:
        found = _sizes(case)
        if case.kind != "antiparallel":
            found |= _windings(case, bias)
        measurement.observables |= found
        measurement.arrays |= {
            f"pattern_{case.name}": case.pattern.field,
            f"cell_{case.name}": case.moire.plane,
            f"turns_{case.name}": turns(case.moire),
        }
        measurement.checks += _checks(case)
    by_name = {case.name: case for case in cases}
    twists = [case for case in cases if case.kind == "twist"]
    fields = [case for case in cases if case.kind == "field"]
    if fields:
        measurement.observables |= _response(fields)
    strained = [case for case in cases if case.kind == "mismatch"]
    if twists and strained:
        measurement.observables |= _phase(twists[0], strained[0])
    if "antiparallel" in by_name and twists:
        measurement.observables |= _antiparallel(by_name["antiparallel"], twists[0])
    if "registry" in by_name and "flat" in by_name:
        measurement.observables |= _nonlocality(by_name["flat"], by_name["registry"])
    return measurement


def _sizes(case: Case) -> dict[str, Quantity]:
    field = case.pattern.field
    across, along = field[..., 2], np.linalg.norm(field[..., :2], axis=-1)
    highest, widest = float(np.abs(across).max()), float(along.max())
    left = 2 * case.pattern.residual
    method = "largest on the grid" + ("; interval from what the waves leave of the local dipoles" if left else "")
    found: dict[str, Quantity] = {}
    for observable, value in ((declared.PERP_MAX, highest), (declared.PARALLEL_MAX, widest)):
        interval = (max(0.0, value - left), value + left) if left else None
        quantity = Quantity(value, "pC/m", interval, "numerical", method=method)
        found |= observable[case.kind].of(quantity, **case.labels)
    if case.kind == "twist":
        ratio = Quantity((widest / highest if highest else 0) or math.nan, "1", method="largest P∥ over largest P⊥")
        found |= declared.PERP_M[case.kind].of(_perp_at_m(case), **case.labels)
        found |= declared.RATIO[case.kind].of(ratio, **case.labels)
    if case.kind == "field":
        share = Quantity(float((across > 0).mean()), "1", method="share of the area where P⊥ is positive")
        found |= declared.SHARE_UP.of(share, **case.labels)
    if case.kind == "mismatch":
        method = "mean P⊥ over the cell: what the mismatch adds to the pattern"
        found |= declared.BIAS.of(Quantity(float(across.mean()), "pC/m", method=method), **case.labels)
    return found


def _perp_at_m(case: Case) -> Quantity:
    n = len(case.pattern.field)
    spots = [np.rint(centre * n).astype(int) % n for centre in region_centres(turns(case.moire)).values()]
    top, bottom = (float(case.pattern.field[i, j, 2]) for i, j in spots)
    half_width = max(0.5 * abs(top + bottom), case.pattern.residual)
    value = 0.5 * (top - bottom)
    interval = (value - half_width, value + half_width) if half_width > 1e-9 * abs(value) else None
    return Quantity(value, "pC/m", interval, "numerical", method="half of M less N, at their centres")


def _windings(case: Case, bias: float) -> dict[str, Quantity]:
    field, kind = case.symmetric, case.kind
    found: dict[str, Quantity] = {}
    if kind != "twist":
        fine, coarse = _numbers(case.moire, field), _numbers(case.moire, field[::2, ::2])
        method = "solid angles on the grid; interval: grid of every second point"
        for k in fine:
            found |= declared.WINDING[k][kind].of(_between(fine[k], coarse[k], method), **case.labels)
        return found
    raised, lowered = (_numbers(case.moire, field + _raise(field, sign * bias)) for sign in (1, -1))
    coarse_sides = [_numbers(case.moire, (field + _raise(field, sign * bias))[::2, ::2]) for sign in (1, -1)]
    method = "mean of the two sides of the critical state, P⊥ raised and lowered; interval: grid of every second point"
    for k in raised:
        middle, rough = 0.5 * (raised[k] + lowered[k]), 0.5 * (coarse_sides[0][k] + coarse_sides[1][k])
        found |= declared.WINDING[k][kind].of(_between(middle, rough, method), **case.labels)
    for observables, side, name in (
        (declared.WINDING_RAISED, raised, "raised"),
        (declared.WINDING_LOWERED, lowered, "lowered"),
    ):
        for k, observable in observables.items():
            quantity = Quantity(side[k], "1", method=f"P⊥ {name} by {100 * bias:g} % of its maximum")
            found |= observable[kind].of(quantity, **case.labels)
    cut, cut_coarse = _numbers(case.moire, field, True), _numbers(case.moire, field[::2, ::2], True)
    method = "triangles of the grid that hold a node left out; interval: grid of every second point"
    for k, observable in declared.WINDING_CUT.items():
        found |= observable[kind].of(_between(cut[k], cut_coarse[k], method), **case.labels)
    return found


def _raise(field: np.ndarray, share: float) -> np.ndarray:
    return np.array([0.0, 0.0, share * np.abs(field[..., 2]).max()])


def _numbers(moire: Moire, field: np.ndarray, without_nodes: bool = False) -> dict[str, float]:
    found = winding(field, moire.plane)
    inside = in_m(turns(moire), found.centres)
    kept = np.abs(found.density) < UNRESOLVED if without_nodes else np.full(len(inside), True)
    return {"M": found.number(inside & kept), "N": found.number(~inside & kept), "total": found.number(kept)}


def _between(value: float, coarse: float, method: str) -> Quantity:
    low, high = min(value, coarse), max(value, coarse)
    return Quantity(value, "1", (low - RESOLUTION, high + RESOLUTION), "numerical", method=method)


def _response(cases: Sequence[Case]) -> dict[str, Quantity]:
    """Least squares of P⊥(E) at every point of the pattern; the mean slope, and where all of P⊥ points one way."""
    fields = np.array([case.field for case in cases])
    across = np.array([case.pattern.field[..., 2].ravel() for case in cases])
    method = "P⊥ against the field"
    if len(fields) < 2:
        return {}
    line = np.stack([np.ones_like(fields), fields], axis=1)
    (start, slope), *_ = np.linalg.lstsq(line, across, rcond=None)
    mean = float(slope.mean()) / PC_PER_M / EPSILON_0
    spread = 2 * float(slope.std()) / PC_PER_M / EPSILON_0
    response = f"{method}: dP⊥/dE/ε0, twice its spread over the cell"
    found = declared.RESPONSE.of(Quantity(mean, "A", (mean - spread, mean + spread), "range", method=response))
    with np.errstate(all="ignore"):
        up, down = float(np.max(-start / slope)), float(np.max(start / slope))
    if slope.min() > 0 and max(up, down) < FARTHEST * np.abs(fields).max():
        left = 2 * max(case.pattern.residual for case in cases) / float(slope.mean())
        low, high = min(up, down) - left, max(up, down) + left
        middle = 0.5 * (low + high)
        method += ": field at which all P⊥ point one way; interval: both directions, and what the waves leave"
        found |= declared.UNIFORM_FIELD.of(Quantity(middle, "V/A", (low, high), "range", method=method))
    return found


def helicity(case: Case) -> float:
    """Angle between P∥ and the way out of the centre of M, degrees: ±90 for a vortex, 0 or 180 for a source or sink."""
    field, cell = case.symmetric, case.moire.plane
    steps = np.arange(len(field)) / len(field)
    apart = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1) - region_centres(turns(case.moire))["M"]
    out = (apart - np.round(apart)) @ cell
    distance = np.linalg.norm(out, axis=-1)
    near = (distance < 0.15 * case.moire.period) & (distance > 0)
    radial = np.einsum("ka,ka->k", field[near][:, :2], out[near])
    around = out[near][:, 0] * field[near][:, 1] - out[near][:, 1] * field[near][:, 0]
    return math.degrees(math.atan2(around.sum(), radial.sum()))


def _phase(twist: Case, strained: Case) -> dict[str, Quantity]:
    found: dict[str, Quantity] = {}
    for case in (twist, strained):
        angle = Quantity(helicity(case), "deg", method="P∥ from the way out of M, mean near its centre")
        found |= declared.HELICITY[case.kind].of(angle, **case.labels)
    apart = abs(helicity(twist) - helicity(strained)) % 180
    return found | declared.PHASE.of(Quantity(min(apart, 180 - apart), "deg", method="of the two helicities"))


def _antiparallel(case: Case, parallel: Case) -> dict[str, Quantity]:
    largest = [float(np.linalg.norm(c.pattern.field[..., :2], axis=-1).max()) for c in (case, parallel)]
    ratio = largest[0] / largest[1] if largest[1] else math.nan
    method = "largest P∥ of the antiparallel twist over that of the parallel"
    return declared.ANTIPARALLEL_RATIO.of(Quantity(ratio, "1", method=method))


def _nonlocality(case: Case, local: Case) -> dict[str, Quantity]:
    apart = case.pattern.field - local.pattern.field
    sizes = [float(np.sqrt((f**2).mean())) for f in (apart[..., 2], local.pattern.field[..., 2])]
    method = "rms difference of P⊥ from that of perfect bilayers of the same registry, over its rms"
    share = sizes[0] / sizes[1] if sizes[1] else math.nan
    return declared.NONLOCALITY.of(Quantity(share, "1", method=method))


def _checks(case: Case) -> list[Check]:
    field, name = case.pattern.field, case.name
    size = case.length
    found = [
        Check(
            f"dipoles_are_smooth_{name}",
            case.pattern.residual,
            max(ACROSS, 0.02 * size),
            "pC/m",
            "rms of what plane waves leave of the local dipoles: 2 % of the largest polarization",
            "polarization",
        ),
        Check(
            f"groups_give_the_dipole_{name}",
            case.pattern.mismatch,
            max(1e-3, 1e-3 * size),
            "pC/m",
            "sum over the groups across the sheet against the dipole of the polarization model",
            "polarization",
        ),
        Check(
            f"threefold_{name}",
            float(np.abs(field - symmetrised(field, "threefold")).max()),
            max(ACROSS, 0.02 * size),
            "pC/m",
            "the moiré has a threefold axis: 2 % of the largest polarization",
            "polarization",
        ),
    ]
    if case.kind == "twist":
        found.append(
            Check(
                f"layers_alike_{name}",
                float(np.abs(field - symmetrised(field, "twist")).max()),
                max(ACROSS, 0.02 * size),
                "pC/m",
                "twofold axes in the plane exchange the layers of a twist: M and N, up and down are images",
                "polarization",
            )
        )
    if case.kind == "antiparallel":
        found.append(
            Check(
                f"not_polar_{name}",
                float(np.abs(field[..., 2]).max()),
                max(ACROSS, 0.1 * float(np.linalg.norm(field[..., :2], axis=-1).max())),
                "pC/m",
                "local inversion centres: nothing across, up to a tenth of what the gradient leaves in the plane",
                "polarization",
            )
        )
    return found
