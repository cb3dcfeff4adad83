"""The task `coercive_field` on a bilayer that is known in closed form, and on the stored DFT labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from harness_tasks.coercive_field.path_model import PathModel
from harness_tasks.coercive_field.switching import course, slipped
from harness_tasks.coercive_field.task import CoerciveField
from harness_tasks.oracles.cosine import CosineCalculator, CosinePolarization, CosinePotential
from harness_tasks.sliding_path.path import SlidingState, walk
from harness_tasks.structures.bilayers import LOWER, UPPER

from harness.contracts.measurement import Measurement
from harness.engine.field import FieldEngine
from harness.errors import UnsupportedError
from harness.execution.execute import check_capabilities
from harness.testing.trial import MemoryCheckpoint, TrialContext, measure
from tests.support.checkpoints import FragileCheckpoint, Killed
from tests.support.stages import memory_stage

from .labels import LabelPolarization, Labels
from .sliding_layers import COSINE, MATERIAL, MOVING, POLAR, STILL, SWIFT, SWIFT_POLAR, A, ClosedForm, Particles, value


@pytest.fixture(scope="module")
def still() -> Measurement:
    return measure(CoerciveField(), COSINE, POLAR, material=MATERIAL, **STILL)


@pytest.fixture(scope="module")
def moving() -> Measurement:
    return measure(CoerciveField(), SWIFT, SWIFT_POLAR, material=MATERIAL, **MOVING)


def test_path_without_relaxation_in_the_field_is_known(still: Measurement) -> None:
    """At BA V'' = C G²/6 and p⊥'' = −p G² (1/2 + β C / 6 D α), so that E⊥,c is their ratio."""
    exact = 0.03 / 6 / (3.2e-3 * (0.5 + 2.0 * 0.03 / (6 * 0.094 * 1.2)))
    found = still.observables["coercive_field_path"]
    assert value(still, "coercive_field_path") == pytest.approx(exact, rel=0.01)
    assert found.interval is not None and found.interval[0] < found.interval[1]


def test_layers_held_in_a_field_agree_with_the_closed_form(still: Measurement) -> None:
    known = ClosedForm()
    arrays = still.arrays
    for dip, slips, fields in zip(arrays["static_dip"], arrays["held_slips"], arrays["held_fields"], strict=True):
        for x, field in zip(slips, fields, strict=True):
            assert field == pytest.approx(known.held(x, dip), rel=2e-3), (dip, x)


def test_coercive_fields_at_rest_agree_with_the_closed_form(still: Measurement) -> None:
    known = ClosedForm()
    vertical = [known.held(x, 90.0) for x in (0.01, 0.02)]
    assert value(still, "coercive_field_static") == pytest.approx(2 * vertical[0] - vertical[1], rel=5e-3)
    slips = np.linspace(0.15, 0.5, 40)
    strengths = dict(zip(still.arrays["static_dip"], still.arrays["static_field"], strict=True))
    fine = {dip: max(known.held(x, dip) for x in slips) for dip in (36.0, 38.0, 40.0, 42.0, 44.0, 60.0)}
    assert strengths[40.0] == pytest.approx(fine[40.0], rel=2e-3)
    assert strengths[60.0] == pytest.approx(fine[60.0], rel=2e-3)
    least = min(fine, key=lambda dip: fine[dip])
    assert value(still, "minimum_total_field_static") == pytest.approx(fine[least], rel=3e-3)
    assert value(still, "dip_angle_static") == pytest.approx(least, abs=2.5)
    reduction = 100 * (1 - value(still, "minimum_total_field_static") / value(still, "coercive_field_static"))
    assert value(still, "reduction_static") == pytest.approx(reduction)


@pytest.mark.parametrize(("share", "gone"), [(0.96, False), (1.04, True)])
def test_plain_relaxation_in_the_field_tells_the_same(still: Measurement, share: float, gone: bool) -> None:
    """Downhill from BA in a field inclined by 60°: below the coercive field layers stay, above it they pass SP."""
    strengths = dict(zip(still.arrays["static_dip"], still.arrays["static_field"], strict=True))
    ctx = TrialContext(CoerciveField(), SWIFT, SWIFT_POLAR, MATERIAL, CoerciveField.Params(**STILL))
    slip = still.arrays["slip"]
    field = (
        share * strengths[60.0] * (-0.5 * slip - math.sqrt(0.75) * np.array([0, 0, 1.0]))
    )  # P∥ is opposite to the slip

    atoms = ctx.atoms.copy()
    atoms.set_array("layer", np.array([0, 0, 1, 1]))
    FieldEngine(ctx.engine, SWIFT_POLAR.calculate, field).relax(
        atoms, fmax=2e-5, max_steps=320, optimizer="fire", maxstep=0.05
    )
    moved = atoms.positions - ctx.atoms.positions
    slipped_by = (moved[UPPER].mean(axis=0) - moved[LOWER].mean(axis=0)) @ slip
    assert (slipped_by > 0.55 * A / math.sqrt(3)) if gone else (0.05 < slipped_by < 0.4 * A / math.sqrt(3))


def test_direction_of_the_field_decides_the_path() -> None:
    found = measure(CoerciveField(), COSINE, POLAR, material=MATERIAL, **(STILL | {"grid": 6, "dips": ()}))
    assert value(found, "sliding_sector") == pytest.approx(120)
    assert value(found, "turned_field_ratio") > 1.05
    assert [check.name for check in found.checks if not check.passed] == []
    assert {"sector_of_the_path", "map_and_path"} <= {check.name for check in found.checks}


def test_dft_labels_of_rigid_layers_have_a_coercive_field() -> None:
    """Five points of DFT (PBE-D3(BJ), 3.35 Å): 8/3 barrier over polarization where the published model holds."""
    settings: dict[str, Any] = {
        "path": "rigid", "path_points": 5, "order": 2, "dips": (), "temperatures": (), "grid": 0
    }  # fmt: skip
    found = measure(CoerciveField(), Labels(), LabelPolarization(), material=MATERIAL, **settings)
    assert value(found, "coercive_field_model") == pytest.approx(8 / 3 * 3.71e-3 / 3.156e-3, rel=0.06)
    assert value(found, "coercive_field_path") > 2.5
    assert 20 < value(found, "dip_angle_model") < 60
    assert value(found, "reduction_model_below_start") > value(found, "reduction_model") > 40


def test_layers_without_a_barrier_have_no_coercive_field() -> None:
    slippery = CosinePotential(corrugation=-0.01)
    found = measure(CoerciveField(), slippery, POLAR, material=MATERIAL, **STILL)
    assert math.isnan(value(found, "coercive_field_static"))
    assert math.isfinite(value(found, "e4"))
    assert any("no coercive field" in note for note in found.notes)


def test_reversed_polarization_is_switched_by_a_reversed_field(still: Measurement) -> None:
    found = measure(
        CoerciveField(), COSINE, CosinePolarization(perpendicular=-3.2e-3, parallel=-2.5e-3), material=MATERIAL, **STILL
    )
    for name in ("coercive_field_static", "minimum_total_field_static", "dip_angle_static"):
        assert value(found, name) == pytest.approx(value(still, name), rel=2e-3)
    assert any("points down" in note for note in found.notes)


def test_born_charges_alone_are_enough(still: Measurement) -> None:
    class Charges(CosinePolarization):
        implemented_properties: Sequence[str] = ("born_effective_charges",)

    found = measure(CoerciveField(), COSINE, Charges(), material=MATERIAL, **(STILL | {"dips": (), "grid": 6}))
    assert value(found, "coercive_field_path") == pytest.approx(value(still, "coercive_field_path"), rel=0.01)
    assert any("no dipole to map" in note for note in found.notes)


def test_ramps_are_recorded_up_to_the_first_passage(moving: Measurement) -> None:
    found = moving.observables["coercive_field_ramp_5K"]
    assert found.n == 2 and found.interval is not None and found.kind == "confidence"
    assert moving.observables["coercive_field_rigid_5K"].kind == "range"
    assert moving.observables["coercive_field_path"].kind == "numerical"
    assert set(moving.arrays["runs"][:, 4]) <= {0.0, 1.0, 2.0}  # three equal paths in a vertical field
    assert value(moving, "coercive_field_ramp_5K") > value(moving, "coercive_field_path")  # so fast a ramp runs ahead
    history = moving.arrays["history/ramp/0/0/0"]
    step, field = history[-1, 0], history[-1, 1]
    assert field == pytest.approx(0.8 * value(moving, "coercive_field_path") + 2.0 * (0.002 * step - 0.1))
    assert moving.arrays["runs"][0, 3] == pytest.approx(field)
    slip = history[:, 2:]
    half = 0.5 * A / math.sqrt(3)
    turned = [np.array([math.cos(angle), math.sin(angle)]) for angle in 2 * math.pi / 3 * np.arange(3)]
    progress = np.max([slip @ way for way in turned], axis=0)
    assert (progress[:-1] < half).all() and progress[-1] >= half


def test_runs_of_one_cell_are_those_of_a_particle() -> None:
    """Mean field of the first passage, against many particles in the closed form that share no code with the task."""
    settings = MOVING | {
        "ramp": 0.5, "ramp_parallels": (0.4,), "seeds": 8, "ramp_start": 0.3, "damping": 200.0, "born_every": 10,
        "temperatures": (40.0,), "leg": 1000,
    }  # fmt: skip
    found = measure(CoerciveField(), SWIFT, SWIFT_POLAR, material=MATERIAL, **settings)
    ours = found.arrays["runs"][:, 3]
    step, field = found.arrays["history/ramp/0/0/0"][50, :2]
    start = field - 0.5e-3 * (2.0 * step - 100.0)
    theirs = Particles(100, 200.0, 40.0, 0.4).fields(0.5e-3, start, 100.0, 4.0)
    assert np.isfinite(theirs).all()
    error = theirs.std() * math.sqrt(1 / len(ours) + 1 / len(theirs))
    assert ours.mean() == pytest.approx(theirs.mean(), abs=3 * error)
    assert 3 * error < 0.3 * theirs.mean()
    assert value(found, "runs_along_the_path_ramp_40K_parallel_0.4") >= 0.5
    rigid = value(found, "coercive_field_rigid_40K_parallel_0.4")  # knows of no time that a slide takes
    assert 0 < theirs.mean() - rigid < 0.6


def test_charges_of_some_steps_ago_are_measured(moving: Measurement) -> None:
    assert 0 < value(moving, "born_interval_error") < 0.1


def test_steps_find_the_inclined_field_at_rest() -> None:
    """A staircase at 5 K in an in-plane field: within a step of what holds the layers at rest."""
    settings = MOVING | {"ramp": 0.0, "step": 0.2, "hold": 0.4, "step_parallels": (0.6,), "seeds": 1, "ramp_start": 0.6}
    found = measure(CoerciveField(), SWIFT, SWIFT_POLAR, material=MATERIAL, **settings)
    field = value(found, "coercive_field_steps_5K_parallel_0.6")
    dip = math.degrees(math.atan2(field, 0.6))
    known = ClosedForm()
    at_rest = max(known.held(x, dip) for x in np.linspace(0.15, 0.4, 20))
    assert math.hypot(field, 0.6) == pytest.approx(at_rest, abs=0.2)


@pytest.mark.parametrize("stop_after", [3, 16, 30])
def test_killed_runs_go_on_to_the_same_bits(moving: Measurement, stop_after: int) -> None:
    checkpoint = FragileCheckpoint(stop_after)
    with pytest.raises(Killed):
        measure(CoerciveField(), SWIFT, SWIFT_POLAR, material=MATERIAL, checkpoint=checkpoint, lost_at_most=0, **MOVING)
    resumed = measure(CoerciveField(), SWIFT, SWIFT_POLAR, material=MATERIAL, checkpoint=checkpoint, **MOVING)
    assert resumed.observables == moving.observables
    for name, array in moving.arrays.items():
        assert np.array_equal(resumed.arrays[name], array, equal_nan=True), name


def test_finished_runs_are_not_done_again() -> None:
    checkpoint = MemoryCheckpoint()
    first = measure(CoerciveField(), SWIFT, SWIFT_POLAR, material=MATERIAL, checkpoint=checkpoint, **MOVING)
    context = TrialContext(CoerciveField(), SWIFT, SWIFT_POLAR, MATERIAL, CoerciveField.Params(**MOVING), 0, checkpoint)
    again = CoerciveField().measure(context)
    assert context.engine.force_calls == 0
    assert again.observables == first.observables
    assert context.bar.done == context.bar.total


def test_unphysical_motion_is_a_result() -> None:
    class Bursting(CosinePotential):  # after some steps
        def calculator(self, device: str = "cpu", dtype: str = "float64") -> CosineCalculator:
            class Burst(CosineCalculator):
                calls = 0

                def calculate(self, *args: Any, **kwargs: Any) -> None:
                    super().calculate(*args, **kwargs)
                    self.calls += 1
                    if self.calls > 200:
                        self.results["forces"] = self.results["forces"] + 50.0 * np.sign(self.atoms.positions - 10.0)

            return Burst(self)

    found = measure(CoerciveField(), Bursting(), POLAR, material=MATERIAL, **(MOVING | {"seeds": 1}))
    assert math.isnan(value(found, "coercive_field_ramp_5K"))
    (burst,) = [check for check in found.checks if check.name == "unphysical_runs"]
    assert not burst.passed and "step" in burst.reason and "ramp_5K" in burst.reason


def test_potentials_that_give_way_in_the_field_are_not_run_in_it() -> None:
    class Brittle(CosinePotential):
        """Its layers run apart in any strong field: rumpled by 0.02 Å, they fall apart."""

        def calculator(self, device: str = "cpu", dtype: str = "float64") -> CosineCalculator:
            class Brittle(CosineCalculator):
                def calculate(self, atoms: Atoms, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]
                    super().calculate(atoms, *args, **kwargs)
                    gap = atoms.positions[UPPER, 2].mean() - atoms.positions[LOWER, 2].mean()
                    push = 2.0 * max(gap - 3.39, 0.0)
                    self.results["forces"][UPPER, 2] += push
                    self.results["forces"][LOWER, 2] -= push

            return Brittle(self)

    settings = MOVING | {"dips": (90.0, 60.0)}
    found = measure(CoerciveField(), Brittle(), POLAR, material=MATERIAL, **settings)
    assert math.isnan(value(found, "coercive_field_static")) and math.isnan(value(found, "coercive_field_ramp_5K"))
    assert "no rest" in found.observables["coercive_field_ramp_5K"].method
    assert any("gives way" in note for note in found.notes) and "runs" not in found.arrays
    (restless,) = [check for check in found.checks if check.name == "dips_without_rest"]
    assert not restless.passed and "90" in restless.reason


def test_without_born_charges_it_is_unsupported_and_says_who_has_them() -> None:
    with pytest.raises(UnsupportedError, match="born_effective_charges") as caught:
        check_capabilities("coercive_field", CoerciveField.requires, COSINE, None)
    assert "charge_dipole" in str(caught.value)


def test_pictures_come_from_the_arrays_alone(still: Measurement, moving: Measurement, tmp_path: Path) -> None:
    from harness_tasks.coercive_field.figures import draw

    class Record:
        label = "cosine"
        config = {"material": {"name": "bn_bilayer", "layers": 2, "stacking": "AB"}}
        observables = moving.observables

    arrays = still.arrays | {k: v for k, v in moving.arrays.items() if k == "runs" or k.startswith("history/")}
    names = {path.name for path in draw(Record(), arrays, tmp_path)}  # type: ignore[arg-type]
    assert names == {"hysteresis.png", "inclined.png", "runs.png"}
    assert all((tmp_path / name).stat().st_size > 10_000 for name in names)


def test_slipped_layers_lie_on_the_path() -> None:
    ctx = TrialContext(CoerciveField(), COSINE, POLAR, MATERIAL, CoerciveField.Params(**STILL))
    work = SlidingState.of(ctx)
    track = walk(ctx, work, "relaxed", 5, memory_stage())
    way = course(track, track.dipole)  # type: ignore[arg-type]
    model = PathModel.fit(way.t, way.energy, way.parallel, way.perpendicular, 1)
    moved = slipped(work, way, model.start + 0.3).positions - slipped(work, way, model.start).positions
    assert (moved[UPPER].mean(axis=0) - moved[LOWER].mean(axis=0)) @ way.axes.slip == pytest.approx(0.3, abs=1e-6)
