"""The course of the task `bend`: loads, checkpoints, dynamics, figures."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from harness_tasks.bend.loading import History, Load, next_shortening
from harness_tasks.bend.params import BendParams
from harness_tasks.bend.task import Bend
from harness_tasks.oracles.plate import PlatePolarization, PlatePotential
from harness_tasks.structures.cells import rectangular
from harness_tasks.structures.ribbon import Ribbon, make_ribbon

from harness.contracts.measurement import Measurement
from harness.contracts.record import Record
from harness.errors import HarnessError
from harness.registry.lookup import build_material
from harness.testing.trial import MemoryCheckpoint, TrialContext, measure
from tests.support.checkpoints import FragileCheckpoint, Killed

BILAYER = {"symbols": ["B", "N"], "layers": 2, "stacking": "AB", "a": 2.511, "distance": 3.35, "vacuum": 20.0}
MONOLAYER = BILAYER | {"layers": 1}


def ribbon() -> Ribbon:
    return make_ribbon(rectangular(build_material(BILAYER), 1, 12), 12, 4.0, "periodic")


def load(shortening: float, curvature: float) -> Load:
    return Load(shortening, np.zeros((1, 3)), np.eye(3), 0.0, 0.0, 1, 0.0, curvature, curvature)


def test_loads_grow_until_buckled_and_then_spread_evenly_in_curvature_squared() -> None:
    made, last, critical = ribbon(), 0.01, 0.2
    history = History([load(0.0, 0.0)])
    while (target := next_shortening(made, history, last, 5, None, 60)) is not None:
        beyond = max(target - critical, 0.0)
        history.loads.append(load(target, math.sqrt(beyond / made.shortening_for(1.0))))
    first = history.buckled(last)
    assert first is not None
    squares = np.array([entry.rms_curvature**2 for entry in history.loads[first + 1 :]])
    assert squares == pytest.approx(last**2 * np.arange(1, 6) / 5)
    before = [entry.shortening for entry in history.loads[1 : first + 1]]
    assert np.allclose(np.divide(before[1:], before[:-1]), 1.5)


def test_loading_gives_up_on_a_ribbon_that_never_buckles() -> None:
    made = ribbon()
    history = History([load(0.0, 0.0)])
    while (target := next_shortening(made, history, 0.01, 5, None, 60)) is not None:
        history.loads.append(load(target, 0.0))
    assert history.loads[-1].shortening < 0.1 * made.span
    even = History([load(0.2 * k, 0.0) for k in range(61)])
    assert next_shortening(made, even, 0.01, 5, 0.2, 60) is None


DYNAMICS = {
    "length": 40.0,
    "method": "dynamics",
    "step": 0.1,
    "max_loads": 3,
    "max_curvature": 0.02,
    "relaxation_steps": 60,
    "sample_every": 20,
    "ramp_steps": 4,
    "check_length": None,
    "check_steps": None,
    "timestep": 1.0,
}


@pytest.mark.parametrize("ensemble", ["nose_hoover", "langevin"])
def test_dynamics_go_on_from_the_middle_of_a_load(ensemble: str) -> None:
    def run(checkpoint: MemoryCheckpoint) -> Measurement:
        return measure(
            Bend(),
            PlatePotential(),
            PlatePolarization(),
            material=MONOLAYER,
            checkpoint=checkpoint,
            lost_at_most=0,
            ensemble=ensemble,
            **DYNAMICS,
        )

    whole = run(MemoryCheckpoint())
    checkpoint = FragileCheckpoint(stop_after=5)
    with pytest.raises(Killed):
        run(checkpoint)
    resumed = run(checkpoint)
    assert whole.arrays["shortening"] == pytest.approx([0.0, 0.1, 0.2, 0.3])
    for name in ("energy_per_area", "z", "p_full"):
        assert np.array_equal(resumed.arrays[name], whole.arrays[name])
    assert np.ptp(whole.arrays["z"][-1]) > 0.1  # it has begun to buckle
    held = whole.arrays["held"]
    assert whole.frames["ribbon"][-1].positions[held] == pytest.approx(whole.frames["ribbon"][0].positions[held])


def test_figures_are_drawn_from_the_record_alone(tmp_path: Any) -> None:
    measurement = measure(
        Bend(),
        PlatePotential(),
        PlatePolarization(),
        material=MONOLAYER,
        length=40.0,
        steps=3,
        max_curvature=0.01,
        check_length=None,
        check_steps=None,
    )
    config = {"material": {"name": "bn_monolayer"}, "potential": {"name": "plate"}}
    record = Record("0", "ok", "bend", 1, "plate", "plate", "bn_monolayer", "quick", config, measurement.observables)
    paths = Bend().figures(record, measurement.arrays, tmp_path)
    assert [path.name for path in paths] == ["ribbon.png", "energy_curvature.png", "polarization_gradient.png"]
    assert all(path.stat().st_size > 10_000 for path in paths)
    without = {name: array for name, array in measurement.arrays.items() if not name.startswith(("p_", "atomic"))}
    assert len(Bend().figures(record, without, tmp_path / "other")) == 2


def test_structure_is_what_is_bent() -> None:
    params = BendParams(length=40.0)
    context = TrialContext(Bend(), PlatePotential(), None, BILAYER, params)  # type: ignore[arg-type]
    assert isinstance(context.atoms, Atoms)
    assert len(context.atoms) == 8 * 9
    with pytest.raises(HarnessError, match="material.a must be positive"):
        Bend().structure(build_material(BILAYER | {"a": -1.0}), params)
