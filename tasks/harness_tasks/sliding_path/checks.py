"""Checks of a sliding path, each with the reason of its tolerance."""

from __future__ import annotations

import numpy as np

from harness.contracts.measurement import Check
from harness.units import PC_PER_M
from harness_tasks.sliding_path.track import Track, integrate

#: Smallest tolerances: noise of plane-wave grids, and of Wannier centres in the plane (4e-4 e Å are 0.12 pC/m).
ENERGY, ACROSS, ALONG = 0.1, 0.02, 0.15  # meV per cell, pC/m, pC/m


def lost_check(what: str, lost: int, n: int) -> Check:
    """Whether the layers held together at all `n` registries of the path or map `what`."""
    reason = f"of {n} registries, those where the layers came apart or collapsed, or the energy is not finite"
    return Check(f"{what}_lost", float(lost), 0.0, "1", reason)


def unconverged_check(what: str, unfinished: int, n: int) -> Check:
    """Whether all `n` relaxations of the path or map `what` converged."""
    reason = f"of {n} relaxations, those with forces above task.params.fmax after task.params.max_steps"
    return Check(f"{what}_not_converged", float(unfinished), 0.0, "1", reason)


def of_track(track: Track, sheet: float) -> list[Check]:
    """Symmetry of energy and polarization, and Born charges against dipoles."""
    found: list[Check] = []
    if not np.isfinite(track.energy).all():
        return found
    prefix = "" if track.kind == "relaxed" else f"{track.kind}_"
    energy, middle = 1e3 * (track.energy - track.energy[0]), len(track.s) // 2
    tolerance = max(ENERGY, 0.02 * abs(energy[middle]))
    found.append(
        Check(
            f"{prefix}energy_of_BA_and_AB",
            float(energy[-1]),
            tolerance,
            "meV",
            "mirror images; 0.1 meV a cell is left to plane-wave grids, or 2 % of the barrier",
        )
    )
    found.append(
        Check(
            f"{prefix}barrier_at_SP",
            _summit(track) * track.length,
            0.03,
            "A",
            "SP maps onto itself, so the path is stationary there: top of the parabola through SP and its neighbours; "
            "a noise of 0.1 meV moves it by 0.01 Å",
        )
    )
    unit = PC_PER_M / sheet
    if track.dipole is not None:
        across = unit * track.dipole[:, 2]
        spontaneous = 0.5 * abs(across[-1] - across[0])
        limit = max(ACROSS, 0.02 * spontaneous)
        reason = "AB and BA are mirror images, SP its own: 2 %, or 0.02 pC/m for grids in DFT"
        parts = {"polarization_odd": across[0] + across[-1], "no_polarization_across_at_SP": across[middle]}
        found += [
            Check(prefix + name, float(value), limit, "pC/m", reason, "polarization") for name, value in parts.items()
        ]
    if track.born is not None:
        rule = float(np.abs(track.born.sum(axis=1)).max()) / track.born.shape[1]
        reason = "largest |Σ Z| per atom; the sum over a layer at SP is of order 0.01 e"
        found.append(Check(f"{prefix}acoustic_sum_rule", rule, 0.01, "e", reason, "polarization"))
    if track.born is not None and track.dipole is not None:
        found += _born_against_dipoles(track, track.dipole, unit, prefix)
    return found


def _born_against_dipoles(track: Track, dipole: np.ndarray, unit: float, prefix: str) -> list[Check]:
    moved = unit * integrate(track.balanced_born, track.positions, track.s)
    dipoles = unit * (dipole - dipole[0])
    found = []
    for name, axis, floor in (("across", np.array([0.0, 0.0, 1.0]), ACROSS), ("along", track.along, ALONG)):
        pair = np.array([moved @ axis, dipoles @ axis])
        if name == "along":  # AB and BA have none: what is left at the end is a drift
            pair -= track.s * pair[:, -1:]
        apart, size = pair[0] - pair[1], float(np.ptp(pair[1]))
        worst = float(apart[np.argmax(np.abs(apart))])
        reason = "∫ Σ Z·du against the change of the dipole, worst point: 5 % of its range, or the noise of DFT dipoles"
        name, tolerance = f"{prefix}born_charges_give_the_dipole_{name}", max(floor, 0.05 * size)
        found.append(Check(name, worst, tolerance, "pC/m", reason, "polarization"))
    return found


def _summit(track: Track) -> float:
    """Fraction of the path between SP and the stationary point of the parabola through SP and its neighbours."""
    middle = len(track.s) // 2
    before, here, after = track.energy[middle - 1 : middle + 2]
    bend, slope = before - 2 * here + after, 0.5 * (after - before)
    return -float(slope / bend * (track.s[1] - track.s[0])) if bend else 0.0
