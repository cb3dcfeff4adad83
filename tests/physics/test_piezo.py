"""The task `piezo` with polarization models whose coefficients are known in closed form."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.neighborlist import neighbor_list
from harness_tasks.mechanics.virial import tensor
from harness_tasks.oracles.plate import PlatePolarization, PlatePotential
from harness_tasks.piezo.task import Piezo
from harness_tasks.polarization.sheet_dipole import improper, proper

from harness.contracts.material import Material
from harness.contracts.measurement import Measurement
from harness.errors import UnsupportedError
from harness.execution.execute import check_capabilities
from harness.testing.trial import MemoryCheckpoint, TrialContext, measure
from harness.units import PC_PER_M
from tests.support.checkpoints import FragileCheckpoint, Killed

BOND, STRETCH, STIFF = 1.45, 30.0, 1.0
PLATE = PlatePotential(BOND, STRETCH, STIFF)
MONOLAYER = {"name": "plate", "symbols": ["B", "N"], "layers": 1, "a": BOND * 3**0.5, "vacuum": 25.0}
AREA = 1.5 * 3**0.5 * BOND**2
NC = PC_PER_M / 1000
#: u_N - u_B per ε_yy: -(3/4) k b / (3k/2 + 18c), since the bond from B to N points along +y.
INTERNAL = -0.75 * STRETCH * BOND / (1.5 * STRETCH + 18 * STIFF)
MOMENT, HEIGHT, CHARGE = 0.03, 0.4, 0.7


class Bonds:
    """Each bond from B to N carries the dipole m |r| r; besides, B has the charge q along z.

    Then Σ over three bonds of b n + δ with δ = b ε n + u is, to first order, (3/4) m b² ε_yy + (9/2) m b u along y.
    """

    name = "bonds"
    implemented_properties: Sequence[str] = ("dipole", "born_effective_charges")
    elements: frozenset[str] | None = None

    def calculate(self, atoms: Atoms, properties: Sequence[str], field: Any = (0, 0, 0)) -> dict[str, np.ndarray]:
        i, j, d = neighbor_list("ijD", atoms, 1.25 * BOND)
        length = np.linalg.norm(d, axis=1)[:, None]
        chosen = atoms.numbers[i] == 5
        values = {"dipole": MOMENT * (length * d)[chosen].sum(axis=0)}
        charge = CHARGE * np.where(atoms.numbers == 5, 1.0, -1.0)
        values["dipole"][2] += charge @ atoms.positions[:, 2]
        slope = MOMENT * (length[:, :, None] * np.eye(3) + d[:, :, None] * d[:, None, :] / length[:, :, None])
        born = np.zeros((len(atoms), 3, 3))
        np.add.at(born, j[chosen], slope[chosen])
        np.add.at(born, i[chosen], -slope[chosen])
        born[:, 2, 2] += charge
        values["born_effective_charges"] = born
        return {name: values[name] for name in properties}

    def provenance(self) -> dict[str, Any]:
        return {"form": "bond dipoles"}


def piezo(
    polarization: Any,
    potential: Any = PLATE,
    material: Mapping[str, Any] = MONOLAYER,
    checkpoint: MemoryCheckpoint | None = None,
    **params: Any,
) -> Measurement:
    return measure(Piezo(), potential, polarization, material=material, checkpoint=checkpoint, **params)


def value(measurement: Measurement, name: str) -> float:
    return float(measurement.observables[name].value)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def bonds() -> Measurement:
    return piezo(Bonds())


def test_clamped_and_relaxed_closed_forms(bonds: Measurement) -> None:
    clamped = 0.75 * MOMENT * BOND**2 / AREA * NC
    assert value(bonds, "e_yyy_clamped") == pytest.approx(clamped, rel=1e-3)
    assert value(bonds, "e_yyy") == pytest.approx(clamped + 4.5 * MOMENT * BOND * INTERNAL / AREA * NC, rel=1e-3)


def test_born_charges_give_the_ions_part_without_a_strained_dipole(bonds: Measurement) -> None:
    expected = 4.5 * MOMENT * BOND * INTERNAL / AREA * NC
    assert value(bonds, "e_yyy_ions_born") == pytest.approx(expected, rel=1e-4)
    assert value(bonds, "e_yyy_ions") == pytest.approx(expected, rel=2e-3)
    assert value(bonds, "e_yyy_from_born") == pytest.approx(value(bonds, "e_yyy"), rel=2e-3)


def test_fixed_charges_have_no_clamped_coefficient_and_a_known_relaxed_one() -> None:
    """Charges shared along bonds: whatever image of an atom the cell holds, only its own motion counts."""
    found = piezo(PlatePolarization(dipole=0.0, charge=CHARGE))  # B carries +q
    assert value(found, "e_yyy_clamped") == pytest.approx(0, abs=1e-9)
    assert value(found, "e_yyy") == pytest.approx(-CHARGE * INTERNAL / AREA * NC, rel=1e-3)
    assert value(found, "e_yyy_dipoles") == pytest.approx(0, abs=1e-9)
    assert any("born_effective_charges" in note for note in found.notes)


def test_the_image_of_an_atom_does_not_matter() -> None:
    """The same sheet with N one cell further: the in-plane dipole Σ q r differs, the coefficient does not."""

    class Elsewhere(Piezo):
        def structure(self, material: Material, params: Any) -> Atoms:
            atoms = super().structure(material, params)
            atoms.positions[1] -= atoms.cell[1]
            return atoms

    model = PlatePolarization(dipole=0.05, charge=CHARGE)
    here, there = (measure(task(), PLATE, model, material=MONOLAYER) for task in (Piezo, Elsewhere))
    assert value(there, "e_yyy") == pytest.approx(value(here, "e_yyy"), rel=1e-6)


def test_symmetry_zeros_and_the_threefold_axis(bonds: Measurement) -> None:
    names = ["sheet_lost", "relaxed", "born_e_yyy", "zero_e_zyy", "born_e_zyy", "threefold_e_yxx", "threefold_e_zxx"]
    assert {check.name: check.passed for check in bonds.checks} == dict.fromkeys(names, True)
    assert value(bonds, "e_yxx") == pytest.approx(-value(bonds, "e_yyy"), rel=0.01)
    assert value(bonds, "e_zyy") == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("stacking", "zeros"), [("AA", {"e_zyy", "e_zzz"}), ("AA'", {"e_yyy", "e_zyy", "e_zzz"}), ("AB", set())]
)
def test_zeros_are_asked_of_the_stackings_where_they_must_vanish(stacking: str, zeros: set[str]) -> None:
    material = MONOLAYER | {"layers": 2, "stacking": stacking, "distance": 3.35}
    found = piezo(Bonds(), PlatePotential(BOND, STRETCH, STIFF, coupling=0.05, reach=3.7), material, strains=(0.005,))
    checks = {check.name.removeprefix("zero_"): check for check in found.checks if check.name.startswith("zero_")}
    assert set(checks) == zeros
    assert all(check.passed for check in checks.values())
    if stacking == "AA'":
        assert value(found, "e_yyy") == pytest.approx(0, abs=1e-8)
    if stacking == "AA":
        assert value(found, "e_yyy_clamped") == pytest.approx(2 * 0.75 * MOMENT * BOND**2 / AREA * NC, rel=1e-2)


class Skew(Bonds):
    """Wrong on purpose: a dipole along z that grows with the area."""

    def calculate(self, atoms: Atoms, properties: Sequence[str], field: Any = (0, 0, 0)) -> dict[str, np.ndarray]:
        values = super().calculate(atoms, properties, field)
        if "dipole" in values:
            values["dipole"][2] += 0.01 * atoms.cell[0, 0] * atoms.cell[1, 1]
        return values


def test_a_forbidden_coefficient_fails_the_check() -> None:
    checks = {check.name: check for check in piezo(Skew(), strains=(0.005,)).checks}
    assert not checks["zero_e_zyy"].passed


def test_wrong_born_charges_fail_the_check() -> None:
    class Halved(Bonds):
        def calculate(self, atoms: Atoms, properties: Sequence[str], field: Any = (0, 0, 0)) -> dict[str, np.ndarray]:
            values = super().calculate(atoms, properties, field)
            return {name: v / 2 if name == "born_effective_charges" else v for name, v in values.items()}

    checks = {check.name: check for check in piezo(Halved(), strains=(0.005,)).checks}
    assert not checks["born_e_yyy"].passed


def test_proper_leaves_out_what_strain_alone_does() -> None:
    """A fixed surface dipole of moment D: P_z falls with the area, its proper slope is zero; fixed charges likewise."""
    size = 1e-6
    yy, zz = (tensor(row) for row in ([0, size, 0, 0, 0, 0], [0, 0, size, 0, 0, 0]))
    fixed = np.array([0.0, 0.0, 0.3])
    assert (improper(fixed, 1 + size) - improper(fixed, 1))[2] / size == pytest.approx(-0.3, rel=1e-5)
    assert (proper(fixed, yy, 1) - proper(fixed, 0 * yy, 1))[2] == pytest.approx(0, abs=1e-12)
    stretched = np.array([0.0, 0.0, 0.3 * (1 + size)])  # charges that follow the height
    assert (proper(stretched, zz, 1) - proper(fixed, 0 * zz, 1))[2] / size == pytest.approx(0, abs=1e-6)
    assert (improper(stretched, 1) - improper(fixed, 1))[2] / size == pytest.approx(0.3, rel=1e-5)
    quantum = np.array([0.0, 1.7, 0.0])  # another branch of the in-plane dipole moves with the lattice
    moved = quantum * (1 + size)
    assert (proper(moved, yy, 1) - proper(quantum, 0 * yy, 1))[1] / size == pytest.approx(0, abs=1e-6)


def test_every_value_has_a_unit_and_an_interval(bonds: Measurement) -> None:
    for name, quantity in bonds.observables.items():
        assert quantity.unit, name
        if name.startswith("e_"):
            assert quantity.interval is not None, name
            assert quantity.method, name


@pytest.mark.parametrize("stop_after", [3, 9, 20])
def test_a_killed_run_goes_on_to_the_same_numbers(bonds: Measurement, stop_after: int) -> None:
    killed = FragileCheckpoint(stop_after)
    with pytest.raises(Killed):
        piezo(Bonds(), checkpoint=killed, lost_at_most=0)
    context = TrialContext(Piezo(), PLATE, Bonds(), MONOLAYER, Piezo.Params(), checkpoint=killed)
    resumed = Piezo().measure(context)
    for name, quantity in bonds.observables.items():
        assert value(resumed, name) == pytest.approx(float(quantity.value), rel=1e-9, abs=1e-12), name  # type: ignore[arg-type]
    assert context.bar.done == context.bar.total


def test_without_a_dipole_it_is_unsupported_and_says_who_has_one() -> None:
    with pytest.raises(UnsupportedError, match="charge_dipole") as error:
        check_capabilities("piezo", Piezo.requires, PLATE, None)
    assert error.value.missing == ["dipole"]


def test_the_tension_of_a_large_sheet_also_gives_polarization() -> None:
    found = piezo(
        PlatePolarization(0.05, 0.3), method="dynamics", length=30.0, width=2.5, step=0.05, max_strain=0.004,
        relaxation_steps=40, sample_every=20, temperature=0.01, strains=(0.005,),
    )  # fmt: skip
    assert math.isfinite(value(found, "e_yyy_edges"))
    assert found.arrays["edges_polarization"].shape == (6, 3)
    assert value(found, "e_zyy_edges") == pytest.approx(0, abs=1e-3)
