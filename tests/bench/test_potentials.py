"""Force calls of every potential that has its environment, through the harness against the bare backend.

    pytest tests/bench/test_potentials.py --benchmark-only --benchmark-json=potentials.json

``extra_info`` holds microseconds of processor time per atom and call on both sides and their ratio (aim: at most 1.02).
Environments that are not there yet are skipped: ``python -m harness.plugins --make NAME`` makes them.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from omegaconf import OmegaConf

from harness.execution.environments import environment_for
from harness.registry.catalogue import find_plugin

ARMS = Path(__file__).with_name("arms.py")
#: Rounds at 64, 900 and 3,600 atoms; 0 where one call takes longer than half a minute.
ROUNDS = {
    "tersoff_ilp": (100, 40, 20),
    "deep_wannier": (40, 20, 8),
    "allegro_dream": (40, 20, 8),
    "mace": (20, 8, 3),
    "gap": (10, 3, 2),
    "chgnet": (5, 2, 0),
    "sevenn": (5, 2, 0),
}
SIZES = (64, 900, 3600)
#: Single precision differs in its rounding.
TOLERANCES = {"chgnet": 1e-3, "sevenn": 1e-3}


def defaults(name: str) -> Any:
    """Parameters in the plugin's own configuration."""
    folder = find_plugin(name).package_folder
    assert folder is not None
    return OmegaConf.to_container(OmegaConf.load(folder / "conf" / "potential" / f"{name}.yaml"))["params"]  # type: ignore[index,call-overload]


@pytest.mark.benchmark(group="force call", disable_gc=True)
@pytest.mark.parametrize("natoms", SIZES)
@pytest.mark.parametrize("name", ROUNDS)
def test_force_call(benchmark: Any, name: str, natoms: int) -> None:
    rounds = ROUNDS[name][SIZES.index(natoms)]
    environment = environment_for([name])
    if not environment.ready or not rounds:
        pytest.skip(f"python -m harness.plugins --make {name}" if rounds else "too slow at this size")
    single = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "TF_INTRA_OP", "TF_INTER_OP")}
    command = [str(environment.python), str(ARMS), name, str(natoms), str(rounds), json.dumps(defaults(name))]

    def run() -> dict[str, Any]:
        out = subprocess.run(command, env={**os.environ, **single}, capture_output=True, text=True)
        assert out.returncode == 0, out.stderr
        result: dict[str, Any] = json.loads(out.stdout.splitlines()[-1])
        return result

    result = benchmark.pedantic(run, rounds=1)
    cpu = {arm: 1e6 * float(np.median(samples)) / natoms for arm, samples in result["seconds"].items()}
    benchmark.extra_info.update(
        natoms=natoms, harness_us_per_atom=cpu["harness"], bare_us_per_atom=cpu["bare"],
        ratio=cpu["harness"] / cpu["bare"], largest_difference=result["largest_difference"],
        samples_us_per_atom={k: [1e6 * s / natoms for s in v] for k, v in result["seconds"].items()},
    )  # fmt: skip
    if result["largest_difference"] is not None:
        assert result["largest_difference"] < TOLERANCES.get(name, 1e-8)
