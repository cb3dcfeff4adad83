"""Observables of the task `sliding` from its points."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from ase import Atoms

from harness.contracts.material import Material
from harness.contracts.measurement import Measurement
from harness.contracts.quantity import Quantity
from harness.contracts.task import Context
from harness.materials.sheets import area
from harness.units import PC_PER_M
from harness_tasks.sliding import checks
from harness_tasks.sliding import observables as declared
from harness_tasks.sliding_path.checks import of_track
from harness_tasks.sliding_path.track import Landscape, Track, integrate, noise
from harness_tasks.structures.bilayers import LOWER, UPPER

#: Formula units (BN) in the primitive bilayer.
UNITS = 2
MIRROR = "interval from what the mirror image of the path forbids"
#: Intervals are no narrower than this share of the value: mirror images relax alike, and so hide what is left to relax.
LEFT = 1e-4


def evaluate(
    ctx: Context, material: Material, cell: Atoms, tracks: Sequence[Track], landscape: Landscape | None
) -> Measurement:
    """Observables, checks, arrays, frames and notes.

    Parameters
    ----------
    ctx
        Of the run.
    material
        The bilayer.
    cell
        Its primitive cell.
    tracks
        Points along the path, ``rigid`` and ``relaxed``.
    landscape
        The map over all registries; None without it.
    """
    measurement = Measurement()
    sheet = area(cell)
    for track in tracks:
        measurement.observables |= _energies(track) | _polarization(track, sheet)
        measurement.arrays |= {f"{name}_{track.kind}": a for name, a in _arrays(track, sheet).items()}
        measurement.checks += of_track(track, sheet)
        measurement.notes += _remarks(track)
        measurement.frames[f"{track.kind}_path"] = [_frame(cell, p) for p in track.positions if np.isfinite(p).all()]
    if tracks:
        measurement.arrays |= {"s": tracks[0].s, "path_length": np.array(tracks[0].length), "step": tracks[0].step}
    measurement.arrays["cell"] = cell.cell.array
    if landscape is not None:
        same = next((track for track in tracks if track.kind == landscape.kind), None)
        _of_map(measurement, landscape, same, sheet)
    if ctx.params.relax_cell:
        own = Quantity(material.a, "A", method="forces and stress relaxed")
        measurement.observables |= declared.LATTICE_CONSTANT.of(own)
    return measurement


def _energies(track: Track) -> dict[str, Quantity]:
    middle = len(track.s) // 2
    ends = 0.5 * (track.energy[0] + track.energy[-1])
    half_width = math.sqrt(1.5) * 1e3 * noise(track.energy, 1)
    found: dict[str, Quantity] = {}
    for observable, share in ((declared.BARRIER_PER_CELL, 1), (declared.BARRIER_PER_UNIT, UNITS)):
        found |= observable[track.kind].of(
            _quantity(
                1e3 * (track.energy[middle] - ends) / share, half_width / share, "meV", "E(SP) - E(AB), " + MIRROR
            )
        )
    if track.kind == "relaxed":
        half_width, distance = noise(track.distance, 1), track.distance
        found |= declared.DISTANCE_AB.of(_quantity(0.5 * (distance[0] + distance[-1]), half_width, "A", MIRROR))
        found |= declared.DISTANCE_SP.of(_quantity(distance[middle], half_width, "A", MIRROR))
    return found


def _polarization(track: Track, sheet: float) -> dict[str, Quantity]:
    found: dict[str, Quantity] = {}
    unit, middle, kind = PC_PER_M / sheet, len(track.s) // 2, track.kind
    if track.dipole is not None:
        across, along = unit * track.dipole[:, 2], unit * track.dipole @ track.along
        spontaneous = _quantity(
            0.5 * (across[-1] - across[0]), noise(across, -1) / math.sqrt(2), "pC/m", "dipoles of BA and AB, " + MIRROR
        )
        parallel = along[middle] - 0.5 * (along[0] + along[-1])
        half_width = math.sqrt(1.5) * noise(along, 1)
        size = _quantity(abs(parallel), half_width, "pC/m", "dipole less that of AB, " + MIRROR)
        ratio = abs(2 * parallel / (across[-1] - across[0])) if across[-1] != across[0] else math.nan
        found |= declared.SPONTANEOUS[kind].of(spontaneous) | declared.PARALLEL_SP[kind].of(size)
        method = "P parallel at SP over spontaneous polarization"
        found |= declared.POLARIZATION_RATIO[kind].of(Quantity(ratio, "1", method=method))
    if track.born is not None:
        fine = unit * integrate(track.balanced_born, track.positions, track.s)
        coarse = unit * integrate(track.balanced_born[::2], track.positions[::2], track.s[::2])
        every = "integral of Born charges, interval from every second point"
        spontaneous = _quantity(0.5 * fine[-1, 2], 0.5 * abs(fine[-1, 2] - coarse[-1, 2]), "pC/m", every)
        inner = (fine @ track.along)[middle] - 0.5 * (fine @ track.along)[-1]
        rough = np.interp(0.5, track.s[::2], coarse @ track.along) - 0.5 * (coarse @ track.along)[-1]
        size = _quantity(abs(inner), abs(inner - rough), "pC/m", every)
        found |= declared.SPONTANEOUS_BORN[kind].of(spontaneous) | declared.PARALLEL_SP_BORN[kind].of(size)
        perp, par = track.layer_born[:, 2] @ track.along, track.layer_born @ track.along @ track.along
        found |= declared.BORN_PERP_SP[kind].of(_quantity(perp[middle], noise(perp, 1), "e", MIRROR))
        found |= declared.BORN_PARALLEL_AB[kind].of(
            _quantity(0.5 * (par[0] - par[-1]), noise(par, -1) / math.sqrt(2), "e", MIRROR)
        )
    return found


def _arrays(track: Track, sheet: float) -> dict[str, np.ndarray]:
    arrays = {"energy": track.energy, "distance": track.distance, "positions": track.positions}
    if track.dipole is not None:
        arrays |= {"dipole": track.dipole, "polarization": PC_PER_M / sheet * track.dipole}
    if track.born is not None:
        moved = PC_PER_M / sheet * integrate(track.balanced_born, track.positions, track.s)
        arrays |= {"born": track.born, "layer_born": track.layer_born, "polarization_born": moved}
    return arrays


def _remarks(track: Track) -> list[str]:
    if not np.isfinite(track.energy).all():
        return []
    notes = []
    highest = int(np.argmax(track.energy))
    if highest in (0, len(track.s) - 1):
        notes.append(f"{track.kind} path: AB is no minimum of it, the barrier is negative")
    elif highest != len(track.s) // 2:
        notes.append(f"{track.kind} path: its highest point, s = {track.s[highest]:.3f}, is not SP")
    return notes


def _of_map(measurement: Measurement, landscape: Landscape, track: Track | None, sheet: float) -> None:
    grid, energy, kind = landscape.grid, landscape.energy, landscape.kind
    half_width = math.sqrt(2) * 1e3 * noise(track.energy, 1) if track is not None else None
    method = "highest less lowest registry of the map" + (
        f", {MIRROR}" if track is not None else "; no noise to judge it by"
    )
    span = 1e3 * (np.nanmax(energy) - np.nanmin(energy)) if np.isfinite(energy).any() else math.nan
    for observable, share in ((declared.CORRUGATION_PER_CELL, 1), (declared.CORRUGATION_PER_UNIT, UNITS)):
        quantity = _quantity(span / share, half_width and half_width / share, "meV", method)
        measurement.observables |= observable[kind].of(quantity)
    measurement.arrays["map_energy"] = grid.energies(energy)
    heights = landscape.positions[..., 2]
    distance = heights[:, UPPER].mean(axis=1) - heights[:, LOWER].mean(axis=1)
    measurement.arrays["map_distance"] = grid.energies(distance)
    if kind == "relaxed":
        increase = float(np.ptp(distance[np.isfinite(distance)])) if np.isfinite(distance).any() else math.nan
        measurement.observables |= declared.DISTANCE_INCREASE.of(
            Quantity(increase, "A", method="largest less smallest distance of the map")
        )
    if landscape.dipole is not None:
        measurement.arrays["map_polarization"] = PC_PER_M / sheet * grid.polarizations(landscape.dipole)
    measurement.checks += checks.of_map(landscape, track is None, sheet)


def _quantity(value: float, half_width: float | None, unit: str, method: str) -> Quantity:
    if half_width is None or not (math.isfinite(half_width) and math.isfinite(value)):
        return Quantity(float(value), unit, method=method)
    half_width = max(half_width, LEFT * abs(value))
    return Quantity(float(value), unit, (value - half_width, value + half_width), "numerical", method=method)


def _frame(cell: Atoms, positions: np.ndarray) -> Atoms:
    atoms = cell.copy()
    atoms.positions = positions
    return atoms
