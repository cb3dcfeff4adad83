"""Observables, arrays and checks of the task `moire_relax` from its structures."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from harness.contracts.measurement import Measurement
from harness.contracts.quantity import Quantity
from harness.contracts.task import Context
from harness.stats import number
from harness.units import N_PER_M
from harness_tasks.moire.continuum import sheet_registry
from harness_tasks.moire.landscape import Landscape
from harness_tasks.moire.registry_field import RegistryField, grid
from harness_tasks.moire.relaxation import Structure
from harness_tasks.moire_relax import checks
from harness_tasks.moire_relax import observables as declared
from harness_tasks.moire_relax.domain_walls import areas, bulge, lonely_width, period_of_map, walls
from harness_tasks.sliding_path.path import SlidingState

#: Regimes of relaxation by angle, degrees (Nieto Luna et al., 2025): lower bound of each.
REGIMES = (("moiré", 13.17), ("transition", 5.09), ("soliton", 1.89), ("domain-soliton", 0.0))
#: Places along each period at which areas are counted.
PLACES = 48
#: Least half-width of intervals, as a share of the value: what the relaxation left.
LEFT = 1e-4
#: Bulges beyond this are noted, Å: walls alone bend a bilayer by a tenth of it.
FLAT = 0.5
LAYERS = "mean of the values seen on the two layers, interval: both"


def regime(angle: float) -> str:
    """Its name in the paper; empty for untwisted layers."""
    return next(name for name, least in REGIMES if round(angle, 2) > least) if angle > 0 else ""


def evaluate(
    ctx: Context, work: SlidingState, landscape: Landscape | None, structures: Sequence[Structure]
) -> Measurement:
    """Everything, for each structure under its name; without a name for that of the longest period.

    Parameters
    ----------
    ctx
        Of the run.
    work
        Settings and checks of the run.
    landscape
        Energies and heights over the registries; None where there are none.
    structures
        Relaxed cells.
    """
    measurement = Measurement()
    whole = [s for s in structures if not s.reason]
    measurement.checks = [check for structure in structures for check in structure.checks(structure.name)]
    if landscape is not None:
        _of_landscape(measurement, landscape, work.antiparallel)
    longest = max(whole, key=lambda s: s.moire.period, default=None)
    for structure in whole:
        found, arrays = _of_structure(structure, landscape)
        if structure is longest:
            measurement.observables = found | measurement.observables
        measurement.observables |= declared.of_cell(found, structure.name)
        measurement.arrays |= {f"{structure.name}|{name}": value for name, value in arrays.items()}
        measurement.frames[structure.name] = [structure.atoms]
        measurement.checks += checks.of_structure(
            structure, RegistryField(structure.moire, structure.positions), found, ctx
        )
        height = number(found[declared.BULGE.key])
        if height > FLAT:
            measurement.notes.append(f"{structure.name}: the bilayer does not stay flat, it bulges by {height:.2g} Å")
    if longest is not None and landscape is not None:
        measurement.checks += checks.against_sheets(longest, measurement.observables)
    if not whole:
        measurement.notes.append("no structure held together: no observables")
    names = [f"{s.name} {regime(s.moire.angle)}" for s in whole if s.moire.angle > 0]
    if names:
        measurement.notes.append("regimes by angle (Nieto Luna et al., 2025): " + ", ".join(names))
    if longest is not None:
        measurement.notes.append(f"numbers without an ending are those of {longest.name}, the longest period")
    return measurement


def _of_landscape(measurement: Measurement, landscape: Landscape, antiparallel: bool) -> None:
    named = {"AAp": (0, 0)} if antiparallel else {"AA": (0, 0), "AB": (1 / 3, 2 / 3), "SP": (0.5, 0.5)}
    distance = landscape.distance(np.array(list(named.values()), dtype=float))
    for name, value in zip(named, distance, strict=True):
        quantity = Quantity(float(value), "A", method="perfect bilayer, relaxed in z")
        measurement.observables |= declared.DISTANCE.of(quantity, stacking=name)
    for observable, value in zip((declared.LAME_LAMBDA, declared.LAME_MU), landscape.lame, strict=True):
        quantity = Quantity(N_PER_M * value, "N/m", method="of one layer, ions relaxed, second differences at 1 %")
        measurement.observables |= observable.of(quantity)


def _of_structure(
    structure: Structure, landscape: Landscape | None
) -> tuple[dict[str, Quantity], dict[str, np.ndarray]]:
    moire, stacking_map = structure.moire, RegistryField(structure.moire, structure.positions)
    places = grid(moire, PLACES) + 0.123 / PLACES * moire.plane.sum(axis=0)  # not on the bounds between registries
    registry = stacking_map.registry_at(places)
    moved = stacking_map.displacement
    lower, upper = (stacking_map.distance[mine] for mine in stacking_map.members)
    flat = [float(np.linalg.norm(moved[mine, :2], axis=1).max()) for mine in stacking_map.members]
    upright = [float(np.abs(moved[mine, 2] - moved[mine, 2].mean()).max()) for mine in stacking_map.members]
    found = {
        **declared.D_MAX.of(_both(lower.max(), upper.max(), "A")),
        **declared.D_MIN.of(_both(lower.min(), upper.min(), "A")),
        **declared.D_MEAN.of(_both(lower.mean(), upper.mean(), "A")),
        **declared.IN_PLANE.of(_both(flat[0], flat[1], "A")),
        **declared.OUT_OF_PLANE.of(_both(upright[0], upright[1], "A")),
        **_areas(registry),
    }
    far = "places where layers are farthest apart, one a cell; or none"
    between = "range of the height half-way between the layers"
    theory = "a / (2 sin θ/2), or of the two lattices"
    found |= declared.PERIOD.of(Quantity(period_of_map(moire, stacking_map, PLACES), "A", method=far))
    found |= declared.BULGE.of(Quantity(bulge(stacking_map, PLACES), "A", method=between))
    found |= declared.PERIOD_THEORY.of(Quantity(moire.period, "A", method=theory))
    found |= declared.NATOMS.of(Quantity(float(len(moire.atoms)), "1"))
    method = f"of the relaxation, {structure.optimizer}"
    found |= declared.FORCE_CALLS.of(Quantity(float(structure.force_calls), "1", method=method))
    arrays = {
        "registry": stacking_map.registry,
        "distance": stacking_map.distance,
        "displacement": moved,
        "positions": structure.positions,
        "sites": moire.sites,
        "layer": moire.layer,
        "cell": moire.atoms.cell.array,
        "angle": np.array(moire.angle),
        "mismatch": np.array(moire.mismatch),
    }
    if landscape is not None:
        perfect = float(np.ptp(landscape.distance(landscape.known[0])))
        share = 0.5 * (np.ptp(lower) + np.ptp(upper)) / perfect if perfect > 1e-6 else math.nan
        method = "(d_max - d_min) over that of all registries of perfect bilayers"
        found |= declared.CORRUGATION.of(Quantity(share, "1", method=method))
        _energies(found, structure, landscape)
        _walls(found, arrays, structure, landscape, stacking_map)
    return found, arrays


def _areas(registry: np.ndarray) -> dict[str, Quantity]:
    cells = registry.reshape(PLACES, PLACES, 2)
    halves = [areas(cells[i::2, j::2]) for i in (0, 1) for j in (0, 1)]
    whole = areas(cells)
    found: dict[str, Quantity] = {}
    for name, share in whole.items():
        interval = (min(half[name] for half in halves), max(half[name] for half in halves))
        method = "share of places nearest to this registry, interval: four grids of half the fineness"
        found |= declared.AREA.of(Quantity(share, "1", interval, "numerical", method=method), stacking=name)
    return found


def _energies(found: dict[str, Quantity], structure: Structure, landscape: Landscape) -> None:
    if structure.moire.mismatch == 0:
        best = float(landscape.known[1].min()) / 4
        assert structure.sheets is not None
        energy = 1e3 * (structure.energy / len(structure.moire.atoms) - best)
        for observable, value, method in (
            (declared.ENERGY, energy, "over the best registry"),
            (declared.ENERGY_SHEETS, structure.sheets.energy, "elastic sheets over the registry landscape"),
            (declared.ENERGY_UNRELAXED, structure.sheets.energy_rigid, "mean of the landscape: relaxed in z alone"),
        ):
            found |= observable.of(Quantity(value, "meV/atom", method=method))


def _walls(
    found: dict[str, Quantity],
    arrays: dict[str, np.ndarray],
    structure: Structure,
    landscape: Landscape,
    stacking_map: RegistryField,
) -> None:
    domain = checks.domain_of(landscape)
    if domain is None:
        return
    measured = walls(structure.moire, stacking_map.registry_at, domain)
    widths = [wall.width for wall in measured]
    assert structure.sheets is not None
    smooth = walls(structure.moire, sheet_registry(structure.moire, structure.sheets), domain)
    method = "Burgers vector over the largest slope of the slip, interval: the three walls"
    width = Quantity(float(np.mean(widths)), "A", _hull(*widths), "range", n=len(widths), method=method)
    found |= declared.SOLITON_WIDTH.of(width)
    of_sheets = float(np.mean([wall.width for wall in smooth]))
    found |= declared.WIDTH_SHEETS.of(Quantity(of_sheets, "A", method="the same of elastic sheets"))
    lonely = lonely_width(landscape, domain, structure.moire.angle > 0)
    found |= declared.WIDTH_LONELY.of(Quantity(lonely, "A", method="b √(k / 2ΔV), a single wall"))
    arrays |= {"wall_place": measured[0].place, "wall_slip": np.array([wall.slip for wall in measured])}
    arrays["wall_slip_sheets"] = smooth[0].slip


def _hull(*values: float) -> tuple[float, float] | None:
    if not all(math.isfinite(value) for value in values):
        return None
    half_width = LEFT * abs(float(np.mean(values)))
    return min(values) - half_width, max(values) + half_width


def _both(lower: float, upper: float, unit: str) -> Quantity:
    return Quantity(0.5 * float(lower + upper), unit, _hull(float(lower), float(upper)), "range", n=2, method=LAYERS)
