"""The task `bend` on plates whose bending stiffness and flexoelectric coefficient are known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from harness_tasks.bend.params import BendParams
from harness_tasks.bend.task import Bend
from harness_tasks.oracles.plate import PlatePolarization, PlatePotential

from harness.contracts.measurement import Measurement
from harness.errors import HarnessError
from harness.registry.lookup import build_material
from harness.testing.trial import MemoryCheckpoint, TrialContext, measure
from tests.support.checkpoints import FragileCheckpoint, Killed

MONOLAYER = {"name": "plate", "symbols": ["B", "N"], "layers": 1, "a": 1.45 * 3**0.5, "vacuum": 25.0}
BILAYER = MONOLAYER | {"layers": 2, "stacking": "AA", "distance": 3.35}
SHORT = {"length": 50.0, "steps": 5, "max_curvature": 0.009, "check_length": None, "check_steps": None}
PLATE = PlatePotential()
DIPOLE = 0.1
MU = DIPOLE / math.sqrt(3)  # per curvature and layer


def bend(
    potential: PlatePotential = PLATE,
    polarization: Any = None,
    material: Mapping[str, Any] = MONOLAYER,
    checkpoint: MemoryCheckpoint | None = None,
    **params: Any,
) -> Measurement:
    """Bend a short ribbon of the oracle."""
    polarization = polarization or PlatePolarization(DIPOLE)
    return measure(Bend(), potential, polarization, material=material, checkpoint=checkpoint, **SHORT | params)


def value(measurement: Measurement, name: str) -> float:
    return float(measurement.observables[name].value)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def monolayer() -> Measurement:
    """With charges, which must not disturb the local polarization, and with both comparison ribbons."""
    return bend(PLATE, PlatePolarization(DIPOLE, 0.3), check_length=40.0, check_steps=5)


@pytest.fixture(scope="module")
def bilayer() -> Measurement:
    return bend(
        PlatePotential(coupling=0.03, reach=3.9), PlatePolarization(DIPOLE), BILAYER, check_length=40.0, check_steps=5
    )


@pytest.mark.parametrize(
    "name", ["bending_stiffness", "bending_stiffness_from_load", "bending_stiffness_zero_curvature"]
)
def test_known_stiffness_is_recovered(monolayer: Measurement, name: str) -> None:
    """(√3/4) c b², from the energy and, independently, from the Euler load."""
    assert value(monolayer, name) == pytest.approx(math.sqrt(3) / 4 * 1.0 * 1.45**2, rel=0.03)


@pytest.mark.parametrize("bending", [0.5, 2.0])
def test_stiffness_follows_the_plates(bending: float) -> None:
    plate = PlatePotential(bending=bending)
    assert value(bend(plate), "bending_stiffness") == pytest.approx(plate.bending_stiffness, rel=0.03)


@pytest.mark.parametrize("name", ["mu_kappa_dipoles", "mu_kappa_full", "mu_kappa_full_lab", "mu_abs_kappa_full"])
def test_known_flexoelectric_coefficient_is_recovered(monolayer: Measurement, name: str) -> None:
    assert value(monolayer, name) == pytest.approx(MU, rel=0.02)


def test_definitions_of_the_gradient_differ_as_they_should(monolayer: Measurement) -> None:
    assert value(monolayer, "mu_half_kappa_full") == pytest.approx(2 * value(monolayer, "mu_kappa_full"))
    assert math.isnan(value(monolayer, "mu_green_full"))  # one flat layer: ∂u/∂z is not defined
    assert any("mu_green" in note for note in monolayer.notes)


def test_mean_curvature_gives_the_larger_stiffness(monolayer: Measurement) -> None:
    ratio = value(monolayer, "bending_stiffness_mean_curvature") / value(monolayer, "bending_stiffness")
    assert ratio == pytest.approx(math.pi**2 / 8, rel=0.01)


def test_critical_strain_is_eulers(monolayer: Measurement) -> None:
    span = float(monolayer.arrays["span"])
    modulus = value(monolayer, "sheet_modulus") / 16.02176634
    euler = 4 * math.pi**2 * PLATE.bending_stiffness / span**2 / modulus
    assert value(monolayer, "critical_strain") == pytest.approx(euler, rel=0.03)


def test_every_value_has_a_unit_and_every_fit_an_interval(monolayer: Measurement) -> None:
    for name, quantity in monolayer.observables.items():
        assert quantity.unit, name
        if name.startswith(("bending_stiffness", "mu_", "critical")) and math.isfinite(float(quantity.value)):  # type: ignore[arg-type]
            assert quantity.interval is not None and quantity.kind == "numerical", name
            assert quantity.interval[0] <= float(quantity.value) <= quantity.interval[1]  # type: ignore[arg-type]


def test_own_checks_pass_and_say_why(monolayer: Measurement, bilayer: Measurement) -> None:
    for measurement in (monolayer, bilayer):
        names = {check.name for check in measurement.checks}
        assert names >= {
            "energy_linear_in_curvature_squared",
            "polarization_odd_under_mirror",
            "step_size",
            "ribbon_length",
            "stiffness_from_load",
            "single_buckle",
            "relaxed",
        }
        assert all(check.reason for check in measurement.checks)
        assert [check.name for check in measurement.checks if not check.passed] == []


def test_coupled_layers_obey_the_sandwich_formula(bilayer: Measurement) -> None:
    """Springs between the layers: D between free sliding and bonding, predicted from modulus, distance and shear."""
    expected = 2 * PLATE.bending_stiffness + value(bilayer, "bending_stiffness_of_coupling")
    assert value(bilayer, "bending_stiffness") == pytest.approx(expected, rel=0.03)
    assert value(bilayer, "bending_stiffness_of_coupling") > PLATE.bending_stiffness
    shorter = value(bilayer, "bending_stiffness_ribbon_length")
    assert shorter < 0.95 * value(bilayer, "bending_stiffness")  # shorter waves slip more


def test_layers_add_their_flexoelectricity(bilayer: Measurement) -> None:
    assert value(bilayer, "mu_kappa_full") == pytest.approx(2 * MU, rel=0.02)


def test_atomic_strain_sees_the_slip_and_not_the_rotation(bilayer: Measurement) -> None:
    """2 ε_zy is the slip angle s/d, the share C q² / (C q² + 4k) of the slope."""
    shear = value(bilayer, "interlayer_shear_modulus") / 160.2176634 / value(bilayer, "layer_distance")
    stretch = value(bilayer, "sheet_modulus") / 16.02176634 * (2 * math.pi / float(bilayer.arrays["span"])) ** 2
    share = stretch / (stretch + 4 * shear)
    ratio = value(bilayer, "mu_half_kappa_full") / value(bilayer, "mu_green_full")
    assert ratio == pytest.approx(share, rel=0.05)


def test_down_is_the_mirror_image_of_up(monolayer: Measurement) -> None:
    down = bend(PLATE, PlatePolarization(DIPOLE, 0.3), direction="down")
    height = 12.5  # of the sheet in its cell
    assert monolayer.arrays["z"][-1].max() > height + 0.5
    assert down.arrays["z"][-1].min() < height - 0.5
    for name in ("bending_stiffness", "mu_kappa_full"):
        assert value(down, name) == pytest.approx(value(monolayer, name), rel=1e-3)


def test_held_edges_of_an_open_ribbon_give_the_same() -> None:
    opened = bend(PLATE, boundary="open", length=60.0)
    assert value(opened, "bending_stiffness") == pytest.approx(PLATE.bending_stiffness, rel=0.04)
    assert value(opened, "mu_kappa_dipoles") == pytest.approx(MU, rel=0.02)


def test_free_width_lets_the_ribbon_expand_and_buckle_later(monolayer: Measurement) -> None:
    free = bend(PLATE, lateral="free")
    assert value(free, "bending_stiffness") == pytest.approx(PLATE.bending_stiffness, rel=0.03)
    assert value(free, "critical_strain") > 1.02 * value(monolayer, "critical_strain")


def test_even_loads_give_the_same() -> None:
    even = bend(PLATE, step=0.03)
    assert np.diff(even.arrays["shortening"]) == pytest.approx(0.03)
    assert value(even, "bending_stiffness") == pytest.approx(PLATE.bending_stiffness, rel=0.03)


def test_width_does_not_matter_at_rest(monolayer: Measurement) -> None:
    wide = bend(PLATE, width=8.0)
    assert wide.arrays["held"].size == 3 * monolayer.arrays["held"].size
    assert value(wide, "bending_stiffness") == pytest.approx(value(monolayer, "bending_stiffness"), rel=1e-3)


@pytest.mark.parametrize("stop_after", [1, 4, 8])
def test_a_killed_run_goes_on_to_the_same_numbers(monolayer: Measurement, stop_after: int) -> None:
    checkpoint = FragileCheckpoint(stop_after)
    arguments = (PLATE, PlatePolarization(DIPOLE, 0.3), MONOLAYER, checkpoint)
    with pytest.raises(Killed):
        bend(*arguments, check_length=40.0, check_steps=5, lost_at_most=0)
    resumed = bend(*arguments, check_length=40.0, check_steps=5)
    assert resumed.observables.keys() == monolayer.observables.keys()
    for name, quantity in monolayer.observables.items():
        assert value(resumed, name) == pytest.approx(float(quantity.value), rel=1e-9, nan_ok=True), name  # type: ignore[arg-type]
    assert (resumed.arrays["force_calls"] == monolayer.arrays["force_calls"]).all()


def test_progress_adds_up() -> None:
    context = TrialContext(Bend(), PLATE, None, MONOLAYER, BendParams(**SHORT | {"check_length": 40.0}))  # type: ignore[arg-type]
    Bend().measure(context)
    assert context.bar.done == context.bar.total


def test_without_polarization_there_is_stiffness_and_a_note() -> None:
    measurement = measure(Bend(), PLATE, None, material=MONOLAYER, **SHORT)
    assert value(measurement, "bending_stiffness") == pytest.approx(PLATE.bending_stiffness, rel=0.03)
    assert not [name for name in measurement.observables if name.startswith(("mu_", "d_zzz"))]
    assert any("no polarization model" in note for note in measurement.notes)


class Brittle(PlatePotential):
    """Explodes once the sheet is bent by more than a height."""

    def calculator(self, device: str = "cpu", dtype: str = "float64") -> Any:
        calculator = super().calculator(device, dtype)
        calculate = calculator.calculate

        def breaking(atoms: Atoms | None = None, *args: Any) -> None:
            calculate(atoms, *args)
            assert atoms is not None
            if np.ptp(atoms.positions[:, 2]) > 1.2:
                calculator.results["energy"] = math.nan
                calculator.results["forces"] = np.full((len(atoms), 3), math.nan)

        calculator.calculate = breaking
        return calculator


def test_an_explosion_is_a_result() -> None:
    measurement = bend(Brittle())
    (ended,) = [check for check in measurement.checks if check.name == "loading_finished"]
    assert not ended.passed and "tore at" in ended.reason
    assert len(measurement.arrays["shortening"]) > 0
    assert np.isfinite(measurement.arrays["energy_per_area"]).all()


def test_a_ribbon_that_does_not_buckle_is_a_result() -> None:
    measurement = bend(PLATE, max_loads=2)
    assert "the ribbon did not buckle" in measurement.notes
    assert math.isnan(value(measurement, "bending_stiffness"))
    assert math.isnan(value(measurement, "mu_kappa_full"))
    assert {check.name: check.passed for check in measurement.checks} == dict.fromkeys(
        ("loading_finished", "loads_missing"), False
    )
    assert len(measurement.arrays["shortening"]) == 3


@pytest.mark.parametrize(("steps", "enough"), [(3, False), (5, True)])
def test_a_fit_through_few_loads_is_not_to_be_trusted(steps: int, enough: bool) -> None:
    (check,) = [check for check in bend(PLATE, steps=steps).checks if check.name == "loads_missing"]
    assert check.passed is enough and str(int(5 - check.value)) in check.reason


def test_a_check_says_which_model_it_is_about(monolayer: Measurement) -> None:
    about = {check.name: check.about for check in monolayer.checks}
    assert about.pop("polarization_odd_under_mirror") == "polarization"
    assert set(about.values()) == {"potential"}


def test_layers_that_would_rather_slip_soften_the_ribbon_or_say_so() -> None:
    from harness_tasks.bend.flat_sheet import Sheet

    eager = Sheet(Atoms(), 36.0, 3.35, -0.005)
    assert -10 < eager.coupling_stiffness(60.0) < eager.coupling_stiffness(40.0) < 0
    assert math.isnan(eager.coupling_stiffness(400.0))
    bonded = Sheet(Atoms(), 36.0, 3.35, 1e6)
    assert bonded.coupling_stiffness(60.0) == pytest.approx(36.0 * 3.35**2 / 4, rel=1e-4)


class Even(PlatePolarization):
    """Wrong on purpose: a dipole that a mirror does not turn round."""

    def calculate(self, *args: Any, **kwargs: Any) -> dict[str, np.ndarray]:
        results = super().calculate(*args, **kwargs)
        return {name: np.abs(array) + 1e-3 if name == "dipole" else array for name, array in results.items()}


def test_the_mirror_check_can_fail() -> None:
    checks = {check.name: check for check in bend(PLATE, Even()).checks}
    assert not checks["polarization_odd_under_mirror"].passed


def test_a_ribbon_too_short_to_bend_is_told() -> None:
    with pytest.raises(HarnessError, match="at least 30 Å"):
        Bend().structure(build_material(MONOLAYER), BendParams(length=12.0))


def test_free_width_without_stress_is_told() -> None:
    class Stressless(PlatePotential):
        implemented_properties = ("energy", "forces")

    with pytest.raises(HarnessError, match="lateral=held"):
        bend(Stressless(), lateral="free")
