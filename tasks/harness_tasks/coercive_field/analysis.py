"""Observables of the task `coercive_field` from its path, its statics and its runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.interpolate import CubicSpline

from harness.contracts.quantity import Quantity
from harness.stats import number
from harness_tasks.coercive_field import observables as declared
from harness_tasks.coercive_field.observables import LeastFieldObservables
from harness_tasks.coercive_field.path_model import CRITERIA, LeastField, PathModel, square_root_coefficient
from harness_tasks.coercive_field.ramps import PASSED, Plan, Run
from harness_tasks.coercive_field.registry_map import TransverseFields
from harness_tasks.coercive_field.switching import CoerciveField1D, SlidingPath

#: Intervals are no narrower than this share of the value.
LEFT = 1e-4
MODEL = "polynomials of Deng et al. fitted to the path, interval from every second point"
PATH = "polynomials along the path, interval from one order less"
STATIC = "layers held in the field, interval from one order less of the interpolation"


@dataclass(frozen=True, slots=True)
class Models:
    """The path as polynomials: of the paper's order, also through every second point; of the full one and one less."""

    paper: PathModel
    coarse: PathModel
    full: PathModel
    less: PathModel

    @classmethod
    def of(cls, way: SlidingPath, order: int) -> Models:
        """Fitted to `way`."""
        arrays = (way.t, way.energy, way.parallel, way.perpendicular)
        paper, full, less = (PathModel.fit(*arrays, order=n) for n in (1, order, max(order - 1, 1)))
        t, energy, parallel, perpendicular = (array[::2] for array in arrays)
        coarse = PathModel.fit(t, energy, parallel, perpendicular, order=1)
        return cls(paper, coarse, full, less)

    @property
    def switchable(self) -> bool:
        """Whether BA is a minimum that a vertical field can take away."""
        return switchable(self.paper) and switchable(self.full)


def switchable(model: PathModel) -> bool:
    """The same of one of the polynomials."""
    return 0 < model.vertical_field() < math.inf


def of_path(models: Models) -> dict[str, Quantity]:
    """Constants of the paper's model, and coercive fields of both."""
    found = _between(_constants(models.paper), _constants(models.coarse))
    if models.switchable:
        found |= _between(_of_paper(models.paper), _of_paper(models.coarse) if switchable(models.coarse) else None)
        found |= _between(_of_own(models.full), _of_own(models.less) if switchable(models.less) else None)
    return found


def _constants(paper: PathModel) -> dict[str, Quantity]:
    constants = paper.constants()
    return {
        **declared.E4.of(Quantity(1e3 * constants["e4"], "meV/A^4", method=MODEL)),
        **declared.E0.of(Quantity(1e3 * paper.summit, "meV", method=MODEL)),
        **declared.P4.of(Quantity(constants["p4"], "e/A^3", method=MODEL)),
        **declared.P2.of(Quantity(constants["p2"], "e/A", method=MODEL)),
        **declared.P3.of(Quantity(constants["p3"], "e/A^2", method=MODEL)),
    }


def _of_paper(paper: PathModel) -> dict[str, Quantity]:
    vertical = paper.vertical_field()
    beta = Quantity(square_root_coefficient(paper), "A^0.5/V^0.5", method="Eq. 5, " + MODEL)
    found = {
        **declared.MODEL.of(Quantity(vertical, "V/A", method="-4 e4 t_BA / 3 p3, " + MODEL)),
        **declared.BETA.of(beta),
    }
    for observables, criterion in zip((declared.LEAST_MODEL, declared.LEAST_BELOW_START), CRITERIA, strict=True):
        found |= _least(observables, paper.least_field(criterion), vertical, MODEL)
    return found


def _of_own(model: PathModel) -> dict[str, Quantity]:
    vertical = model.vertical_field()
    found = declared.PATH.of(Quantity(vertical, "V/A", method=PATH))
    found |= _least(declared.LEAST_PATH, model.least_field(), vertical, PATH)
    return found | declared.HORIZONTAL_PATH.of(Quantity(model.horizontal_field(), "V/A", method=PATH))


def _between(found: dict[str, Quantity], other: dict[str, Quantity] | None) -> dict[str, Quantity]:
    """The numbers of `found`, with the distance to those of `other` on both sides; None: a fit without such numbers."""
    if other is None:
        why = "; no interval: that fit has no minimum to lose at BA"
        return {name: Quantity(number(q), q.unit, method=q.method + why) for name, q in found.items()}
    return {
        name: within(number(q), abs(number(q) - number(other[name])), q.unit, q.method) for name, q in found.items()
    }


def of_statics(strengths: Sequence[CoerciveField1D], models: Models) -> dict[str, Quantity]:
    """Coercive field and smallest total field at zero temperature, all atoms at rest in the field."""
    found: dict[str, Quantity] = {}
    for observable, dip in ((declared.STATIC, 90.0), (declared.HORIZONTAL_STATIC, 0.0)):
        for one in strengths:
            if one.dip == dip:
                found |= observable.of(within(one.field, one.half_width, "V/A", STATIC))
    known = sorted((s for s in strengths if math.isfinite(s.field)), key=lambda s: s.dip)
    least = declared.LEAST_STATIC
    if len(known) < 4:
        few = "fewer than four dip angles with rest"
        for observable in least.all if strengths else ():
            found |= observable.of(Quantity(math.nan, observable.unit, method=few))
        return found
    dips = np.array([s.dip for s in known])
    ratio = np.array([s.field / models.full.along_dip(s.dip) for s in known])
    half_width = max(s.half_width for s in known if s.dip < 89)
    fine = np.linspace(dips[0], min(dips[-1], 89.0), 400)
    path = np.array([models.full.along_dip(dip) for dip in fine])
    every = [_lowest(fine, path * CubicSpline(dips[some], ratio[some])(fine)) for some in _subsets(len(dips))]
    (dip, total), others = every[0], every[1:]
    spread = [max(abs(other[i] - every[0][i]) for other in others) for i in (0, 1)]
    method = "spline through the dip angles, interval from leaving out one"
    error = math.hypot(spread[1], half_width)
    alone = number(found[declared.STATIC.key]) if declared.STATIC.key in found else math.nan
    found |= least.total.of(within(total, error, "V/A", method))
    found |= least.dip.of(within(dip, max(spread[0], fine[1] - fine[0]), "deg", method))
    found |= least.reduction.of(within(100 * (1 - total / alone), 100 * error / alone, "%", method))
    return found


def of_plane(beside: TransverseFields, parallel: float, model: PathModel) -> dict[str, Quantity]:
    """What an in-plane field beside the path does."""
    width, step = beside.sector
    interval, method = (width - step, width + step), "in-plane fields that slide the layers along their path"
    found = declared.SECTOR.of(Quantity(width, "deg", interval, "numerical", method=method))
    nearest = int(np.argmin(np.abs(beside.angles)))
    farthest = int(np.argmin(np.abs(np.abs(beside.angles) - 60)))
    if beside.fields[nearest] > 0 and model.coercive_field(parallel) > 0:
        angle = abs(beside.angles[farthest])
        method = f"E_perp,c with {parallel:g} V/A turned by {angle:.0f} deg over that with it along the path"
        ratio = float(beside.fields[farthest] / beside.fields[nearest])
        found |= declared.TURNED_RATIO.of(Quantity(ratio, "1", method=method))
    return found


def split_runs(todo: Sequence[Plan], strengths: Sequence[CoerciveField1D]) -> tuple[list[Plan], list[Plan]]:
    """Runs that can be made, and those in vertical fields in which the potential does not even hold layers at rest."""
    gives_way = any(s.dip > 89.999 and not math.isfinite(s.field) for s in strengths)
    return [p for p in todo if p.parallel or not gives_way], [p for p in todo if gives_way and not p.parallel]


def of_runs(runs: Sequence[Run], skipped_runs: Sequence[Plan] = ()) -> tuple[dict[str, Quantity], list[str]]:
    """Mean fields of equal runs, of steps also the smallest total; and remarks."""
    found: dict[str, Quantity] = {}
    notes: list[str] = []
    for plan in skipped_runs:
        nothing = Quantity(math.nan, "V/A", method="not run: held layers find no rest in a vertical field")
        found |= declared.FIELD[plan.kind].of(nothing, plan.temperature, plan.parallel)
    if skipped_runs:
        notes.append("no runs in vertical fields: the potential gives way in them before the layers slide")
    groups = grouped(runs)
    for (kind, temperature, parallel), group in groups.items():
        field = mean([run.field for run in group], "V/A", f"{kind}: field at the first passage of SP")
        found |= declared.FIELD[kind].of(field, temperature, parallel)
        early = sum(run.ended == PASSED and run.field == 0 for run in group)
        if early:
            name = declared.FIELD[kind].key(temperature, parallel)
            notes.append(f"{name}: {early} of {len(group)} runs switched before there was a field")
        gone = [run for run in group if run.ended == PASSED]
        if parallel and gone:
            share = np.mean([run.way == 0 for run in gone])
            method = "runs that slid along the in-plane field, of those that slid"
            quantity = Quantity(float(share), "1", n=len(gone), method=method)
            found |= declared.ALONG[kind].of(quantity, **declared.labels(temperature, parallel))
    for temperature in dict.fromkeys(run.plan.temperature for run in runs if run.plan.kind == "steps"):
        fields = {p: found[declared.FIELD[k].key(t, p)] for k, t, p in groups if (k, t) == ("steps", temperature)}
        found |= _least_of_steps(temperature, fields)
    return found, notes


def mean(values: Sequence[float], unit: str, method: str) -> Quantity:
    """Mean of independent runs with Student's interval; nan when one of them has no value."""
    x = np.asarray(values, dtype=float)
    if not np.isfinite(x).all() or not len(x):
        return Quantity(math.nan, unit, n=len(x), method=method)
    interval = None
    if len(x) > 1:
        half_width = max(
            float(stats.t.ppf(0.975, len(x) - 1) * x.std(ddof=1) / math.sqrt(len(x))), LEFT * abs(x.mean())
        )
        interval = (float(x.mean()) - half_width, float(x.mean()) + half_width)
    return Quantity(
        float(x.mean()), unit, interval, "confidence", n=len(x), method=method + ", Student interval over runs"
    )


def grouped(runs: Sequence[Run]) -> dict[tuple[str, float, float], list[Run]]:
    """Equal runs by kind, temperature (K) and in-plane field (V/Å)."""
    groups: dict[tuple[str, float, float], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.plan.kind, run.plan.temperature, run.plan.parallel), []).append(run)
    return groups


def within(value: float, half_width: float, unit: str, method: str) -> Quantity:
    """A value with the numerical error `half_width` on both sides.

    Parameters
    ----------
    value, half_width
        The value, and the half-width of its interval, in `unit`.
    unit
        As in `Quantity`.
    method
        How both were obtained.
    """
    if not (math.isfinite(value) and math.isfinite(half_width)):
        return Quantity(float(value), unit, method=method)
    half_width = max(half_width, LEFT * abs(value))
    return Quantity(float(value), unit, (value - half_width, value + half_width), "numerical", method=method)


def _least(observables: LeastFieldObservables, least: LeastField, alone: float, method: str) -> dict[str, Quantity]:
    return {
        **observables.total.of(Quantity(least.total, "V/A", method=method)),
        **observables.dip.of(Quantity(least.dip, "deg", method=method)),
        **observables.reduction.of(Quantity(100 * (1 - least.total / alone), "%", method=method)),
    }


def _subsets(n: int) -> list[np.ndarray]:
    """All, and all but each inner one."""
    return [np.arange(n), *(np.delete(np.arange(n), k) for k in range(1, n - 1))]


def _lowest(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    best = int(np.argmin(y))
    return float(x[best]), float(y[best])


def _least_of_steps(temperature: float, fields: dict[float, Quantity]) -> dict[str, Quantity]:
    totals = {parallel: math.hypot(parallel, number(q)) for parallel, q in fields.items() if math.isfinite(number(q))}
    if len(totals) < 3:
        return {}
    best = min(totals, key=lambda parallel: totals[parallel])
    method = f"of {len(totals)} in-plane fields"
    dip = math.degrees(math.atan2(number(fields[best]), best))
    least, labels = declared.LEAST_STEPS, declared.labels(temperature)
    found = least.total.of(Quantity(totals[best], "V/A", method=method), **labels)
    found |= least.dip.of(Quantity(dip, "deg", method=method), **labels)
    if 0.0 in totals:
        share = 100 * (1 - totals[best] / totals[0.0])
        found |= least.reduction.of(Quantity(share, "%", method=method), **labels)
    return found
