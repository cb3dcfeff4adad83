"""The task `tc_sweep` on layers that move like one particle, whose order is known by other means."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from harness_tasks.oracles.cosine import CosinePotential
from harness_tasks.structures.bilayers import bilayer
from harness_tasks.structures.registries import AB, BA, SP
from harness_tasks.tc_sweep.analysis import Band, crossing, falling
from harness_tasks.tc_sweep.observables import CURIES
from harness_tasks.tc_sweep.order_parameter import CROSSINGS, ORDERED, Shift, hops, im_psi, telegraph_mean
from harness_tasks.tc_sweep.params import TcSweepParams
from harness_tasks.tc_sweep.task import TcSweep

from harness.contracts.measurement import Measurement
from harness.errors import HarnessError
from harness.testing.trial import MemoryCheckpoint, TrialContext, measure
from tests.support.checkpoints import FragileCheckpoint, Killed

from .rigid_layers import MATERIAL, Particle, RigidLayers

BARRIER, CELLS = 0.004, 2
RUN: dict[str, Any] = {
    "cells": CELLS, "points": 5, "time": 3.0, "timestep": 5.0, "damping": 300.0, "repeats": 6, "sample_every": 2,
    "leg": 200,
}  # fmt: skip
SHORT = RUN | {"points": 2, "time": 0.5, "repeats": 2, "leg": 40}


def value(measurement: Measurement, name: str) -> float:
    return float(measurement.observables[name].value)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def swept() -> Measurement:
    return measure(TcSweep(), RigidLayers(BARRIER), material=MATERIAL, **RUN)


@pytest.fixture(scope="module")
def expected(swept: Measurement) -> np.ndarray:
    """|⟨Im ψ⟩| of 400 particles on the same way, (400, 2, temperatures)."""
    t = swept.arrays["temperatures"]
    start = bilayer(MATERIAL, AB, 3.35).positions
    particle = Particle(CELLS**2, BARRIER, 10.81 + 14.007, 300.0, (start[2] - start[0])[:2], 400)
    means = [np.abs(particle.run(3000.0, 5.0, x, 600.0)) for x in (*t, *t[-2::-1])]
    return np.array([means[: len(t)], means[len(t) - 1 :][::-1]]).transpose(2, 0, 1)


def test_order_parameter_of_the_stackings() -> None:
    """As printed: Im ψ = √3/2 at BA and −√3/2 at AB; 0 at AA and SP."""
    registries = np.array([BA, AB, (0, 0), SP, (0.5, 0), (0, 0.5)])
    assert im_psi(registries) == pytest.approx([ORDERED, -ORDERED, 0, 0, 0, 0], abs=1e-12)
    cell = bilayer(MATERIAL, AB, 3.35)
    a, b = cell.cell.array[:2, :2]
    reciprocal = np.linalg.inv([a, b]).T
    t = (cell.positions[2] - cell.positions[0])[:2]  # shift in Å against the printed G = a* − b*
    assert math.sin(2 * math.pi * (reciprocal[0] - reciprocal[1]) @ t) == pytest.approx(-ORDERED)


def test_shift_is_read_off_moving_atoms() -> None:
    sheet = bilayer(MATERIAL, AB, 3.35).repeat((3, 3, 1))
    shift = Shift(sheet, AB, 3)
    moved = sheet.positions + [0.7, -5.0, 0.3]  # everything drifts
    upper = np.arange(len(sheet)) % 4 >= 2
    moved[upper] += np.append((BA - AB) @ bilayer(MATERIAL, AB, 3.35).cell.array[:2, :2], 0.0)
    assert shift.local(moved) == pytest.approx(np.tile(BA, (9, 1)))
    stretched = sheet.positions.copy()
    stretched[0, 0] += 0.1
    stretched[1, 0] -= 0.1 * sheet.get_masses()[0] / sheet.get_masses()[1]  # the mass centre stays
    assert shift.local(stretched) == pytest.approx(np.tile(AB, (9, 1)))


def test_hops_are_counted_between_sides() -> None:
    assert hops(np.array([0.8, 0.1, 0.8, 0.0, -0.8, -0.1, 0.1, -0.7, 0.7])) == 2
    assert hops(np.array([0.1, 0.2])) == 0


def test_mean_of_a_random_telegraph_signal() -> None:
    rng = np.random.default_rng(0)
    means = []
    for _ in range(20000):
        times = np.sort(rng.random(rng.poisson(CROSSINGS)))
        means.append(np.diff([0.0, *times, 1.0]) @ (-1.0) ** np.arange(len(times) + 1))
    assert np.mean(np.abs(means)) == pytest.approx(0.5, abs=0.01)
    assert telegraph_mean(1e-9) == pytest.approx(1)


def test_crossing_of_half_the_amplitude() -> None:
    t = np.array([100.0, 200.0, 300.0])
    found = crossing(t, np.array([ORDERED, 0.75 * ORDERED, 0.25 * ORDERED]))
    assert (found.low, found.value, found.high) == (200.0, pytest.approx(250.0), 300.0)
    assert crossing(t, np.zeros(3)).value == pytest.approx(50.0)  # ordered at 0 K
    assert crossing(t, np.array([ORDERED, math.nan, 0.0])).value == pytest.approx(200.0)
    never = crossing(t, np.full(3, ORDERED))
    assert never.low == 300.0 and math.isnan(never.value) and never.high == math.inf


def test_falling_curve_is_the_nearest_one() -> None:
    order = np.array([0.8, 0.9, 0.2, math.nan, 0.4, 0.0])
    assert falling(order) == pytest.approx([0.85, 0.85, 0.3, math.nan, 0.3, 0.0], nan_ok=True)
    rng = np.random.default_rng(0)
    order = rng.random(7)
    found = falling(order)
    assert (np.diff(found) <= 1e-12).all()
    others = np.sort(rng.random((20000, 7)), axis=1)[:, ::-1]
    assert ((others - order) ** 2).sum(axis=1).min() > ((found - order) ** 2).sum()


def test_intervals_hold_what_they_promise() -> None:
    """A known falling curve with noise: 95 % of the intervals have its crossing inside, and few are endless."""
    t = np.linspace(50, 500, 10)
    curve = ORDERED * (1 - t / 600)  # half at 300 K
    rng = np.random.default_rng(0)
    found = [Band.of(curve + 0.15 * rng.standard_normal((4, 10))).crossing(t) for _ in range(400)]
    assert np.mean([one.low <= 300.0 <= one.high for one in found]) > 0.94
    assert np.mean([one.value for one in found]) == pytest.approx(300.0, abs=15.0)
    many = Band.of(curve + 0.15 * rng.standard_normal((40, 10))).crossing(t)
    assert many.high - many.low < 0.5 * np.median([one.high - one.low for one in found])
    alone = Band.of(curve[None])  # no width but the distance of the temperatures
    here = alone.crossing(t)
    assert (here.low, here.value, here.high) == pytest.approx((275.0, 300.0, 325.0))
    assert alone.kind == "numerical" and Band.of(curve + 0.15 * rng.standard_normal((4, 10))).kind == "confidence"


def test_order_is_that_of_one_particle(swept: Measurement, expected: np.ndarray) -> None:
    found = np.abs(swept.arrays["order"])
    off = (found.mean(axis=0) - expected.mean(axis=0)) / (expected.std(axis=0) / math.sqrt(len(found)))
    assert np.abs(off).max() < 4
    assert abs(off.mean()) < 4 / math.sqrt(off.size)


def test_curie_temperature_is_that_of_one_particle(swept: Measurement, expected: np.ndarray) -> None:
    t = swept.arrays["temperatures"]
    mean = expected.mean(axis=0)
    orders = dict(zip(CURIES, (mean.mean(axis=0), mean[0], mean[1], mean.max(axis=0)), strict=True))
    for observable, order in orders.items():
        known = crossing(t, order).value
        assert swept.observables[observable.key].kind == "confidence"
        low, high = swept.observables[observable.key].interval or (0.0, 0.0)
        assert low < known < high
        # Arrhenius with the frequency of the quartic path, and a telegraph signal: independent of both simulations
        assert known == pytest.approx(value(swept, "arrhenius_temperature"), rel=0.15)
    low, _ = swept.observables["curie_temperature"].interval or (0.0, 0.0)
    assert low > 0.4 * value(swept, "curie_temperature")
    assert value(swept, "barrier_per_cell") == pytest.approx(1e3 * BARRIER, rel=1e-3)
    assert value(swept, "cells") == CELLS**2 and value(swept, "time_per_temperature") == 3.0
    assert all(check.passed for check in swept.checks)


def test_larger_sheets_keep_their_order_longer() -> None:
    """N ΔE: the same layer, twice as long, is held twice as well at the same temperatures."""
    run = RUN | {"highest": 110.0, "step": 55.0, "lowest": 55.0, "repeats": 3}
    small, large = (measure(TcSweep(), RigidLayers(BARRIER), material=MATERIAL, **run | {"cells": n}) for n in (1, 3))
    assert np.abs(small.arrays["order"]).mean() < 0.5 < np.abs(large.arrays["order"]).mean()
    assert math.isnan(value(large, "curie_temperature"))
    assert large.observables["curie_temperature"].interval == (110.0, math.inf)
    assert any("stays above half" in note for note in large.notes)


@pytest.mark.parametrize("ensemble", ["langevin", "nose_hoover"])
def test_killed_run_goes_on_to_the_same_bits(ensemble: str) -> None:
    run = SHORT | {"ensemble": ensemble}
    whole = measure(TcSweep(), RigidLayers(BARRIER), material=MATERIAL, **run)
    fragile = FragileCheckpoint(stop_after=8)
    with pytest.raises(Killed):
        measure(TcSweep(), RigidLayers(BARRIER), material=MATERIAL, checkpoint=fragile, lost_at_most=0, **run)
    left = MemoryCheckpoint()
    left.stored = fragile.stored
    context = TrialContext(TcSweep(), RigidLayers(BARRIER), None, MATERIAL, TcSweepParams(**run), checkpoint=left)  # type: ignore[arg-type]
    resumed = TcSweep().measure(context)
    assert context.bar.done == context.bar.total
    for name, array in whole.arrays.items():
        assert np.array_equal(array, resumed.arrays[name], equal_nan=True), name


def test_seed_and_repeats_differ() -> None:
    one, two = (measure(TcSweep(), RigidLayers(BARRIER), material=MATERIAL, seed=s, **SHORT) for s in (0, 1))
    assert not np.array_equal(one.arrays["order"], two.arrays["order"])
    assert not np.array_equal(one.arrays["registry_0"], one.arrays["registry_1"])


def test_torn_layers_are_a_result() -> None:
    """Atoms that hardly anything ties to their layer leave it when they get warm."""
    run = SHORT | {"highest": 3000.0, "step": 1500.0, "lowest": 1.0, "time": 1.0}
    found = measure(TcSweep(), RigidLayers(BARRIER, tie=0.3), material=MATERIAL, **run)
    assert value(found, "unphysical_temperature") in (1500.0, 3000.0)
    (ended,) = [check for check in found.checks if check.name == "unphysical_sweeps"]
    assert not ended.passed and "a layer is torn" in ended.reason and "step" in ended.reason
    assert np.isfinite(found.arrays["order"][:, 0, 0]).all()  # what was finished before is kept
    assert np.isnan(found.arrays["order"][:, 1, 0]).all()


def test_without_a_barrier_nothing_orders() -> None:
    found = measure(TcSweep(), RigidLayers(-0.001), material=MATERIAL, **SHORT)
    assert math.isnan(value(found, "curie_temperature"))
    assert any("no minimum" in note for note in found.notes)


def test_barrier_of_the_cosine_bilayer() -> None:
    potential = CosinePotential()
    found = measure(TcSweep(), potential, material=MATERIAL, **SHORT | {"time": 0.05, "repeats": 1})
    known = potential.provenance()["analytic"]["barrier_per_cell"]["value"]
    assert value(found, "barrier_per_cell") == pytest.approx(known, rel=1e-3)


def test_a_bilayer_without_polarization_is_refused() -> None:
    for stacking in ("AA", "SP", "AA'"):
        with pytest.raises(HarnessError, match="polar stacking"):
            measure(TcSweep(), RigidLayers(BARRIER), material={**MATERIAL.source.parameters, "stacking": stacking})


def test_published_temperatures() -> None:
    t = TcSweepParams(highest=2000.0, step=50.0).temperatures(math.nan)
    assert len(t) == 41 and t[0] == 1.0 and t[1] == 50.0 and t[-1] == 2000.0
    assert TcSweepParams(reach=2.0, points=4).temperatures(100.0) == pytest.approx([50, 100, 150, 200])
