"""Coercive fields at zero temperature: the largest field that holds the layers somewhere between BA and SP."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from scipy.interpolate import CubicSpline

from harness.contracts.task import Context, Stage
from harness_tasks.coercive_field.held_slip import hold
from harness_tasks.coercive_field.path_model import PathModel
from harness_tasks.sliding_path.path import SlidingState
from harness_tasks.sliding_path.track import Track
from harness_tasks.structures.bilayers import UPPER
from harness_tasks.structures.registries import BA

#: Where the layers are held, in slips at which the path itself would let go; and, in lengths of BA to SP, for a
#: vertical field, which lets go at BA, where slip and field's pull both vanish: the field there is extrapolated.
AROUND = (0.75, 1.0, 1.25)
NEAR_START = (0.1, 0.2, 0.3)
#: Of holding the layers once in the progress bar, in evaluations.
HELD_WORK = 15
#: Farthest slip, in lengths of BA to SP.
FARTHEST = 0.95


@dataclass(frozen=True, slots=True)
class Axes:
    """How fields and slip lie in space.

    Attributes
    ----------
    slip
        Unit vector BA → AB, (3,).
    up
        Sign of P⊥ at BA: fields E⊥ > 0 point against it.
    ahead
        Sign along `slip` of P∥ at SP: fields E∥ > 0 point along it.
    """

    slip: np.ndarray
    up: float
    ahead: float

    def field(self, parallel: float, perpendicular: float) -> np.ndarray:
        """In space, (3,)."""
        return self.ahead * parallel * self.slip - self.up * perpendicular * np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True, slots=True)
class SlidingPath:
    """The path from BA to AB.

    Attributes
    ----------
    t
        Slip from SP, Å, (n,), rising from BA.
    energy
        eV per cell, (n,).
    parallel, perpendicular
        Dipole along `Axes`, e Å per cell, (n,).
    positions
        Å, (n, 4, 3).
    """

    t: np.ndarray
    energy: np.ndarray
    parallel: np.ndarray
    perpendicular: np.ndarray
    positions: np.ndarray
    axes: Axes


@dataclass(frozen=True, slots=True)
class CoerciveField1D:
    """The total field of dip `dip` (degrees) that switches, V/Å; nan where held layers find no rest in a field.

    Attributes
    ----------
    half_width
        Half-width of its interval: what the order of the interpolation changes.
    slips, fields
        Where the layers were held, Å from BA, and by which field.
    """

    dip: float
    field: float
    half_width: float
    slips: np.ndarray
    fields: np.ndarray


def course(track: Track, moved: np.ndarray) -> SlidingPath:
    """From a walk AB-SP-BA and its dipoles `moved` (n, 3), e Å per cell."""
    slip = -track.along
    middle = len(track.s) // 2
    along = moved @ slip
    up = 1.0 if moved[-1, 2] >= moved[0, 2] else -1.0
    ahead = 1.0 if along[middle] >= 0.5 * (along[0] + along[-1]) else -1.0
    t = (0.5 - track.s) * track.length
    reverse = slice(None, None, -1)
    return SlidingPath(
        t[reverse],
        track.energy[reverse],
        ahead * along[reverse],
        up * moved[reverse, 2],
        track.positions[reverse],
        Axes(slip, up, ahead),
    )


def strength(
    ctx: Context, work: SlidingState, way: SlidingPath, model: PathModel, dip: float, stage: Stage
) -> CoerciveField1D:
    """Hold the layers in a field inclined by `dip`, around where the path itself would let go, and find the largest.

    Parameters
    ----------
    ctx
        Of the run.
    work
        Settings of the path.
    way
        The path from BA to AB.
    model
        Its polynomials.
    dip
        Angle of the field to the plane, degrees.
    stage
        Keeps the field of every held slip.
    """
    cosine, sine = math.cos(math.radians(dip)), math.sin(math.radians(dip))
    direction = way.axes.field(cosine, sine)
    length = -model.start
    t = model.start * (1 - np.linspace(0, 1, 2001)[1:-1] ** 2)
    energy, along, across = (slope(t) for slope in model.slopes)
    path = energy / (cosine * along - sine * across)
    steep = dip > 89.999
    slips = length * np.array(NEAR_START) if steep else (t[np.argmax(path)] - model.start) * np.array(AROUND)
    slips = np.minimum(slips, FARTHEST * length * np.array([0.8, 0.9, 1.0]))
    guesses = np.interp(slips, t - model.start, path)
    fields: list[float] = []
    for x, guess in zip(slips, guesses, strict=True):
        key = f"held/{dip:g}/{x:.6f}"
        if key not in stage:
            found = hold(ctx, slipped(work, way, model.start + x), direction, way.axes.slip, guess)
            stage.keep(key, {"field": found.field})
        fields.append(stage[key]["field"])
        stage.advance(HELD_WORK, key)
        if not math.isfinite(fields[-1]):
            stage.advance(HELD_WORK * (len(slips) - len(fields)), key)
            fields += [math.nan] * (len(slips) - len(fields))
            return CoerciveField1D(dip, math.nan, math.nan, slips, np.array(fields))
    # What relaxing in the field changes, as a factor; it varies slowly with the slip.
    ratio = np.array(fields) / guesses
    inside = t - model.start <= 1.2 * slips[-1] if steep else np.abs(t - model.start - slips[1]) <= 1.5 * np.ptp(slips)
    x = t[inside] - model.start
    best = [float((path[inside] * np.polynomial.Polynomial.fit(slips[:n], ratio[:n], n - 1)(x)).max()) for n in (3, 2)]
    return CoerciveField1D(dip, best[0], abs(best[0] - best[1]), slips, np.array(fields))


def slipped(work: SlidingState, way: SlidingPath, t: float) -> Atoms:
    """The primitive bilayer at slip `t` (Å from SP) of the path, with the array ``layer``."""
    atoms = work.stack(BA)
    atoms.positions = CubicSpline(way.t, way.positions)(t)
    layer = np.zeros(len(atoms), dtype=int)
    layer[UPPER] = 1
    atoms.set_array("layer", layer)
    return atoms
