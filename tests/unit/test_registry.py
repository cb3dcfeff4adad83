"""One broken plugin is reported by name; the others go on; listing imports no backend."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml

from harness.contracts.hookspecs import HarnessSpec

BACKENDS = ("torch", "motep", "numba", "nequip", "mace", "deepmd", "quippy", "lammps", "hydra")


def run(code: str, *folders: Path) -> str:
    path = os.pathsep.join([*map(str, folders), os.environ.get("PYTHONPATH", "")])
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


def make_distribution(folder: Path, name: str, code: str) -> None:
    """An installed distribution as pip leaves it: a module and its metadata."""
    (folder / f"harness_{name}.py").write_text(code)
    info = folder / f"harness_{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: harness-{name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[harness]\n{name} = harness_{name}\n")


GOOD = """
from harness import hookimpl
@hookimpl
def harness_potentials():
    return {"good": dict}
"""


def test_broken_plugins_do_not_stop_the_others(tmp_path: Path) -> None:
    make_distribution(tmp_path, "good", GOOD)
    make_distribution(tmp_path, "syntax", "def (:")
    make_distribution(tmp_path, "imports", "import no_such_package_here")
    make_distribution(tmp_path, "hook", GOOD.replace('{"good": dict}', "1/0"))
    make_distribution(tmp_path, "nothing", GOOD.replace('{"good": dict}', "None"))
    make_distribution(tmp_path, "signature", GOOD.replace("potentials()", "potentials(something)"))
    text = run("from harness.plugins import main; main([])", tmp_path)
    assert "potential=good" in text
    reasons = {
        "syntax": "SyntaxError",
        "imports": "no_such_package_here",
        "hook": "ZeroDivisionError",
        "nothing": "NoneType",
        "signature": "something",
    }
    for name, reason in reasons.items():
        block = text.split(f"\n{name}: ")[1].splitlines()[1]
        assert block.strip().startswith("broken: ") and reason in block


def test_two_plugins_with_the_same_name_are_an_error(tmp_path: Path) -> None:
    make_distribution(tmp_path, "good", GOOD)
    make_distribution(tmp_path, "copy", GOOD)
    text = run(
        "from harness.errors import HarnessError\nfrom harness.registry import lookup\n"
        "try:\n    lookup.potentials()\nexcept HarnessError as e:\n    print(e)", tmp_path,
    )  # fmt: skip
    assert "two plugins bring 'good': copy and good" in text


def test_listing_imports_no_backend() -> None:
    code = "import sys\nfrom harness.plugins import survey\nsurvey()\nprint(*sys.modules)"
    loaded = {name.partition(".")[0] for name in run(code).split()}
    assert not loaded & set(BACKENDS)


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    command = [sys.executable, "-m", "harness.plugins"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as listing:
        assert listing.stdout is not None and listing.stderr is not None
        listing.stdout.close()
        said = listing.stderr.read()
    assert (listing.returncode, said) == (0, b"")


def test_the_worker_needs_no_hydra() -> None:
    code = "import sys; sys.modules['hydra'] = sys.modules['omegaconf'] = None\nimport harness.worker; print('ok')"
    assert run(code).strip() == "ok"


def test_every_hook_is_documented() -> None:
    hooks = [name for name in vars(HarnessSpec) if name.startswith("harness_")]
    text = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text()
    assert hooks and all(name in text for name in hooks)


RINGS = """
from dataclasses import dataclass
from harness import hookimpl
from harness.contracts.parameters import Positive
@dataclass
class Params:
    radius: Positive = 1.0
    turns: tuple[int, ...] = (1, 2)
class Rings:
    name, version, requires, needs, observables, Params = "rings", 1, frozenset(), frozenset(), (), Params
@hookimpl
def harness_tasks():
    return {"rings": Rings}
"""


def test_an_importable_task_needs_no_yaml(tmp_path: Path) -> None:
    make_distribution(tmp_path, "rings", RINGS)
    call = "from harness.__main__ import main\nmain(['task=rings', 'potential=plate', *{}])"
    shown = yaml.safe_load(run(call.format(["task.params.radius=2", "--cfg", "job"]), tmp_path))
    assert shown["task"] == {
        "name": "rings", "factory": None, "plugins": ["rings"], "params": {"radius": 2, "turns": [1, 2]},
    }  # fmt: skip
    refused = run("import sys\nsys.stderr = sys.stdout\n" + call.format(["task.params.radius=-2"]), tmp_path)
    assert "task.params.radius is -2. Give a positive number, e.g. task.params.radius=1." in refused
