"""Every task refuses a wrong parameter by its declaration, before anything runs, in one line that says what to type."""

from __future__ import annotations

import math
from typing import Any

import pytest
from harness_tasks import harness_tasks

from harness.errors import HarnessError
from harness.registry.parameters import build_params

TASKS = harness_tasks()
EXTREME = (math.nan, math.inf, -math.inf, -1e300, 1e300)


@pytest.mark.parametrize(
    ("task", "wrong", "text"),
    [
        ("accuracy", {"dispersion": "d3"}, "unknown value of task.params.dispersion 'd3'. Did you mean 'd3bj'?"),
        ("bend", {"length": -80}, "task.params.length is -80. Give a positive number of at most 100000, e.g. "),
        ("bend", {"width": 0.0}, "task.params.width is 0. Give a positive number of at most 100000."),
        (
            "bend",
            {"fmax": 0.0},
            "task.params.fmax is 0. Give a positive number of at most 100, e.g. task.params.fmax=2e-06",
        ),
        ("bend", {"relax_cell": 1}, "task.params.relax_cell=1 is not true or false."),
        ("bend", {"method": "dynamics"}, "task.params.step=0.2"),
        ("bend", {"sample_every": 20_000}, "sample_every=20000 exceeds"),
        ("coercive_field", {"path_points": 8}, "task.params.path_points is 8. Give an odd number of at least 5, e.g. "),
        ("coercive_field", {"order": 7}, "task.params.order is 7. Give 1 to 6: path_points=13."),
        ("coercive_field", {"grid": 5}, "task.params.grid is 5. Give a multiple of 6 of at least 0, e.g. "),
        (
            "coercive_field",
            {"dips": (45, 95)},
            "task.params.dips[1] is 95. Give a number of at least 0 and of at most 90.",
        ),
        (
            "coercive_field",
            {"ramp_parallels": [-0.1]},
            "ramp_parallels[0] is -0.1. Give a number of at least 0 and of at most 10.",
        ),
        ("coercive_field", {"temperatures": [0]}, "temperatures[0] is 0. Give a positive number"),
        ("coercive_field", {"ramp_start": 3.0}, "ramp_start is not below ramp_end"),
        ("conformance", {"samples": 0}, "samples is 0. Give a whole number of at least 1"),
        (
            "conformance",
            {"rattle": 0.2},
            "rattle is 0.2. Give a positive number below 0.2, e.g. task.params.rattle=0.08.",
        ),
        ("conformance", {"path_points": 3}, "path_points is 3. Give a whole number of at least 30"),
        ("elastic", {"strains": [0.005, 0.5]}, "strains[1] is 0.5. Give a positive number of at most 0.1."),
        ("elastic", {"strains": []}, "strains is []. Give a list of different values with at least 1, e.g. "),
        ("elastic", {"strains": [0.01, 0.01]}, "e.g. task.params.strains=[0.0025,0.005]."),
        ("elastic", {"thickness": -3.0}, "thickness is -3"),
        ("elastic", {"sample_every": 20_000}, "exceeds relaxation_steps"),
        ("interlayer", {"stackings": ["AB", "AC"]}, "AC"),
        ("interlayer", {"stackings": ["AA'", "AAp"]}, "names one twice"),
        (
            "interlayer",
            {"distances": [3.0, 3.1, 3.0, 3.3, 3.4, 3.5]},
            "Give a list of increasing values with at least 6",
        ),
        ("interlayer", {"distances": [3.0, 3.2, 3.4]}, "with at least 6"),
        ("interlayer", {"fit_points": 4}, "fit_points is 4"),
        ("moire_relax", {"twists": [], "mismatch": []}, "there is no moiré to relax"),
        ("moire_relax", {"twists": [0]}, "twists[0] is 0"),
        ("moire_relax", {"mismatch": [2]}, "mismatch[0] is 2. Give 3 to 10000 cells, or -3 to -10000."),
        ("moire_relax", {"max_grade": 0.0}, "max_grade is 0. Give a positive number of at most 1e+06, e.g. "),
        (
            "piezo",
            {"strains": "0.01"},
            "task.params.strains=0.01 is not a list. Give task.params.strains=VALUE with a list",
        ),
        ("polarization_pattern", {"n": 1}, "n is 1. Give a whole number of at least 2, e.g. task.params.n=5."),
        ("polarization_pattern", {"antiparallel_n": 1}, "antiparallel_n is 1. Give 0 or a number of at least 2."),
        ("polarization_pattern", {"geometry": []}, "geometry is []"),
        ("polarization_pattern", {"geometry": ["flt"]}, "unknown value of task.params.geometry[0] 'flt'"),
        ("polarization_pattern", {"fields": [0.0]}, "fields[0] is 0. Give a number other than 0"),
        ("polarization_pattern", {"response": "assumed"}, "Give task.params.susceptibility=4.14."),
        ("single_point", {"repeat": [0, 1]}, "repeat[0] is 0. Give a whole number of at least 1"),
        ("single_point", {"repeat": [1]}, "task.params.repeat=[1] is not a list of 2."),
        ("sliding", {"paths": ["rigid", "rigid"]}, "paths is [rigid,rigid]. Give a list of different values"),
        ("sliding", {"paths": [], "grid": 0}, "nothing to do"),
        ("tc_sweep", {"cells": 0}, "cells is 0"),
        ("tc_sweep", {"highest": 100.0}, "highest and step belong together"),
        ("tc_sweep", {"discard": 1.0}, "discard is 1. Give a number of at least 0 and below 1"),
        ("tc_sweep", {"time": 0.01}, "fewer than two samples"),
        ("tc_sweep", {"ensemble": "langevn"}, "Did you mean 'langevin'?"),
    ],
)
def test_a_wrong_value_is_refused_with_what_is_allowed(task: str, wrong: dict[str, Any], text: str) -> None:
    with pytest.raises(HarnessError) as error:
        build_params(TASKS[task].Params, wrong, f"task '{task}'")
    assert text in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("task", TASKS)
def test_every_number_is_bounded(task: str) -> None:
    """NaN, infinity and absurd sizes are refused for each number, also inside lists."""
    default = TASKS[task].Params()
    for name in default.__dataclass_fields__:
        value = getattr(default, name)
        inside = isinstance(value, tuple)
        if isinstance(value[0] if inside and value else value, (int, float)) and not isinstance(value, bool):
            for extreme in EXTREME:
                with pytest.raises(HarnessError, match=f"task.params.{name}"):
                    build_params(TASKS[task].Params, {name: [extreme] if inside else extreme}, f"task '{task}'")
