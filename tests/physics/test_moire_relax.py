"""The task `moire_relax` on a bilayer whose landscape and elasticity are known in closed form."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
import pytest
from harness_tasks.moire.cells import mismatched, twisted
from harness_tasks.moire.continuum import relax_sheets, sheet_registry
from harness_tasks.moire.landscape import Landscape, Series, measure_landscape
from harness_tasks.moire.registry_field import RegistryField
from harness_tasks.moire_relax.domain_walls import areas, lonely_width, walls
from harness_tasks.moire_relax.task import MoireParams, MoireRelax
from harness_tasks.overlap import OverlapCalculator, OverlapPotential
from harness_tasks.sliding_path.path import SlidingState
from harness_tasks.structures.registries import AB, SP

from harness.contracts.measurement import Measurement
from harness.engine.extrapolation import PROPERTY
from harness.registry.lookup import build_material
from harness.testing.trial import MemoryCheckpoint, TrialContext, measure
from tests.support.checkpoints import FragileCheckpoint, Killed
from tests.support.stages import memory_stage

MATERIAL = {
    "name": "bn_bilayer", "symbols": ["B", "N"], "layers": 2, "stacking": "AB",
    "a": 2.511, "distance": 3.35, "vacuum": 25.0,
}  # fmt: skip
OVERLAP = OverlapPotential()
#: Layers so soft that walls are narrower than the domains of a small cell.
SOFT = OverlapPotential(stretch=3.0, bending=0.3)


def value(measurement: Measurement, name: str) -> float:
    return float(measurement.observables[name].value)  # type: ignore[arg-type]


def landscape_of(potential: Any, stacking: str = "AB") -> Landscape:
    context = TrialContext(MoireRelax(), potential, None, MATERIAL | {"stacking": stacking}, MoireParams())
    found = measure_landscape(context, SlidingState.of(context), 6, memory_stage())
    assert found is not None
    return found


@pytest.fixture(scope="module")
def soft() -> Landscape:
    return landscape_of(SOFT)


@pytest.fixture(scope="module")
def twists() -> Measurement:
    return measure(MoireRelax(), OVERLAP, material=MATERIAL, twists=(1, 5))


@pytest.fixture(scope="module")
def whole() -> Measurement:
    return measure(MoireRelax(), OVERLAP, material=MATERIAL, twists=(1, 3), lost_at_most=0)


def test_forces_of_the_oracle_are_the_slope_of_its_energy() -> None:
    atoms = twisted(build_material(MATERIAL), 2).atoms
    atoms.rattle(0.05, seed=2)
    atoms.calc = OVERLAP.calculator()
    direction = np.random.default_rng(0).normal(size=atoms.positions.shape)
    slope = -(atoms.get_forces() * direction).sum()
    here = atoms.positions.copy()
    energies = []
    for step in (1e-4, -1e-4):
        atoms.positions = here + step * direction
        energies.append(atoms.get_potential_energy())
    assert (energies[0] - energies[1]) / 2e-4 == pytest.approx(slope, rel=1e-5)


@pytest.mark.parametrize("stacking", ["AB", "AA'"])
def test_landscape_is_the_closed_form(stacking: str) -> None:
    found, antiparallel = landscape_of(OVERLAP, stacking), stacking == "AA'"
    places = [(0.0, 0.0), tuple(AB), tuple(SP), (0.13, 0.41)]
    wells = np.array([OVERLAP.well(np.array(t), antiparallel) for t in places])
    best = wells[0 if antiparallel else 1]
    depth = found.energy(np.array(places)) - found.energy(np.array([found.best]))
    span = np.ptp(wells[:, 1])
    assert depth == pytest.approx(wells[:, 1] - best[1], abs=0.02 * span)
    assert found.distance(np.array(places)) == pytest.approx(wells[:, 0], abs=4e-3)
    assert found.stiffness == pytest.approx(best[2], rel=0.02)
    assert found.lame == pytest.approx(OVERLAP.lame, rel=0.02)


def test_series_goes_through_its_points_and_knows_its_slope() -> None:
    t = np.stack(np.meshgrid(np.arange(6) / 6, np.arange(6) / 6, indexing="ij"), axis=-1)
    values = 1.0 + np.cos(2 * np.pi * (t @ [1, 1])) - 0.3 * np.sin(2 * np.pi * (t @ [1, -1]))
    series = Series.through(values)
    assert series(t.reshape(-1, 2)) == pytest.approx(values.ravel())
    place, step = np.array([[0.2, 0.7]]), np.array([[1e-6, 0.0]])
    here, slope = series.with_slope(place)
    assert here == pytest.approx(series(place))
    assert slope[0, 0] == pytest.approx((series(place + step) - series(place - step))[0] / 2e-6)


def test_rigid_registries_have_known_areas() -> None:
    t = np.stack(np.meshgrid(*[(np.arange(60) + 0.4) / 60] * 2, indexing="ij"), axis=-1)
    assert areas(t) == pytest.approx({"AA": 0.25, "AB": 0.125, "BA": 0.125, "SP": 0.5}, abs=0.01)


@pytest.mark.parametrize("twist", [True, False])
def test_wall_of_elastic_sheets_is_the_one_of_the_sine_gordon_equation(soft: Landscape, twist: bool) -> None:
    """At long periods; shear walls of a twist, and walls of tension of a mismatch."""
    moire = twisted(build_material(MATERIAL), 17) if twist else mismatched(build_material(MATERIAL), 45)
    relaxed = relax_sheets(moire, soft)
    found = walls(moire, sheet_registry(moire, relaxed), "AB")
    lonely = lonely_width(soft, "AB", twist)
    assert lonely < 0.25 * moire.period
    assert [wall.width for wall in found] == pytest.approx([lonely] * 3, rel=0.05)
    lam, mu = SOFT.lame
    barrier = (SOFT.well(SP)[1] - SOFT.well(AB)[1]) / SOFT.area
    modulus = 0.5 * (mu if twist else lam + 2 * mu)
    # the interaction between so soft layers adds to their elasticity
    assert lonely == pytest.approx(2.511 / math.sqrt(3) * math.sqrt(modulus / (2 * barrier)), rel=0.08)


def test_layer_distance_follows_the_registry(twists: Measurement) -> None:
    """Bending is weak at 6°, so that distances at AA and AB are those of perfect bilayers."""
    aa, ab = OVERLAP.well(np.zeros(2)), OVERLAP.well(AB)
    assert value(twists, "d_max") == pytest.approx(aa[0], abs=0.15 * (aa[0] - ab[0]))
    assert value(twists, "d_min") == pytest.approx(ab[0], abs=0.05 * (aa[0] - ab[0]))
    assert value(twists, "corrugation_share_21.79deg") < 0.2 < value(twists, "corrugation_share")
    assert value(twists, "distance_AA") == pytest.approx(aa[0], abs=4e-3)
    kinds = {name: twists.observables[name].kind for name in ("d_max", "soliton_width", "area_AA")}
    assert kinds == {"d_max": "range", "soliton_width": "range", "area_AA": "numerical"}
    assert value(twists, "moire_period") == pytest.approx(2.511 / (2 * math.sin(math.radians(6.00898) / 2)), rel=5e-3)


def test_own_checks_pass_and_say_why(twists: Measurement) -> None:
    assert [check.name for check in twists.checks if not check.passed] == []
    assert all(check.reason for check in twists.checks)
    names = {check.name for check in twists.checks}
    assert {"threefold_axis_6.01deg", "layers_alike_21.79deg", "energy_of_elastic_sheets"} <= names


def test_atoms_relax_as_elastic_sheets_do(twists: Measurement) -> None:
    assert value(twists, "energy_above_best") == pytest.approx(value(twists, "energy_above_best_sheets"), rel=0.03)
    assert value(twists, "energy_above_best") < value(twists, "energy_unrelaxed_sheets")
    assert value(twists, "soliton_width") == pytest.approx(value(twists, "soliton_width_sheets"), rel=0.05)


def test_soft_layers_make_domains_with_walls_of_the_continuum() -> None:
    found = measure(MoireRelax(), SOFT, material=MATERIAL, twists=(6,), fmax=1e-3)
    assert value(found, "area_AA") < 0.2 and value(found, "area_AB") > 0.14
    assert value(found, "area_AB") == pytest.approx(value(found, "area_BA"), abs=0.01)
    # a tenth of a bond over a bond: springs are no longer linear
    assert value(found, "soliton_width") == pytest.approx(value(found, "soliton_width_sheets"), rel=0.2)
    assert value(found, "soliton_width") < 0.75 * 2.511 / math.sqrt(3) / (2 * math.sin(math.radians(5.0858) / 2))


def test_both_starts_end_in_the_same_structure_and_the_better_one_needs_fewer_calls() -> None:
    results = {
        start: measure(MoireRelax(), OVERLAP, material=MATERIAL, twists=(4,), start=start, fmax=1e-5)
        for start in ("registry", "rigid")
    }
    registry, rigid = results["registry"], results["rigid"]
    assert value(registry, "energy_above_best") == pytest.approx(value(rigid, "energy_above_best"), abs=5e-5)  # meV
    apart = registry.arrays["7.34deg|positions"] - rigid.arrays["7.34deg|positions"]
    assert np.abs(apart - apart.mean(axis=0)).max() < 2e-3
    assert value(registry, "force_calls") < value(rigid, "force_calls")


def test_mismatched_and_antiparallel_cells_relax() -> None:
    found = measure(MoireRelax(), OVERLAP, material=MATERIAL | {"stacking": "AA'"}, twists=(2,), mismatch=(-9,))
    assert {"d_max_13.17deg", "d_max_mismatchm9", "soliton_width_mismatchm9", "distance_AAp"} <= set(found.observables)
    assert "energy_above_best_mismatchm9" not in found.observables
    assert [check.name for check in found.checks if not check.passed] == []
    assert found.arrays["mismatchm9|positions"].shape == (290, 3)


@pytest.mark.parametrize("saves", [2, 12, 16, 20])
def test_a_killed_run_goes_on_to_the_same_numbers(saves: int, whole: Measurement) -> None:
    """Cut within the landscape, within a relaxation, between two and within the second."""
    settings: dict[str, Any] = {"material": MATERIAL, "twists": (1, 3)}
    checkpoint = FragileCheckpoint(stop_after=saves)
    with pytest.raises(Killed):
        measure(MoireRelax(), OVERLAP, checkpoint=checkpoint, lost_at_most=0, **settings)
    resumed = measure(MoireRelax(), OVERLAP, checkpoint=checkpoint, **settings)
    assert list(resumed.observables) == list(whole.observables)
    for name, quantity in whole.observables.items():  # the oracle lists its pairs anew: sums in another order
        assert resumed.observables[name].value == pytest.approx(quantity.value, rel=1e-6, abs=1e-8), name
    apart = resumed.arrays["9.43deg|positions"] - whole.arrays["9.43deg|positions"]
    assert np.abs(apart).max() < 1e-7
    assert value(resumed, "force_calls") == value(whole, "force_calls")


def test_finished_cells_are_not_relaxed_again() -> None:
    checkpoint = MemoryCheckpoint()
    first = measure(MoireRelax(), OVERLAP, material=MATERIAL, twists=(2,), checkpoint=checkpoint)
    context = TrialContext(MoireRelax(), OVERLAP, None, MATERIAL, MoireParams(twists=(2,)), checkpoint=checkpoint)
    again = MoireRelax().measure(context)
    assert context.engine.force_calls == 0
    assert again.observables == first.observables


def test_layers_that_fall_apart_are_a_result() -> None:
    repelling = OverlapPotential()
    repelling.pull = 0.0
    found = measure(MoireRelax(), repelling, material=MATERIAL | {"distance": 2.9}, twists=(1, 2), max_steps=60)
    assert "d_max" not in found.observables
    (lost,) = [check for check in found.checks if check.name == "lost_21.79deg"]
    assert not lost.passed and "came apart" in lost.reason
    assert not any("13.17deg" in name for name in found.arrays)


class Grading(OverlapPotential):
    """Knows flat layers 3.35 Å apart, and extrapolates where layers are farther apart."""

    def calculator(self, device: str = "cpu", dtype: str = "float64") -> Any:
        """With a grade that grows with the height."""
        return GradingCalculator(self)


class GradingCalculator(OverlapCalculator):
    """A grade of 400 per Å of additional distance."""

    implemented_properties: ClassVar[list[str]] = [*OverlapCalculator.implemented_properties, PROPERTY]

    def calculate(self, *args: Any, **kwargs: Any) -> None:
        """Energy, forces, and the grade."""
        super().calculate(*args, **kwargs)
        self.results[PROPERTY] = 400 * max(float(np.ptp(self.atoms.positions[:, 2])) - 3.35, 0.0)


def test_extrapolation_ends_a_relaxation_as_a_result() -> None:
    found = measure(MoireRelax(), Grading(), material=MATERIAL, twists=(1, 2))
    lost = {check.name: check for check in found.checks if check.name.startswith("lost_")}
    assert lost["lost_21.79deg"].passed and not lost["lost_13.17deg"].passed
    assert "extrapolation grade" in lost["lost_13.17deg"].reason and "beyond 10" in lost["lost_13.17deg"].reason
    assert not any("13.17deg" in name for name in found.arrays) and any("21.79deg" in name for name in found.arrays)
    unbound = measure(MoireRelax(), Grading(), material=MATERIAL, twists=(1, 2), max_grade=None)
    assert any("13.17deg" in name for name in unbound.arrays)


def test_layers_turn_against_each_other_around_aa(twists: Measurement) -> None:
    """Relaxation shrinks AA by a further twist there: opposite ways in the two layers, around a fixed point."""
    moved, layer = (twists.arrays[f"6.01deg|{name}"] for name in ("displacement", "layer"))
    moire = twisted(build_material(MATERIAL), 5)
    stacking_map = RegistryField(moire, moire.atoms.positions)
    ring = 5.0 * np.array([(math.cos(angle), math.sin(angle)) for angle in np.arange(6) * math.pi / 3])
    around = np.stack([-ring[:, 1], ring[:, 0]], axis=1) / 5.0
    turn = [(stacking_map.sheets[k].interpolate(moved[layer == k, :2], ring) * around).sum(axis=1) for k in (0, 1)]
    assert (turn[1] > 0).all() and (turn[0] < 0).all()
    assert turn[0].mean() == pytest.approx(-turn[1].mean(), rel=0.02)
    assert np.ptp(turn[1]) < 0.3 * turn[1].mean()
