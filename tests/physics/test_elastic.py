"""The task `elastic` on spring honeycombs whose constants are known with clamped and with relaxed ions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from harness_tasks.elastic.task import Elastic
from harness_tasks.mechanics.force_constants import plan
from harness_tasks.oracles.plate import PlatePotential

from harness.contracts.measurement import Measurement
from harness.materials.symmetry import allowed, has_threefold_axis, operations
from harness.registry.lookup import build_material
from harness.testing.trial import MemoryCheckpoint, TrialContext, measure
from harness.units import N_PER_M
from tests.support.checkpoints import FragileCheckpoint, Killed

BOND, STRETCH, STIFF = 1.45, 30.0, 1.0
PLATE = PlatePotential(BOND, STRETCH, STIFF)
MONOLAYER = {"name": "plate", "symbols": ["B", "N"], "layers": 1, "a": 1.003 * BOND * 3**0.5, "vacuum": 25.0}
BILAYER = MONOLAYER | {"layers": 2, "stacking": "AA", "distance": 3.35}
SPRING = 0.1
COUPLED = PlatePotential(BOND, STRETCH, STIFF, coupling=SPRING, reach=3.5)

# ½ k Σ (n·δ)² over three bonds with δ = b ε n + u, and the Laplacian's 9 c u² a cell: see docs/tasks/elastic.md.
CLAMPED = {"C11": math.sqrt(3) / 4 * STRETCH, "C12": math.sqrt(3) / 12 * STRETCH, "C66": math.sqrt(3) / 12 * STRETCH}
SOFTER = math.sqrt(3) / 8 * STRETCH**2 / (1.5 * STRETCH + 18 * STIFF)
RELAXED = {"C11": CLAMPED["C11"] - SOFTER, "C12": CLAMPED["C12"] + SOFTER, "C66": CLAMPED["C66"] - SOFTER}


def elastic(
    potential: Any = PLATE,
    material: Mapping[str, Any] = MONOLAYER,
    checkpoint: MemoryCheckpoint | None = None,
    **params: Any,
) -> Measurement:
    return measure(Elastic(), potential, None, material=material, checkpoint=checkpoint, **params)


def value(measurement: Measurement, name: str) -> float:
    return float(measurement.observables[name].value)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def monolayer() -> Measurement:
    return elastic()


@pytest.fixture(scope="module")
def bilayer() -> Measurement:
    return elastic(COUPLED, BILAYER)


@pytest.mark.parametrize("name", ["C11", "C12", "C66"])
def test_closed_forms_with_clamped_and_relaxed_ions(monolayer: Measurement, name: str) -> None:
    assert value(monolayer, f"{name}_clamped") == pytest.approx(CLAMPED[name] * N_PER_M, rel=1e-3)
    assert value(monolayer, name) == pytest.approx(RELAXED[name] * N_PER_M, rel=1e-3)


def test_young_and_poisson_by_formula_and_on_a_sheet_that_contracts(monolayer: Measurement) -> None:
    young = (RELAXED["C11"] ** 2 - RELAXED["C12"] ** 2) / RELAXED["C11"] * N_PER_M
    for name in ("Y_2D", "Y_2D_direct"):
        assert value(monolayer, name) == pytest.approx(young, rel=2e-3)
    for name in ("nu", "nu_direct"):
        assert value(monolayer, name) == pytest.approx(RELAXED["C12"] / RELAXED["C11"], rel=2e-3)


def test_bonds_alone_do_not_resist_shear_once_ions_relax() -> None:
    floppy = elastic(PlatePotential(BOND, STRETCH, bending=1e-6), free_width=False)
    assert value(floppy, "C66_clamped") == pytest.approx(CLAMPED["C66"] * N_PER_M, rel=1e-3)
    assert abs(value(floppy, "C66")) < 1e-3 * value(floppy, "C66_clamped")


def test_an_unstable_sheet_is_named() -> None:
    """A Laplacian that favours the shift of the sublattices: K = 3k/2 + 18c falls below where C66 is zero."""
    unstable = elastic(PlatePotential(BOND, STRETCH, bending=-0.5), free_width=False, strains=(0.005,))
    assert value(unstable, "C66") < 0
    assert any("unstable in its plane" in note for note in unstable.notes)


def test_springs_between_layers_are_the_vertical_constant(bilayer: Measurement) -> None:
    """Two springs a cell, as stiff with clamped as with relaxed ions; in the plane the layers only add."""
    expected = 3.35 * 2 * SPRING / (1.5 * 3**0.5 * BOND**2) * 160.2176634
    for name in ("E_zzzz", "E_zzzz_clamped"):
        assert value(bilayer, name) == pytest.approx(expected, rel=1e-3)
    assert value(bilayer, "E_yyzz") == pytest.approx(0, abs=1e-6)
    assert value(bilayer, "thickness") == pytest.approx(3.35)
    assert value(bilayer, "C11") == pytest.approx(2 * RELAXED["C11"] * N_PER_M, rel=1e-3)


@pytest.mark.parametrize("layers", [3, 4])
def test_springs_in_series_are_as_stiff_as_one_over_their_number(layers: int) -> None:
    stack = elastic(COUPLED, BILAYER | {"layers": layers, "vacuum": 30.0}, strains=(0.005,), free_width=False)
    expected = 3.35 * 2 * SPRING / (1.5 * 3**0.5 * BOND**2) * 160.2176634
    assert value(stack, "E_zzzz") == pytest.approx(expected, rel=1e-3)
    assert value(stack, "thickness") == pytest.approx((layers - 1) * 3.35)


def test_gigapascal_in_the_plane_need_a_stated_thickness(monolayer: Measurement) -> None:
    assert not [name for name, q in monolayer.observables.items() if q.unit == "GPa"]
    thick = elastic(COUPLED, BILAYER, thickness=6.7, free_width=False, strains=(0.005,))
    assert value(thick, "C11_volumetric") == pytest.approx(value(thick, "C11") * 10 / 6.7)
    assert value(thick, "E_zzzz") == pytest.approx(2 * SPRING / (1.5 * 3**0.5 * BOND**2) * 6.7 * 160.2176634, rel=1e-3)


class Stressless(PlatePotential):
    implemented_properties: Sequence[str] = ("energy", "forces")


class Wrong(PlatePotential):
    """Its stress is 10 % too large."""

    def calculator(self, device: str = "cpu", dtype: str = "float64") -> Any:
        calculator = super().calculator(device, dtype)
        calculate = calculator.calculate

        def wrong(atoms: Atoms | None = None, *args: Any) -> None:
            calculate(atoms, *args)
            calculator.results["stress"] = 1.1 * calculator.results["stress"]

        calculator.calculate = wrong
        return calculator


@pytest.mark.parametrize(
    ("potential", "words", "failed"),
    [(Stressless(), "offers no stress", []), (Wrong(), "its stress is not usable", ["stress_usable"])],
)
def test_without_a_stress_to_trust_energies_give_the_same(
    monolayer: Measurement, potential: PlatePotential, words: str, failed: list[str]
) -> None:
    found = elastic(potential)
    for name in ("C11", "C12", "C66", "C66_clamped", "Y_2D_direct"):
        assert value(found, name) == pytest.approx(value(monolayer, name), rel=1e-3)
    assert any(words in note for note in found.notes)
    assert [check.name for check in found.checks if not check.passed] == failed


def test_own_checks_pass_and_say_why(monolayer: Measurement, bilayer: Measurement) -> None:
    names = {"internal_strain", "stress_and_energy", "relaxed", "stress_free", "isotropic", "free_width"}
    assert names <= {check.name for check in monolayer.checks}
    assert "vertical_coupling" in {check.name for check in bilayer.checks}
    for measurement in (monolayer, bilayer):
        assert all(check.reason for check in measurement.checks)
        assert [check.name for check in measurement.checks if not check.passed] == []


def test_the_checks_can_fail() -> None:
    """So careless a relaxation that neither the cell nor the ions move."""
    failed = {check.name for check in elastic(fmax=10.0).checks if not check.passed}
    assert failed >= {"internal_strain", "stress_free"}


def test_every_value_has_a_unit_and_every_slope_an_interval(monolayer: Measurement, bilayer: Measurement) -> None:
    single = elastic(strains=(0.005,), free_width=False)
    for measurement in (monolayer, bilayer, single):
        for name, quantity in measurement.observables.items():
            assert quantity.unit
            if name.startswith(("C", "Y", "nu", "E")):
                assert quantity.interval is not None, name
                assert quantity.interval[0] <= float(quantity.value) <= quantity.interval[1]  # type: ignore[arg-type]
                assert "interval" in quantity.method or "bootstrap" in quantity.method


class Primed(PlatePotential):
    """Its springs have the lengths of the flat stack, not of whatever structure a resumed run begins with."""

    def calculator(self, device: str = "cpu", dtype: str = "float64") -> Any:
        calculator = super().calculator(device, dtype)
        calculator.get_property("energy", build_material(BILAYER).atoms)
        return calculator


@pytest.mark.parametrize("stop_after", [2, 5, 12, 25])
def test_a_killed_run_goes_on_to_the_same_numbers(stop_after: int) -> None:
    primed = Primed(BOND, STRETCH, STIFF, coupling=SPRING, reach=3.5)
    killed = FragileCheckpoint(stop_after)
    contexts = [
        TrialContext(
            Elastic(), primed, None, BILAYER, Elastic.Params(strains=(0.005,)), checkpoint=checkpoint, lost_at_most=0
        )
        for checkpoint in (MemoryCheckpoint(), killed, killed)
    ]
    whole = Elastic().measure(contexts[0])
    with pytest.raises(Killed):
        Elastic().measure(contexts[1])
    resumed = Elastic().measure(contexts[2])
    for name, quantity in whole.observables.items():
        assert value(resumed, name) == pytest.approx(float(quantity.value), rel=1e-9, abs=1e-12), name  # type: ignore[arg-type]
    assert contexts[2].bar.done == contexts[2].bar.total
    calls = [context.engine.force_calls for context in contexts]
    assert calls[2] < calls[0] <= calls[1] + calls[2] < calls[0] + 3  # no finished point is evaluated again


class Exploding(PlatePotential):
    def calculator(self, device: str = "cpu", dtype: str = "float64") -> Any:
        calculator = super().calculator(device, dtype)
        calculate = calculator.calculate

        def broken(atoms: Atoms | None = None, *args: Any) -> None:
            calculate(atoms, *args)
            calculator.results["forces"] = np.full_like(calculator.results["forces"], math.nan)

        calculator.calculate = broken
        return calculator


def test_a_sheet_that_does_not_hold_is_a_result() -> None:
    found = elastic(Exploding())
    assert math.isnan(value(found, "C11"))
    (check,) = found.checks
    assert not check.passed and "not finite" in check.reason


def test_a_sheet_that_relaxes_to_another_structure_says_so(monolayer: Measurement) -> None:
    far = elastic(material=MONOLAYER | {"a": 1.08 * BOND * 3**0.5}, strains=(0.005,), free_width=False)
    assert any("at rest the lattice constant is 2.51" in note for note in far.notes)
    assert not any("at rest" in note for note in monolayer.notes)


@pytest.mark.parametrize(("edge_width", "name"), [("held", "C11"), ("free", "Y_2D")])
def test_the_published_tension_of_a_large_sheet_gives_the_static_modulus(edge_width: str, name: str) -> None:
    """Next to the held edges ions cannot relax in full, which stiffens a sheet of 25 Å by some per cent."""
    found = elastic(
        method="dynamics",
        edge_width=edge_width,
        length=30.0,
        width=2.5,
        step=0.025,
        max_strain=0.0035,
        relaxation_steps=240,
        sample_every=10,
        temperature=0.01,
        strains=(0.005,),
        free_width=False,
    )
    assert 0.99 < value(found, "E_edges") / value(found, name) < 1.1
    assert found.observables["E_edges"].interval is not None
    assert len(found.arrays["edges_load"]) == 5 * 24


@pytest.mark.parametrize(
    ("stacking", "layers", "order", "calls"),
    [("AA", 1, 12, 2), ("AA", 2, 12, 6), ("AA'", 2, 12, 6), ("AB", 2, 6, 9), ("SP", 2, 4, 8)],
)
def test_symmetry_leaves_few_displacements(stacking: str, layers: int, order: int, calls: int) -> None:
    atoms = build_material(BILAYER | {"stacking": stacking, "layers": layers}).atoms
    group = operations(atoms)
    assert len(group) == order
    assert sum(2 if both else 1 for _, _, both in plan(atoms, group)) == calls
    assert has_threefold_axis(group) == (stacking != "SP")


@pytest.mark.parametrize(
    ("stacking", "layers", "yyy", "zyy", "zzz"),
    [("AA", 1, True, False, False), ("AA", 2, True, False, False), ("AA'", 2, False, False, False),
     ("AB", 2, True, True, True), ("BA", 2, True, True, True)],
)  # fmt: skip
def test_symmetry_knows_which_stackings_are_piezoelectric(
    stacking: str, layers: int, yyy: bool, zyy: bool, zzz: bool
) -> None:
    group = operations(build_material(BILAYER | {"stacking": stacking, "layers": layers}).atoms)
    assert (allowed(group, 1, 1, 1), allowed(group, 2, 1, 1), allowed(group, 2, 2, 2)) == (yyy, zyy, zzz)
    assert not allowed(group, 0, 1, 1)
