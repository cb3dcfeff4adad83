"""Observables of the task `interlayer` from its curves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.contracts.material import Material
from harness.contracts.measurement import Check, Measurement
from harness.contracts.observable import Observable
from harness.contracts.quantity import Quantity
from harness.contracts.task import Context, Stage
from harness.materials.sheets import area
from harness.stats import number
from harness.units import GPA, N_PER_M
from harness_tasks.interlayer.minimum import Minimum, find_minimum, find_zero
from harness_tasks.interlayer.observables import (
    ALPHA,
    ALPHA_LAYER,
    ALPHA_RATIO,
    LATTICE_CONSTANT,
    RELAXED,
    RIGID,
)
from harness_tasks.polarization.responses import Responses
from harness_tasks.structures.bilayers import LOWER, bilayer, plain

ATOMS = 4


@dataclass(frozen=True, slots=True)
class Curve:
    """Binding energy of one stacking against distance.

    Attributes
    ----------
    distance, energy
        h (Å) and φ(h) (eV per primitive cell).
    force
        −dφ/dh from the forces on the layers, eV/Å; None where layers were relaxed.
    """

    stacking: str
    distance: np.ndarray
    energy: np.ndarray
    force: np.ndarray | None


def reference_of(stackings: Sequence[str]) -> str:
    """The stacking that others are compared with."""
    return next((s for s in ("AB", "AA'", "AAp") if s in stackings), stackings[0])


def scaled(quantity: Quantity, factor: float, unit: str, method: str = "") -> Quantity:
    """`quantity` times a number.

    Parameters
    ----------
    quantity
        To be multiplied.
    factor
        The number.
    unit
        Of the result.
    method
        Of the result; empty: that of `quantity`.
    """
    low, high = sorted(factor * bound for bound in quantity.interval) if quantity.interval else (0.0, 0.0)
    interval = (low, high) if quantity.interval else None
    return replace(
        quantity, value=factor * number(quantity), unit=unit, interval=interval, method=method or quantity.method
    )


def difference(a: Quantity, b: Quantity, factor: float, unit: str) -> Quantity:
    """(a − b) times a number; half-widths added in quadrature.

    Parameters
    ----------
    a, b
        Quantities of one unit.
    factor
        Of the difference.
    unit
        Of the result.
    """
    value = factor * (number(a) - number(b))
    if a.interval is None or b.interval is None:
        return Quantity(value, unit, method=a.method)
    half_width = abs(factor) / 2 * math.hypot(a.interval[1] - a.interval[0], b.interval[1] - b.interval[0])
    return Quantity(value, unit, (value - half_width, value + half_width), a.kind, method=a.method)


def evaluate(
    ctx: Context,
    material: Material,
    curves: Mapping[str, Sequence[Curve]],
    alphas: Mapping[str, Quantity],
) -> Measurement:
    """Observables, checks, arrays and notes.

    Parameters
    ----------
    ctx
        Of the run.
    material
        The bilayer.
    curves
        Of all stackings, by ``rigid`` or ``relaxed``.
    alphas
        Polarizabilities by key.
    """
    params = ctx.params
    sheet = area(bilayer(material, (0, 0), material.distance))
    measurement = Measurement()
    for kind, group in curves.items():
        minima = {curve.stacking: find_minimum(curve.distance, curve.energy, params.fit_points) for curve in group}
        declared = RIGID if kind == "rigid" else RELAXED
        measurement.observables |= _of_minima(minima, sheet, declared, reference_of(params.stackings))
        measurement.checks += _minimum_checks(group, minima, kind)
        for curve in group:
            measurement.notes += _remarks(curve, minima[curve.stacking], kind)
        measurement.arrays[f"phi_{kind}"] = np.array([curve.energy for curve in group])
        measurement.arrays[f"h0_{kind}"] = np.array([m and number(m.distance) or np.nan for m in minima.values()])
        measurement.arrays[f"phi0_{kind}"] = np.array([m and number(m.energy) or np.nan for m in minima.values()])
        if kind == "rigid":
            measurement.checks += _checks(group, minima, params.fit_points)
            measurement.arrays["force"] = np.array([curve.force for curve in group])
    measurement.arrays["distances"] = np.array(params.distances)
    measurement.arrays["stackings"] = np.array(params.stackings)
    measurement.observables |= alphas
    if params.relax_cell:
        relaxed = Quantity(material.a, "A", method="forces and stress relaxed")
        measurement.observables |= LATTICE_CONSTANT.of(relaxed)
    if params.polarizability and not alphas:
        measurement.notes.append("no polarizability: neither potential nor polarization model offers it")
    return measurement


def _of_minima(
    minima: Mapping[str, Minimum | None], sheet: float, declared: Mapping[str, Observable], reference: str
) -> dict[str, Quantity]:
    found: dict[str, Quantity] = {}
    base = minima.get(reference)
    for stacking, minimum in minima.items():
        name = plain(stacking)
        if minimum is None:
            for word in ("distance", "binding", "exfoliation"):
                observable = declared[word]
                missing = Quantity(math.nan, observable.unit, method="no bound minimum")
                found |= observable.of(missing, stacking=name)
            continue
        stiffness = scaled(minimum.stiffness, 10 * GPA / sheet, "GPa/nm")  # eV/Å⁴
        thickness = "thickness h0: " + minimum.stiffness.method
        values = {
            "distance": minimum.distance,
            "binding": scaled(minimum.energy, -1e3 / ATOMS, "meV"),
            "exfoliation": scaled(minimum.energy, -1e3 * N_PER_M / sheet, "mJ/m^2"),
            "stiffness": stiffness,
            "c33": scaled(stiffness, number(minimum.distance) / 10, "GPa", thickness),
        }
        for word, value in values.items():
            found |= declared[word].of(value, stacking=name)
        if base is not None and stacking != reference:
            above = difference(minimum.energy, base.energy, 1e3, "meV")
            found |= declared["above"].of(above, stacking=name, reference=plain(reference))
    bound = [minimum.distance for minimum in minima.values() if minimum is not None]
    if base is not None and len(bound) > 1:
        found |= declared["increase"].of(difference(max(bound, key=number), base.distance, 1.0, "A"))
    return found


def _remarks(curve: Curve, minimum: Minimum | None, kind: str) -> list[str]:
    h, energy = curve.distance, curve.energy
    which = f"{kind} {curve.stacking}"
    notes: list[str] = []
    if minimum is None:
        return notes
    if np.nanmin(energy[[0, -1]]) < number(minimum.energy):
        end = h[0] if energy[0] < energy[-1] else h[-1]
        notes.append(f"{which}: at {end:g} Å the energy lies below that of the minimum")
    elif number(minimum.energy) > 0:
        notes.append(f"{which}: the minimum lies above the energy of separate layers")
    return notes


def _minimum_checks(curves: Sequence[Curve], minima: Mapping[str, Minimum | None], kind: str) -> list[Check]:
    """Whether every curve has numbers at all distances, and a minimum."""
    h = curves[0].distance
    gaps = sum(int(np.sum(~np.isfinite(curve.energy))) for curve in curves)
    unbound = [curve.stacking for curve in curves if minima[curve.stacking] is None]
    which = f" ({', '.join(unbound)})" if unbound else ""
    end = "" if kind == "rigid" else f"_{kind}"
    return [
        Check(f"energies_missing{end}", gaps, 0.0, "1", "distances at which the energy is not finite, over all curves"),
        Check(
            f"no_bound_minimum{end}",
            len(unbound),
            0.0,
            "1",
            f"{kind} curves without a bound minimum between {h[0]:g} and {h[-1]:g} Å{which}",
        ),
    ]


def _checks(curves: Sequence[Curve], minima: Mapping[str, Minimum | None], n_points: int) -> list[Check]:
    residuals, distances = [0.0], [0.0]
    for curve in curves:
        minimum = minima[curve.stacking]
        if minimum is None or curve.force is None:
            continue
        residuals.append(minimum.residual / max(abs(number(minimum.energy)), 1e-6))
        zero = find_zero(curve.distance, curve.force, number(minimum.distance), n_points)
        distances.append(zero - number(minimum.distance))
    if len(distances) == 1:
        return []
    return [
        Check(
            "curve_is_smooth",
            float(np.max(residuals)),
            0.005,
            "1",
            "largest rms distance of the points around a minimum from the fitted curve, over the depth; noise and "
            "kinks of 0.5 % would move h0 by about 0.01 Å",
        ),
        Check(
            "forces_vanish_at_h0",
            float(max(distances, key=lambda d: abs(d) if math.isfinite(d) else math.inf)),
            0.01,
            "A",
            "where the force between the layers crosses zero against the minimum of the energy; DFT's own grid noise "
            "and the fit leave a few mÅ",
        ),
    ]


def polarizabilities(
    ctx: Context, material: Material, stage: Stage, curves: Sequence[Curve], height: float
) -> dict[str, Quantity]:
    """α of the material's stacking at its minimum, and of one layer, Å³ per primitive cell; empty if not offered.

    Parameters
    ----------
    ctx
        Of the run.
    material
        The bilayer.
    stage
        Keeps every response.
    curves
        Of all stackings.
    height
        Of the cell, Å.
    """
    responses = Responses.of(ctx)
    if not ctx.params.polarizability or "polarizability" not in responses.offered:
        return {}
    own = next((curve for curve in curves if plain(curve.stacking) == plain(material.stacking)), None)
    minimum = own and find_minimum(own.distance, own.energy, ctx.params.fit_points)
    distance = number(minimum.distance) if minimum else material.distance
    pair = bilayer(material, material.registry, distance, antiparallel=material.antiparallel, height=height)
    layer = pair[LOWER]
    layer.positions[:, 2] += height / 2 - layer.positions[0, 2]
    alphas = {}
    for name, atoms in (("bilayer", pair), ("layer", layer)):
        key = f"polarizability/{name}"
        if key not in stage:
            stage.keep(key, responses(atoms, ["polarizability"]))
        stage.advance()
        alphas[name] = stage[key]["polarizability"]
    method = f"{material.stacking} at {distance:.3f} A; one evaluation, nothing fitted"
    found: dict[str, Quantity] = {}
    for word, axes in (("in_plane", (0, 1)), ("out_of_plane", (2,))):
        double, single = (float(np.mean([alphas[k][i, i] for i in axes])) for k in ("bilayer", "layer"))
        found |= ALPHA.of(Quantity(double, "A^3", method=method), direction=word)
        layer_method = "one layer; one evaluation, nothing fitted"
        found |= ALPHA_LAYER.of(Quantity(single, "A^3", method=layer_method), direction=word)
        ratio = double / single if single else math.nan
        found |= ALPHA_RATIO.of(Quantity(ratio, "1", method=method), direction=word)
    return found
