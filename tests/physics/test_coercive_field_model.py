"""The model of the sliding path: constants and closed forms of Deng et al., arXiv 2407.15081, and its fit."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from harness_tasks.coercive_field.analysis import Models, of_path
from harness_tasks.coercive_field.path_model import PathModel, exact_field, square_root_coefficient, square_root_law

from .sliding_layers import DENG


def test_published_constants_give_the_published_fields() -> None:
    assert DENG.vertical_field() == pytest.approx(2.8605, abs=1e-4)  # printed: 2.86
    slow, sudden = DENG.least_field("lost_minimum"), DENG.least_field("below_start")
    assert 100 * (1 - slow.total / DENG.vertical_field()) == pytest.approx(64.3, abs=0.05)  # "more than 64 %"
    assert 100 * (1 - sudden.total / DENG.vertical_field()) == pytest.approx(71.0, abs=0.05)  # "and 70 %"
    assert (slow.parallel, slow.perpendicular) == pytest.approx((0.791, 0.648), abs=1e-3)
    assert (sudden.parallel, sudden.perpendicular) == pytest.approx((0.697, 0.450), abs=2e-3)
    assert (slow.dip, sudden.dip) == pytest.approx((39.3, 32.8), abs=0.05)


def test_published_constants_give_the_published_polarization_and_barrier() -> None:
    energy, along, across = DENG.curves
    unit = 1602.176634 / (math.sqrt(3) / 2 * 2.511**2)
    assert unit * across(DENG.start) == pytest.approx(2.042, abs=1e-3)  # BA points up
    assert unit * along(0.0) == pytest.approx(2.088, abs=1e-3)
    assert 1e3 * energy(0.0) == pytest.approx(7.464, abs=1e-3)


@pytest.mark.parametrize(
    ("parallel", "exact", "root"),
    [
        (0.01, 2.61155, 2.61475), (0.1, 2.05850, 2.08336), (0.2, 1.72070, 1.76146), (0.5, 1.06843, 1.12276),
        (1.0, 0.41901, 0.40295),
    ],
)  # fmt: skip
def test_closed_forms_agree_with_the_direct_search(parallel: float, exact: float, root: float) -> None:
    """Eqs. 4, 5 and S6 of the paper."""
    assert DENG.coercive_field(parallel) == pytest.approx(exact, abs=2e-5)
    assert exact_field(DENG, parallel) == pytest.approx(DENG.coercive_field(parallel), abs=1e-6)
    assert square_root_law(DENG, parallel) == pytest.approx(root, abs=2e-5)
    assert square_root_coefficient(DENG) == pytest.approx(0.8591, abs=1e-4)


def test_total_field_along_a_dip_is_the_same_border() -> None:
    least = DENG.least_field()
    assert DENG.along_dip(least.dip) == pytest.approx(least.total, rel=1e-6)
    assert DENG.along_dip(90.0) == pytest.approx(DENG.vertical_field(), rel=1e-6)
    assert DENG.along_dip(0.0) == pytest.approx(DENG.horizontal_field(), rel=1e-6)


def test_enthalpy_loses_its_minimum_at_the_coercive_field() -> None:
    """By looking at the enthalpy itself: just below there is a hill between BA and SP, just above there is none."""
    t = np.linspace(DENG.start, 0, 2001)
    for parallel in (0.05, 0.3):
        field = DENG.coercive_field(parallel)
        assert np.diff(DENG.enthalpy(t, parallel, 0.995 * field)).max() > 0
        assert np.diff(DENG.enthalpy(t, parallel, 1.005 * field))[1:-1].max() < 0


@pytest.mark.parametrize("order", [1, 3])
def test_fit_finds_the_model_that_made_the_points(order: int) -> None:
    t = np.linspace(-0.725, 0.725, 9)
    energy, along, across = (curve(t) for curve in DENG.curves)
    found = PathModel.fit(t, energy + 3.0, along + 1.0, across - 2.0, order)
    assert found.vertical_field() == pytest.approx(DENG.vertical_field(), rel=1e-9)
    assert found.constants() == pytest.approx(DENG.constants(), rel=1e-8)
    assert found.summit == pytest.approx(0.027017 * 0.725**4)


def test_an_interval_needs_another_fit_that_has_a_minimum_to_lose() -> None:
    lost = replace(DENG, q=tuple(-x for x in DENG.q))
    found = of_path(Models(DENG, DENG, DENG, lost))
    own, paper = found["coercive_field_path"], found["coercive_field_model"]
    assert own.value == paper.value == pytest.approx(2.8605, abs=1e-4)
    assert own.interval is None and "no interval" in own.method and paper.interval is not None
    assert not Models(DENG, DENG, lost, DENG).switchable and not Models(lost, DENG, DENG, DENG).switchable
