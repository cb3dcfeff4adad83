"""The task `interlayer` on a bilayer that is known in closed form, and on the stored DFT labels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from harness_tasks.interlayer.minimum import find_minimum
from harness_tasks.interlayer.params import InterlayerParams
from harness_tasks.interlayer.task import Interlayer
from harness_tasks.oracles.cosine import CosinePolarization, CosinePotential
from harness_tasks.oracles.plate import PlatePotential
from harness_tasks.structures.bilayers import HeldLayers, bilayer

from harness.contracts.measurement import Measurement
from harness.errors import HarnessError
from harness.registry.lookup import build_material
from harness.testing.trial import TrialContext, measure
from tests.support.checkpoints import FragileCheckpoint, Killed

from .labels import Labels

MATERIAL = {
    "name": "bn_bilayer", "symbols": ["B", "N"], "layers": 2, "stacking": "AB",
    "a": 2.511, "distance": 3.35, "vacuum": 25.0,
}  # fmt: skip
AREA = math.sqrt(3) / 2 * 2.511**2
COSINE = CosinePotential()
SHARE = {"AB": 0.0, "SP": 1 / 9, "AA": 1.0, "AAp": -1 / 3}


def value(measurement: Measurement, name: str) -> float:
    return float(measurement.observables[name].value)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def quick() -> Measurement:
    return measure(Interlayer(), COSINE, CosinePolarization(), material=MATERIAL)


@pytest.fixture(scope="module")
def labels() -> Measurement:
    return measure(Interlayer(), Labels(), material=MATERIAL, stackings=("AB", "AA"))


@pytest.mark.parametrize("stacking", SHARE)
def test_known_minima_are_recovered(quick: Measurement, stacking: str) -> None:
    distance, energy, stiffness = COSINE.minimum(SHARE[stacking])
    assert value(quick, f"h0_{stacking}") == pytest.approx(distance, abs=5e-4)
    assert value(quick, f"binding_energy_per_atom_{stacking}") == pytest.approx(-250 * energy, rel=2e-4)
    assert value(quick, f"exfoliation_energy_{stacking}") == pytest.approx(-16021.77 * energy / AREA, rel=2e-4)
    assert value(quick, f"stiffness_{stacking}") == pytest.approx(1602.177 * stiffness / AREA, rel=5e-3)
    assert value(quick, f"c33_{stacking}") == pytest.approx(160.2177 * stiffness * distance / AREA, rel=5e-3)


@pytest.mark.parametrize("stacking", SHARE)
def test_intervals_hold_what_is_known(quick: Measurement, stacking: str) -> None:
    known = COSINE.provenance()["analytic"]
    for name in (f"h0_{stacking}", f"binding_energy_per_atom_{stacking}"):
        low, high = quick.observables[name].interval  # type: ignore[misc]
        assert low <= known[name]["value"] <= high
        assert 0 < high - low < 0.02


def test_stackings_are_compared_with_ab(quick: Measurement) -> None:
    expected = 1e3 * (COSINE.minimum(1.0)[1] - COSINE.minimum(0.0)[1])
    assert value(quick, "energy_above_AB_per_cell_AA") == pytest.approx(expected, rel=2e-3)
    assert value(quick, "energy_above_AB_per_cell_AAp") < 0 < value(quick, "energy_above_AB_per_cell_SP")
    assert "energy_above_AB_per_cell_AB" not in quick.observables
    increase = COSINE.minimum(1.0)[0] - COSINE.minimum(0.0)[0]
    assert value(quick, "distance_increase") == pytest.approx(increase, abs=1e-3)


def test_polarizability_is_that_of_the_cell(quick: Measurement) -> None:
    assert value(quick, "alpha_in_plane") == pytest.approx(4 * 2.7)
    assert value(quick, "alpha_out_of_plane") == pytest.approx(4 * 0.45)
    assert value(quick, "alpha_in_plane_ratio") == pytest.approx(2.0)


def test_own_checks_pass_and_say_why(quick: Measurement, labels: Measurement) -> None:
    for measurement in (quick, labels):
        names = {"curve_is_smooth", "forces_vanish_at_h0", "energies_missing", "no_bound_minimum"}
        assert {check.name for check in measurement.checks} == names
        assert all(check.passed and check.reason for check in measurement.checks)


def test_every_value_has_a_unit_and_an_interval_or_a_reason(quick: Measurement) -> None:
    for name, quantity in quick.observables.items():
        assert quantity.unit and quantity.method, name
        assert quantity.interval is not None or name.startswith("alpha"), name


def test_dft_labels_give_the_minimum_of_dft(labels: Measurement) -> None:
    """Stored labels at PBE-D3(BJ); AB as datasets/hbn/README.md has it from the same frames."""
    assert value(labels, "h0_AB") == pytest.approx(3.345, abs=0.003)
    assert value(labels, "binding_energy_per_atom_AB") == pytest.approx(23.5, abs=0.05)
    assert value(labels, "h0_AA") == pytest.approx(3.624, abs=0.003)
    assert value(labels, "c33_AB") == pytest.approx(26.5, abs=0.7)
    assert value(labels, "energy_above_AB_per_cell_AA") == pytest.approx(20.9, abs=0.2)
    force = {check.name: check for check in labels.checks}["forces_vanish_at_h0"]
    assert abs(force.value) < 0.002  # DFT's own forces agree with its energies


def test_relaxed_layers_that_stay_flat_give_the_rigid_curve() -> None:
    both = measure(Interlayer(), COSINE, material=MATERIAL, stackings=("AA",), relaxed=True)
    assert both.arrays["phi_relaxed"] == pytest.approx(both.arrays["phi_rigid"], abs=1e-9)
    assert value(both, "h0_relaxed_AA") == pytest.approx(value(both, "h0_AA"), abs=1e-6)


class Rumpled(CosinePotential):
    """Facing atoms feel a constant force: N up in the lower layer, B up in the upper one."""

    def calculator(self, device: str = "cpu", dtype: str = "float64") -> Any:
        calculator = super().calculator()
        calculate = calculator.calculate
        push = np.array([-0.1, 0.1, 0.1, -0.1])

        def pushed(atoms: Atoms | None = None, *args: Any) -> None:
            calculate(atoms, *args)
            assert atoms is not None
            if len(atoms) == 4:
                calculator.results["energy"] -= push @ atoms.positions[:, 2]
                calculator.results["forces"][:, 2] += push

        calculator.calculate = pushed
        return calculator


def test_relaxed_layers_gain_what_their_rumpling_costs() -> None:
    """B up and N down by u, or the reverse: every sum over bonds is 6u, E = ½c·2·36u² − 2fu ≥ −f²/(36c) a layer."""
    params: dict[str, Any] = {"stackings": ("AB",), "relaxed": True, "fmax": 1e-7}
    both = measure(Interlayer(), Rumpled(bending=1.0), material=MATERIAL, **params)
    gain = both.arrays["phi_relaxed"] - both.arrays["phi_rigid"]
    assert gain == pytest.approx(-2 * 0.1**2 / 36, rel=0.01)


def test_held_layers_keep_their_heights() -> None:
    atoms = bilayer(build_material(MATERIAL), (0.3, 0.1), 3.3)
    atoms.set_constraint(HeldLayers([np.array([0, 1]), np.array([2, 3])]))
    before = atoms.positions.copy()
    atoms.set_positions(before + np.random.default_rng(0).normal(0, 0.1, (4, 3)))
    moved = atoms.positions - before
    assert np.abs(moved[:, :2]).max() == 0 and np.abs(moved[:, 2]).min() > 0
    assert moved[:2, 2].sum() == pytest.approx(0) and moved[2:, 2].sum() == pytest.approx(0)


def test_layers_that_do_not_bind_are_a_result() -> None:
    found = measure(Interlayer(), PlatePotential(bond=2.511 / 3**0.5), material=MATERIAL, stackings=("AB",))
    assert math.isnan(value(found, "h0_AB")) and math.isnan(value(found, "binding_energy_per_atom_AB"))
    assert [check.name for check in found.checks if not check.passed] == ["no_bound_minimum"]


def test_repulsive_layers_have_no_minimum_and_say_so() -> None:
    found = measure(Interlayer(), CosinePotential(distance=9.0), material=MATERIAL, stackings=("AB", "AA"))
    (check,) = [check for check in found.checks if not check.passed]
    assert check.value == 2 and "between 2.8 and 5.5 Å (AB, AA)" in check.reason
    assert all(math.isnan(value(found, f"h0_{name}")) for name in ("AA", "AB"))


def test_a_hole_at_short_distance_is_told() -> None:
    h = np.array([2.4, 2.6, *InterlayerParams().distances])
    energy = 0.1 * ((1 - np.exp(-1.3 * (h - 3.3))) ** 2 - 1)
    energy[0] = -1.0
    minimum = find_minimum(h, energy, 7)
    assert minimum is not None
    assert float(minimum.distance.value) == pytest.approx(3.3, abs=1e-3)  # type: ignore[arg-type]
    assert find_minimum(h, np.where(h > 3.0, np.nan, energy), 7) is None


@pytest.mark.parametrize("stop_after", [1, 17, 30])
def test_a_killed_run_goes_on_to_the_same_numbers(stop_after: int) -> None:
    """None is calculated twice."""
    params: dict[str, Any] = {"stackings": ("AA", "AB"), "relaxed": True, "distances": InterlayerParams().distances[:7]}
    whole = measure(Interlayer(), COSINE, CosinePolarization(), material=MATERIAL, **params)
    checkpoint = FragileCheckpoint(stop_after)
    with pytest.raises(Killed):
        measure(
            Interlayer(),
            COSINE,
            CosinePolarization(),
            material=MATERIAL,
            checkpoint=checkpoint,
            lost_at_most=0,
            **params,
        )
    kept = {key.partition("|")[0] for key in checkpoint.stored or {}}
    assert len(kept) == stop_after
    context = TrialContext(
        Interlayer(), COSINE, CosinePolarization(), MATERIAL, InterlayerParams(**params), 0, checkpoint
    )
    resumed = Interlayer().measure(context)
    for name, quantity in whole.observables.items():
        assert resumed.observables[name] == quantity, name
    assert context.bar.done == context.bar.total


def test_one_layer_is_refused() -> None:
    with pytest.raises(HarnessError, match="needs two layers"):
        measure(Interlayer(), COSINE, material=MATERIAL | {"layers": 1})
