"""When rigid layers would switch at a temperature: rates over the barrier that the field leaves.

All primitive cells of a periodic cell slide together, so the barrier is that of one times their number. The rate is
that of transition-state theory in one dimension,

    k = w κ √(k_B T / 2π M) exp(−H_top/k_B T) / ∫_well exp(−H/k_B T) dt

with H the enthalpy and M the mass of all cells, w equivalent ways (three in a vertical field), and Kramers' factor κ
where a Langevin thermostat brakes the layers (H. A. Kramers, Physica 7, 284 (1940)). Recrossing, ways around the saddle
point and the time that the slide itself takes are left out.
"""

from __future__ import annotations

import math

import numpy as np
from ase import units

from harness_tasks.coercive_field.path_model import PathModel

_FIELDS = 200


def rate(
    model: PathModel,
    parallel: float,
    perpendicular: float,
    cells: int,
    mass: float,
    temperature: float,
    friction: float = 0.0,
) -> float:
    """Of leaving BA for good, 1/fs.

    Parameters
    ----------
    cells
        Primitive cells that slide together.
    mass
        Reduced mass of the two layers for each cell, u.
    friction
        1/fs; 0 for a thermostat that does not brake.
    """
    t = np.linspace(1.5 * model.start, 0, 1201)
    enthalpy = cells * model.enthalpy(t, parallel, perpendicular)
    start = int(np.argmin(np.abs(t - model.start)))
    top = start + int(np.argmax(enthalpy[start:]))
    step, heat = t[1] - t[0], units.kB * temperature
    with np.errstate(over="ignore"):  # over a barrier of 700 k_B T nothing ever goes
        weight = np.exp(-(enthalpy[: top + 1] - enthalpy[top]) / heat).sum() * step
    speed = math.sqrt(heat / (2 * math.pi * cells * mass)) * units.fs
    ways = 1 if parallel else 3
    return float(ways * _transmission(enthalpy, top, step, cells * mass, friction) * speed / weight)


def expected_field(
    model: PathModel,
    parallel: float,
    cells: int,
    mass: float,
    temperature: float,
    ramp: float,
    start: float,
    end: float,
    friction: float = 0.0,
) -> tuple[float, float, float]:
    """Mean, 2.5 % and 97.5 % quantile of E⊥ at which rigid layers switch in a ramp, V/Å.

    Parameters
    ----------
    ramp
        V/(Å fs).
    start, end
        Of the ramp, V/Å; layers that have not switched at the end count as switched there.
    """
    fields = np.linspace(start, end, _FIELDS)
    rates = np.array([rate(model, parallel, field, cells, mass, temperature, friction) for field in fields])
    left = np.exp(-np.concatenate([[0], np.cumsum(0.5 * (rates[1:] + rates[:-1]) * np.diff(fields))]) / ramp)
    mean = start + float(np.trapezoid(left, fields))
    low, high = (float(np.interp(1 - share, 1 - left, fields)) for share in (0.975, 0.025))
    return mean, low, high


def _transmission(enthalpy: np.ndarray, top: int, step: float, mass: float, friction: float) -> float:
    if not friction or not 0 < top < len(enthalpy) - 1:
        return 1.0
    curvature = -(enthalpy[top + 1] - 2 * enthalpy[top] + enthalpy[top - 1]) / step**2
    if curvature <= 0:
        return 1.0
    half = friction / (2 * math.sqrt(curvature / mass) * units.fs)
    return float(math.sqrt(1 + half**2) - half)
