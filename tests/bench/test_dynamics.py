"""Molecular dynamics of 900 atoms: the default engine, ASE's loop, and the engine that a potential brings.

    pytest tests/bench/test_dynamics.py --benchmark-only --benchmark-json=dynamics.json

``extra_info`` holds microseconds of processor time per atom and step of each loop (see `loops.py`), their ratios, and
the share of the step that is not the potential's: below 5 %.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.execution.environments import environment_for

LOOPS = Path(__file__).with_name("loops.py")
LAYERED = {"intralayer": {"name": "mtp", "params": {}}, "interlayer": {"name": "lj", "params": {}}}
#: Factory, parameters, steps in a round: one leg, as tasks have them.
CASES = {"mtp_cd": ("layered", LAYERED, 250), "tersoff_ilp": ("tersoff_ilp", {}, 250)}
CELLS, ROUNDS = 15, 4


@pytest.mark.benchmark(group="dynamics of 900 atoms", disable_gc=True)
@pytest.mark.parametrize("name", CASES)
def test_step(benchmark: Any, name: str) -> None:
    factory, params, steps = CASES[name]
    python = sys.executable
    if name != "mtp_cd":
        environment = environment_for([name])
        if not environment.ready:
            pytest.skip(f"python -m harness.plugins --make {name}")
        python = str(environment.python)
    single = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    command = [python, str(LOOPS), factory, str(CELLS), str(steps), str(ROUNDS), json.dumps(params)]

    def run() -> dict[str, Any]:
        out = subprocess.run(command, env={**os.environ, **single}, capture_output=True, text=True)
        assert out.returncode == 0, out.stderr
        result: dict[str, Any] = json.loads(out.stdout.splitlines()[-1])
        return result

    result = benchmark.pedantic(run, rounds=1)
    assert result["natoms"] == 900
    cpu = {arm: 1e6 * float(np.median(samples)) / 900 for arm, samples in result["seconds"].items()}
    benchmark.extra_info.update(
        us_per_atom_step=cpu,
        own_share=result["own_share"],
        ratio_to={arm: cpu["loop"] / cpu[arm] for arm in cpu if arm != "loop"},
        samples_us_per_atom_step={k: [1e6 * s / 900 for s in v] for k, v in result["seconds"].items()},
    )
    assert result["own_share"] < 0.05
