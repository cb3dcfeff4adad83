"""What the harness costs beside the physics: a run of the plainest task on a potential that costs nothing."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.execution.runner import run
from harness.registry import lookup
from harness.registry.lookup import build_material

CONFIG: dict[str, Any] = {
    "task": {"name": "single_point", "params": {}},
    "potential": {"name": "plate", "params": {}},
    "polarization": {"name": "none", "params": {}},
    "material": {"name": "bn_bilayer", "symbols": ["B", "N"], "layers": 2, "stacking": "AB", "a": 2.511,
                 "distance": 3.35, "vacuum": 25.0},
    "profile": {"name": "quick"},
    "device": {"name": "cpu", "dtype": "float64", "threads": 1},
    "seed": 0, "force": True, "timeout": None,
}  # fmt: skip


@pytest.mark.benchmark(group="whole run")
def test_run_in_process(benchmark: Any, tmp_path: Path) -> None:
    """Identity, job file, measurement, record: everything but Hydra and the start of Python."""
    config = copy.deepcopy(CONFIG) | {"runs": str(tmp_path)}
    outcome = benchmark(run, config)
    assert outcome.record.status == "ok"


@pytest.mark.benchmark(group="whole run")
def test_bare_evaluation(benchmark: Any) -> None:
    """The same energy and forces without the harness, in the same run."""
    task = lookup.build_task("single_point")
    atoms = task.structure(build_material(CONFIG["material"]), task.Params())
    atoms.calc = lookup.build_potential("plate", {}, ()).calculator()

    def evaluate() -> float:
        atoms.calc.reset()
        atoms.get_forces()
        return atoms.get_potential_energy()

    assert benchmark(evaluate) == pytest.approx(atoms.get_potential_energy())


@pytest.mark.benchmark(group="command line")
@pytest.mark.parametrize("command", ["harness", "python"])
def test_command_line(benchmark: Any, tmp_path: Path, command: str) -> None:
    """`python -m harness` on the same task, against an empty Python that imports NumPy and ASE."""
    arguments = {
        "harness": ["-m", "harness", "task=single_point", "potential=plate", "force=true"],
        "python": ["-c", "import numpy, ase"],
    }[command]

    def call() -> int:
        return subprocess.run([sys.executable, *arguments], cwd=tmp_path, capture_output=True).returncode

    assert benchmark.pedantic(call, rounds=5, iterations=1, warmup_rounds=1) == 0
