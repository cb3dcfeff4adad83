"""The task `sliding` on a bilayer that is known in closed form, and on the stored DFT labels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from harness_tasks.oracles.cosine import CosinePolarization, CosinePotential
from harness_tasks.oracles.plate import PlatePotential
from harness_tasks.sliding.params import SlidingParams
from harness_tasks.sliding.task import Sliding
from harness_tasks.structures.bilayers import bilayer
from harness_tasks.structures.registries import AB, BA

from harness.contracts.measurement import Measurement
from harness.registry.lookup import build_material
from harness.testing.trial import TrialContext, measure
from tests.support.checkpoints import FragileCheckpoint, Killed

from .labels import LabelPolarization, Labels

MATERIAL = {
    "name": "bn_bilayer", "symbols": ["B", "N"], "layers": 2, "stacking": "AB",
    "a": 2.511, "distance": 3.35, "vacuum": 25.0,
}  # fmt: skip
ANTIPARALLEL = MATERIAL | {"stacking": "AA'"}
PC_PER_M = 1602.176634 / (math.sqrt(3) / 2 * 2.511**2)  # of e Å per cell
COSINE, POLAR = CosinePotential(), CosinePolarization()


def value(measurement: Measurement, name: str) -> float:
    return float(measurement.observables[name].value)  # type: ignore[arg-type]


def check(measurement: Measurement, name: str) -> Any:
    return {check.name: check for check in measurement.checks}[name]


@pytest.fixture(scope="module")
def quick() -> Measurement:
    return measure(Sliding(), COSINE, POLAR, material=MATERIAL)


@pytest.fixture(scope="module")
def labels() -> Measurement:
    """The five frames of the rigid path at 3.35 Å that have responses."""
    return measure(Sliding(), Labels(), LabelPolarization(), material=MATERIAL, grid=0, paths=("rigid",), path_points=5)


def test_known_landscape_is_recovered(quick: Measurement) -> None:
    ab, sp, aa = (COSINE.minimum(f) for f in (0.0, 1 / 9, 1.0))
    assert value(quick, "barrier_per_cell") == pytest.approx(1e3 * (sp[1] - ab[1]), rel=1e-4)
    assert value(quick, "barrier_per_formula_unit") == pytest.approx(value(quick, "barrier_per_cell") / 2)
    assert value(quick, "barrier_per_cell_rigid") == pytest.approx(1e3 * 0.03 / 9)
    assert value(quick, "corrugation_per_cell") == pytest.approx(1e3 * (aa[1] - ab[1]), rel=1e-4)
    assert value(quick, "distance_AB") == pytest.approx(ab[0], abs=1e-3)
    assert value(quick, "distance_SP") == pytest.approx(sp[0], abs=1e-3)
    assert value(quick, "distance_increase") == pytest.approx(aa[0] - ab[0], abs=1e-3)


def test_known_polarization_is_recovered_from_dipoles_and_from_born_charges(quick: Measurement) -> None:
    fade = math.exp(-2.0 * (COSINE.minimum(1 / 9)[0] - 3.35))
    assert value(quick, "spontaneous_polarization_rigid") == pytest.approx(3.2e-3 * PC_PER_M)
    assert value(quick, "spontaneous_polarization") == pytest.approx(3.2e-3 * PC_PER_M, rel=1e-3)
    assert value(quick, "polarization_parallel_SP") == pytest.approx(2.5e-3 * fade * PC_PER_M, rel=1e-3)
    for name in ("spontaneous_polarization", "polarization_parallel_SP"):
        for suffix in ("", "_rigid"):
            born = quick.observables[f"{name}_born{suffix}"]
            assert value(quick, f"{name}_born{suffix}") == pytest.approx(value(quick, name + suffix), rel=2e-3)
            assert born.interval is not None and born.interval[0] < born.interval[1]


def test_layer_born_charge_is_the_slope_of_the_polarization(quick: Measurement) -> None:
    """At SP of the rigid path; slope of the closed form by differences."""
    steps = 1e-4 * np.array([-1, 1])
    direction = (BA - AB) @ bilayer(build_material(MATERIAL), AB, 3.35).cell.array[:2]
    length = float(np.linalg.norm(direction))
    dipoles = [
        POLAR.calculate(bilayer(build_material(MATERIAL), AB + (0.5 + s / length) * (BA - AB), 3.35), ["dipole"])[
            "dipole"
        ][2]
        for s in steps
    ]
    slope = (dipoles[1] - dipoles[0]) / 2e-4
    assert value(quick, "layer_born_charge_perp_SP_rigid") == pytest.approx(slope, rel=1e-5)
    assert slope > 0


def test_map_holds_the_named_stackings(quick: Measurement) -> None:
    energy, polarization = quick.arrays["map_energy"], quick.arrays["map_polarization"]
    assert energy[2, 4] == pytest.approx(energy[4, 2]) and energy[2, 4] == energy.min()
    assert energy[0, 0] == energy.max()
    assert 1e3 * (energy[3, 3] - energy[2, 4]) == pytest.approx(value(quick, "barrier_per_cell"), rel=1e-4)
    assert polarization[4, 2, 2] == pytest.approx(value(quick, "spontaneous_polarization"), rel=1e-3)
    assert polarization[2, 4, 2] == pytest.approx(-polarization[4, 2, 2])


def test_own_checks_pass_and_say_why(quick: Measurement) -> None:
    assert [each.name for each in quick.checks if not each.passed] == []
    assert all(each.reason for each in quick.checks)
    names = {each.name.removeprefix("rigid_") for each in quick.checks}
    assert names == {
        "energy_of_BA_and_AB",
        "barrier_at_SP",
        "polarization_odd",
        "no_polarization_across_at_SP",
        "acoustic_sum_rule",
        "born_charges_give_the_dipole_across",
        "born_charges_give_the_dipole_along",
        "map_symmetry",
        "path_lost",
        "path_not_converged",
        "map_lost",
        "map_not_converged",
    }


def test_dft_labels_give_barrier_and_polarization_of_dft(labels: Measurement) -> None:
    """Rigid layers at 3.35 Å, PBE-D3(BJ); Born charges (linear response) know nothing of the dipoles (density)."""
    assert value(labels, "barrier_per_cell_rigid") == pytest.approx(3.7, abs=0.05)
    assert value(labels, "spontaneous_polarization_rigid") == pytest.approx(3.156e-3 * PC_PER_M, rel=1e-3)
    assert value(labels, "spontaneous_polarization_born_rigid") == pytest.approx(
        value(labels, "spontaneous_polarization_rigid"), rel=0.01
    )
    assert value(labels, "polarization_parallel_SP_born_rigid") == pytest.approx(
        value(labels, "polarization_parallel_SP_rigid"), rel=0.05
    )
    assert value(labels, "layer_born_charge_perp_SP_rigid") == pytest.approx(7.1e-3, abs=1e-4)
    assert labels.arrays["polarization_rigid"][0, 2] < 0  # AB points down
    assert [each.name for each in labels.checks if not each.passed] == []


def test_dft_labels_give_the_whole_energy_path() -> None:
    found = measure(Sliding(), Labels(), material=MATERIAL, grid=0, paths=("rigid",))
    assert value(found, "barrier_per_cell_rigid") == pytest.approx(3.71, abs=0.02)
    low, high = found.observables["barrier_per_cell_rigid"].interval  # type: ignore[misc]
    assert 0.05 < high - low < 0.5  # AB and BA differ by 0.08 meV: grid noise
    assert found.observables["barrier_per_cell_rigid"].kind == "numerical"
    assert check(found, "rigid_energy_of_BA_and_AB").passed and check(found, "rigid_barrier_at_SP").passed


def test_without_polarization_there_are_energies_and_a_note() -> None:
    found = measure(Sliding(), COSINE, None, material=MATERIAL)
    assert value(found, "barrier_per_cell_rigid") == pytest.approx(1e3 * 0.03 / 9)
    assert not any("polarization" in name or "born" in name for name in found.observables)
    assert any("no polarization" in note for note in found.notes)


def test_dipoles_without_born_charges_are_enough() -> None:
    class Dipoles(CosinePolarization):
        implemented_properties = ("dipole",)

    found = measure(Sliding(), COSINE, Dipoles(), material=MATERIAL, grid=0, paths=("rigid",))
    assert value(found, "spontaneous_polarization_rigid") == pytest.approx(3.2e-3 * PC_PER_M)
    assert "spontaneous_polarization_born_rigid" not in found.observables
    assert any("no Born charges" in note for note in found.notes)


def test_antiparallel_layers_have_a_map_and_no_polarization() -> None:
    found = measure(Sliding(), COSINE, POLAR, material=ANTIPARALLEL)
    lowest, highest = COSINE.minimum(-1 / 3), COSINE.minimum(2 / 3)
    assert value(found, "corrugation_per_cell") == pytest.approx(1e3 * (highest[1] - lowest[1]), rel=1e-4)
    assert found.arrays["map_energy"][0, 0] == found.arrays["map_energy"].min()
    assert any("no AB-SP-BA path" in note for note in found.notes)
    assert check(found, "antiparallel_not_polar").passed and "barrier_per_cell" not in found.observables


class Wrong(CosinePolarization):
    """Transposed Born charges, and a dipole of the wrong parity."""

    def calculate(self, *args: Any, **kwargs: Any) -> dict[str, np.ndarray]:
        found = super().calculate(*args, **kwargs)
        if "born_effective_charges" in found:
            found["born_effective_charges"] = np.swapaxes(found["born_effective_charges"], 1, 2)
        if "dipole" in found:
            found["dipole"] = found["dipole"] + [0, 0, 1e-4]
        return found


def test_checks_find_transposed_born_charges_and_a_constant_dipole() -> None:
    found = measure(Sliding(), COSINE, Wrong(parallel=6e-3), material=MATERIAL, grid=0, paths=("rigid",))
    failed = {each.name for each in found.checks if not each.passed}
    assert failed >= {"rigid_polarization_odd", "rigid_born_charges_give_the_dipole_across"}


class Upside(CosinePotential):
    """SP below AB."""

    def __init__(self) -> None:
        super().__init__(corrugation=-0.03)


def test_a_landscape_upside_down_is_a_result() -> None:
    found = measure(Sliding(), Upside(), POLAR, material=MATERIAL, grid=0)
    assert value(found, "barrier_per_cell_rigid") == pytest.approx(-1e3 * 0.03 / 9)
    assert any("AB is no minimum" in note for note in found.notes)
    assert all(each.passed for each in found.checks)  # wrong, but consistent


def test_checks_find_an_energy_that_is_no_mirror_image_of_itself() -> None:
    class Lopsided(CosinePotential):
        def calculator(self, device: str = "cpu", dtype: str = "float64") -> Any:
            calculator = super().calculator()
            calculate = calculator.calculate

            def tilted(atoms: Atoms | None = None, *args: Any) -> None:
                calculate(atoms, *args)
                assert atoms is not None
                if len(atoms) == 4:
                    calculator.results["energy"] += 1.2e-3 * (atoms.positions[2, 0] - atoms.positions[0, 0])

            calculator.calculate = tilted
            return calculator

    found = measure(Sliding(), Lopsided(), material=MATERIAL, paths=("rigid",), map="rigid")
    failed = {each.name for each in found.checks if not each.passed}
    assert failed == {"rigid_energy_of_BA_and_AB", "rigid_barrier_at_SP", "map_symmetry"}
    assert found.observables["barrier_per_cell_rigid"].interval[1] > 3.5  # type: ignore[index]


class Repulsive(PlatePotential):
    """Layers that push each other away for ever."""

    def calculator(self, device: str = "cpu", dtype: str = "float64") -> Any:
        calculator = super().calculator()
        calculate = calculator.calculate

        def pushed(atoms: Atoms | None = None, *args: Any) -> None:
            calculate(atoms, *args)
            assert atoms is not None
            calculator.results["forces"][:, 2] += np.array([-1, -1, 1, 1]) * 0.3
            calculator.results["energy"] -= 0.3 * atoms.positions[:, 2] @ [-1, -1, 1, 1]

        calculator.calculate = pushed
        return calculator


def test_layers_that_come_apart_are_a_result() -> None:
    found = measure(Sliding(), Repulsive(bond=2.511 / 3**0.5), POLAR, material=MATERIAL, max_steps=60)
    lost = check(found, "path_lost")
    assert not lost.passed and "came apart" in lost.reason and not check(found, "map_lost").passed
    assert math.isnan(value(found, "barrier_per_cell")) and math.isnan(value(found, "corrugation_per_cell"))
    assert math.isnan(value(found, "spontaneous_polarization"))
    assert value(found, "spontaneous_polarization_rigid") == pytest.approx(3.2e-3 * PC_PER_M)


@pytest.mark.parametrize(("max_steps", "enough"), [(1, False), (200, True)])
def test_relaxations_that_stop_too_early_fail_a_check(max_steps: int, enough: bool) -> None:
    settings = {"relax_cell": True, "paths": ("relaxed",), "grid": 0, "max_steps": max_steps}
    found = measure(Sliding(), COSINE, POLAR, material=MATERIAL | {"a": 2.6, "distance": 3.6}, **settings)
    for name in ("path_not_converged", "lattice_constant_not_relaxed"):
        assert check(found, name).passed is enough, name
    assert check(found, "path_lost").passed


@pytest.mark.parametrize("stop_after", [1, 12, 22, 30])
def test_a_killed_run_goes_on_to_the_same_numbers(quick: Measurement, stop_after: int) -> None:
    checkpoint = FragileCheckpoint(stop_after)
    with pytest.raises(Killed):
        measure(Sliding(), COSINE, POLAR, material=MATERIAL, checkpoint=checkpoint, lost_at_most=0)
    context = TrialContext(Sliding(), COSINE, POLAR, MATERIAL, SlidingParams(), 0, checkpoint)
    resumed = Sliding().measure(context)
    assert resumed.observables == quick.observables
    assert context.bar.done == context.bar.total
