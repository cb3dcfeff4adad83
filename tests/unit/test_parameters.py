"""Wrong names and wrong types are told with the nearest right one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pytest

from harness.errors import HarnessError, unknown_choice
from harness.registry.parameters import build_params, check_parameters


@dataclass
class Params:
    length: float = 60.0
    steps: int = 3
    boundary: Literal["periodic", "open"] = "periodic"
    size: tuple[int, int] = (1, 2)
    limit: float | None = None

    def __post_init__(self) -> None:
        if self.length <= 0:
            raise ValueError("length has to be positive")


def test_values_are_converted() -> None:
    params = build_params(Params, {"length": 3, "size": [4, 5], "limit": 2}, "task 'bend'")
    assert params == Params(3.0, size=(4, 5), limit=2.0)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"lenght": 3}, "Did you mean 'length'"),
        ({"length": "long"}, "is not a number"),
        ({"steps": 2.5}, "is not a whole number"),
        ({"steps": True}, "is not a whole number"),
        ({"boundary": "opn"}, "Did you mean 'open'"),
        ({"size": [1, 2, 3]}, "list of 2"),
        ({"size": 4}, "list"),
        ({"length": -1.0}, "has to be positive"),
    ],
)
def test_mistakes(values: dict, words: str) -> None:
    with pytest.raises(HarnessError, match=words):
        build_params(Params, values, "task 'bend'")


def test_factories() -> None:
    def factory(model: str, cutoff: float = 5.0) -> None: ...

    check_parameters(factory, {"model": "a"}, "potential 'x'", "potential.params")
    with pytest.raises(HarnessError, match="Did you mean 'cutoff'"):
        check_parameters(factory, {"model": "a", "cutof": 1}, "potential 'x'", "potential.params")
    with pytest.raises(HarnessError, match="needs the parameter 'model'"):
        check_parameters(factory, {}, "potential 'x'", "potential.params")


def test_unknown_names_the_nearest_and_all() -> None:
    error = unknown_choice("task", "bned", ["elastic", "bend"], "Look there.")
    assert str(error) == "unknown task 'bned'. Did you mean 'bend'? Choices: bend, elastic. Look there."


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("device.threads=0", "device.threads is 0. Give a whole number of at least 1 and of at most 1024."),
        ("timeout=0", "timeout is 0. Give a positive number."),
        ("timeout=nan", "timeout is nan. Give a positive number."),
        ("seed=-1", "seed is -1. Give a whole number of at least 0 and below 4294967296, e.g. seed=0."),
        ("+device.thread=2", "unknown setting 'device.thread'. Did you mean 'device.threads'?"),
    ],
)
def test_settings_of_a_run_are_bounded(setting: str, text: str, command: Any) -> None:
    process = command("task=single_point", "potential=plate", setting)
    assert process.returncode == 2
    assert process.stderr.startswith(f"error: {text}")
