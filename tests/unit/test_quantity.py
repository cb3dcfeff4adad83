"""A quantity keeps its unit, its interval and its gaps on the way through JSON."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.contracts.quantity import Quantity

numbers = st.floats(allow_nan=False, allow_infinity=False, width=64)


@given(numbers, st.floats(0, 1e6), st.sampled_from(["eV", "pC/m", "1"]))
def test_json_round_trip_is_exact(value: float, width: float, unit: str) -> None:
    quantity = Quantity(value, unit, (value - width, value + width), n=5, n_eff=3.5, method="test")
    text = json.dumps(quantity.to_dict(), allow_nan=False)
    assert Quantity.from_dict(json.loads(text)) == quantity


def test_missing_answers_survive() -> None:
    quantity = Quantity(float("nan"), "eV", (-math.inf, math.inf))
    back = Quantity.from_dict(json.loads(json.dumps(quantity.to_dict(), allow_nan=False)))
    assert isinstance(back.value, float) and math.isnan(back.value)
    assert back.interval == (-math.inf, math.inf)


def test_arrays_become_lists() -> None:
    assert Quantity(np.arange(3.0), "e").to_dict()["value"] == [0.0, 1.0, 2.0]
    assert isinstance(Quantity(np.float64(2), "e").value, float)


def test_a_reversed_interval_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="reversed"):
        Quantity(1.0, "eV", (2.0, 0.0))


def test_text_shows_unit_and_interval() -> None:
    assert str(Quantity(4.9, "eV", (4.6, 5.2))) == "4.9 [4.6, 5.2] eV"
    assert str(Quantity(0.5, "1")) == "0.5"
