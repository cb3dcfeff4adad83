"""The potential above a sheet against closed forms and sums over point charges, and through the task `moire_relax`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from harness_tasks.moire.cells import twisted
from harness_tasks.moire_relax.task import MoireRelax
from harness_tasks.oracles.cosine import CosinePotential
from harness_tasks.polarization.surface_potential import surface_potential

from harness.registry.lookup import build_material
from harness.testing.trial import MemoryCheckpoint, measure
from harness.units import COULOMB, PC_PER_M

MATERIAL = build_material({
    "name": "bn_bilayer", "symbols": ["B", "N"], "layers": 2, "stacking": "AB",
    "a": 2.511, "distance": 3.35, "vacuum": 25.0,
})  # fmt: skip
SIZE = 1e-3  # e, of a charge


def waves(atoms: Atoms) -> np.ndarray:
    """The shortest reciprocal vectors of a moiré, three of them at 120°, (3, 2)."""
    g = 2 * np.pi * np.linalg.inv(atoms.cell.array[:2, :2]).T
    return np.array([g[0], -g[0] - g[1], g[1]]) if g[0] @ g[1] < 0 else np.array([g[0], -g[1], g[1] - g[0]])


def polar(atoms: Atoms, layer: np.ndarray) -> np.ndarray:
    """Charges Σ sin g·r of three waves, of opposite sign on the layers."""
    phases = atoms.positions[:, :2] @ waves(atoms).T
    return SIZE * np.where(layer == 1, 1.0, -1.0) * np.sin(phases).sum(axis=1)


def expected(atoms: Atoms) -> float:
    """P_max of `polar` on flat layers: V = 2π k (n/A) (1 − e^(−g d))/g Σ sin g·r, whose range is 3√3."""
    area = np.linalg.det(atoms.cell.array[:2, :2])
    g, distance = float(np.linalg.norm(waves(atoms)[0])), float(np.ptp(atoms.positions[:, 2]))
    per_area = SIZE * len(atoms) / 2 / area
    return 3 * math.sqrt(3) * per_area * (1 - math.exp(-g * distance)) / (2 * g) * PC_PER_M


@pytest.mark.parametrize("n", [2, 5, 9])
def test_waves_of_charge_on_two_layers(n: int) -> None:
    moire = twisted(MATERIAL, n)
    above = surface_potential(moire.atoms, polar(moire.atoms, moire.layer), grid=96)
    assert above.largest_polarization == pytest.approx(expected(moire.atoms), rel=5e-3)
    assert above.height == moire.atoms.positions[:, 2].max()
    higher = surface_potential(moire.atoms, polar(moire.atoms, moire.layer), grid=96, clearance=2.0)
    g = float(np.linalg.norm(waves(moire.atoms)[0]))
    assert higher.largest_polarization / above.largest_polarization == pytest.approx(math.exp(-2 * g), rel=1e-6)


def test_wide_domains_show_their_polarization() -> None:
    """The range tends to that of P itself, in e/Å: charge per area times distance, over two since V is ±P/2ε₀."""
    shares = []
    for n in (5, 20):
        moire = twisted(MATERIAL, n)
        largest = 3 * math.sqrt(3) * SIZE * len(moire.atoms) / 2 / np.linalg.det(moire.plane) * 3.35 / 2 * PC_PER_M
        found = surface_potential(moire.atoms, polar(moire.atoms, moire.layer)).largest_polarization
        shares.append(found / largest)
    assert 0.5 < shares[0] < shares[1] < 1.0
    assert shares[1] > 0.85


def test_dipoles_are_pairs_of_charges() -> None:
    moire = twisted(MATERIAL, 3)
    rng = np.random.default_rng(0)
    dipoles, step = SIZE * rng.normal(size=(len(moire.atoms), 3)), 1e-4
    pairs = moire.atoms + moire.atoms
    size = np.linalg.norm(dipoles, axis=1)
    ends = 0.5 * step * dipoles / size[:, None]
    pairs.positions += np.concatenate([ends, -ends])
    charges = np.concatenate([size, -size]) / step
    top = float(moire.atoms.positions[:, 2].max())
    as_pairs = surface_potential(pairs[:], charges, clearance=1.0 + top - float(pairs.positions[:, 2].max()))
    as_dipoles = surface_potential(moire.atoms, None, dipoles, clearance=1.0)
    kept = np.fft.fft2(as_dipoles.values)  # twice the atoms keep shorter waves too
    known = np.abs(kept) > 1e-9 * np.abs(kept).max()
    assert np.fft.fft2(as_pairs.values)[known] == pytest.approx(kept[known], rel=1e-4, abs=1e-6 * np.abs(kept).max())


def test_against_a_sum_over_point_charges() -> None:
    """Differences of V high above three charges without a dipole in the plane, summed directly over many cells."""
    places = np.array([(0.0, 0.0, 0.0), (4.0, 1.0, 1.0), (-4.0, -1.0, 1.0)] + 100 * [(1.0, 1.0, 0.5)])
    cell = Atoms("B103", positions=places, cell=[12.0, 12.0, 30.0], pbc=(True, True, False))  # as dense as hBN
    charges = np.array([1.0, -0.5, -0.5] + 100 * [0.0])
    above = surface_potential(cell, charges, clearance=11.0, grid=48)
    steps = np.arange(-150, 151)
    shifts = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2) * 12.0
    shifts = shifts[np.linalg.norm(shifts, axis=1) < 150 * 12.0]

    def direct(i: int, j: int) -> float:
        point = np.array([12.0 * i / 48, 12.0 * j / 48])
        total = 0.0
        for position, charge in zip(places[:3], charges[:3], strict=True):
            apart = np.linalg.norm(shifts + position[:2] - point, axis=1)
            total += charge * float((1 / np.hypot(apart, above.height - position[2])).sum())
        return COULOMB * total

    spots = [(0, 0), (16, 4), (30, 30)]
    found = [above.values[spot] - above.values[0, 0] for spot in spots]
    assert found == pytest.approx([direct(*spot) - direct(0, 0) for spot in spots], abs=2e-4)


class PlantedCharges:
    """Charges that follow the rigid moiré whatever the structure does."""

    name = "planted"
    implemented_properties: Sequence[str] = ("charges",)
    elements = None
    asked = 0

    def calculate(self, atoms: Atoms, properties: Sequence[str], field: Sequence[float] = (0, 0, 0)) -> dict[str, Any]:
        type(self).asked += 1
        layer = (atoms.positions[:, 2] > atoms.positions[:, 2].mean()).astype(int)
        return {"charges": polar(atoms, layer)}

    def provenance(self) -> dict[str, Any]:
        return {}


def test_the_task_gives_the_polarization_of_each_angle() -> None:
    checkpoint, options = MemoryCheckpoint(), {"twists": (2, 3), "start": "rigid"}
    found = measure(
        MoireRelax(), CosinePotential(), PlantedCharges(), material=MATERIAL, checkpoint=checkpoint, **options
    )
    for n, name in ((2, "13.17deg"), (3, "9.43deg")):
        rigid = found.observables[f"P_max_rigid_{name}"]
        assert rigid.unit == "pC/m"
        assert rigid.value == pytest.approx(expected(twisted(MATERIAL, n).atoms), rel=5e-3)
        assert found.observables[f"P_max_{name}"].value == pytest.approx(rigid.value, rel=0.2)
        assert found.arrays[f"{name}|potential"].shape == (96, 96)
    assert found.observables["P_max"] == replace(found.observables["P_max_9.43deg"], labels={})
    assert found.observables["charge_ratio_9.43deg"].value == pytest.approx(1.0, rel=0.05)
    checks = [check for check in found.checks if check.name.startswith("threefold_potential")]
    assert len(checks) == 4 and all(check.passed for check in checks)
    before = PlantedCharges.asked
    again = measure(
        MoireRelax(), CosinePotential(), PlantedCharges(), material=MATERIAL, checkpoint=checkpoint, **options
    )
    assert PlantedCharges.asked == before  # finished points are kept
    assert again.observables["P_max"] == found.observables["P_max"]


def test_without_charges_there_is_no_potential() -> None:
    found = measure(MoireRelax(), CosinePotential(), material=MATERIAL, twists=(2,), start="rigid")
    assert not any(name.startswith("P_max") for name in found.observables)
