"""A plugin from outside the repository, not installed here: found, listed, configured, run in its own environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.execution.environments import MARKER, _commands, ensure, environment_for
from harness.registry.catalogue import find_plugin

CommandLine = Callable[..., Any]
DATA = Path(__file__).parents[1] / "data"
RUN = ("task=stretch", "potential=tether", "task.params.height=2.0", "potential.params.k=3.0")


@pytest.mark.install
def test_whole_run_in_an_environment_of_its_own(harness: CommandLine, tmp_path: Path, cache: Path) -> None:
    listing = harness(module="harness.plugins").stdout
    assert "potential=tether" in listing and "(made at the first run)" in listing
    first = harness(*RUN)
    assert first.returncode == 0, first.stderr
    assert "making environment outside-" in first.stderr
    (path,) = (tmp_path / "runs").rglob("record.json")
    record = json.loads(path.read_text())
    assert record["status"] == "ok"
    assert record["observables"]["energy"]["value"] == pytest.approx(0.5 * 3.0 * 2.0**2, abs=1e-12)
    # six is installed there and is no part of the base install's requirements
    assert record["provenance"]["potential"]["versions"]["six"] == "1.17.0"
    assert "(made)" in harness(module="harness.plugins").stdout
    # backends keep compiled kernels in the user's cache folder, which they must find there without HARNESS_CACHE
    (python,) = cache.glob("envs/outside-*/bin/python")
    code = "from harness.execution.environments import cache_folder; print(cache_folder())"
    bare = {key: value for key, value in os.environ.items() if key != "HARNESS_CACHE"}
    found = subprocess.run([python, "-c", code], env=bare, capture_output=True, text=True, check=True).stdout
    assert Path(found.strip()).name == "mlip-harness"
    second = harness(*RUN, "task.params.height=1.0")
    assert second.returncode == 0 and "making environment" not in second.stderr


@pytest.mark.install
def test_profiles_of_the_plugin_and_overrides(harness: CommandLine) -> None:
    for extra, height in (((), 1.0), (("profile=paper",), 3.0), (("profile=paper", "task.params.height=7"), 7)):
        text = harness("task=stretch", "potential=tether", *extra, "--cfg", "job").stdout
        assert f"height: {height}" in text


@pytest.mark.install
def test_bad_input_found_in_the_worker(harness: CommandLine) -> None:
    process = harness("task=stretch", "potential=tether", "+task.params.heigth=2")
    assert process.returncode == 2
    assert process.stderr.strip().splitlines()[-1].startswith("error: ")
    assert "Did you mean 'height'" in process.stderr and "Traceback" not in process.stderr


@pytest.mark.install
def test_a_timeout_leaves_a_record(harness: CommandLine, tmp_path: Path) -> None:
    process = harness("task=stretch", "potential=tether", "task.params.wait=60", "timeout=10")
    assert process.returncode == 1 and "timeout" in process.stderr
    (path,) = (tmp_path / "runs").rglob("record.json")
    record = json.loads(path.read_text())
    assert record["status"] == "timeout" and "at 50 % of stretch" in record["error"]


@pytest.mark.install
def test_kill_minus_nine_leaves_a_record_and_no_worker(harness: CommandLine, tmp_path: Path, cache: Path) -> None:
    harness(*RUN)  # makes the environment
    environment = {**os.environ, "HARNESS_CACHE": str(cache), "HARNESS_PLUGIN_PATH": str(DATA)}
    command = [sys.executable, "-m", "harness", "task=stretch", "potential=tether", "task.params.wait=60"]
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        records = [json.loads(p.read_text()) for p in (tmp_path / "runs" / "stretch").glob("*/record.json")]
        if any(record["status"] == "interrupted" for record in records):
            break
        time.sleep(0.1)
    process.kill()
    process.wait()
    time.sleep(0.5)
    assert any(record["status"] == "interrupted" and "killed" in record["error"] for record in records)
    workers = subprocess.run(["pgrep", "-f", f"{tmp_path}/runs"], capture_output=True, text=True).stdout
    assert not workers.strip()


@pytest.mark.install
def test_an_environment_that_cannot_be_made(harness: CommandLine, tmp_path: Path) -> None:
    broken = tmp_path / "plugins" / "nowhere"
    (broken / "harness_nowhere" / "conf" / "potential").mkdir(parents=True)
    text = (DATA / "outside" / "pyproject.toml").read_text()
    text = text.replace("six==1.17.0", "no-such-package-for-the-harness==1.0").replace("outside", "nowhere")
    (broken / "pyproject.toml").write_text(text)
    (broken / "harness_nowhere" / "__init__.py").write_text("")
    (broken / "harness_nowhere" / "conf" / "potential" / "lost.yaml").write_text("name: lost\nplugins: [nowhere]\n")
    variables = {"HARNESS_PLUGIN_PATH": f"{tmp_path / 'plugins'}", "HARNESS_CACHE": str(tmp_path / "cache")}
    process = harness("-m", "task=single_point", "potential=lost,plate", env=variables)
    assert process.returncode == 2
    errors = [line for line in process.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and "no-such-package-for-the-harness" in errors[0] and ".log" in errors[0]
    assert not [p for p in (tmp_path / "cache" / "envs").iterdir() if p.is_dir()]  # nothing half-made
    statuses = {json.loads(p.read_text())["status"] for p in (tmp_path / "runs").rglob("record.json")}
    assert statuses == {"failed", "ok"}  # the other cell of the sweep went on


LIGHT = """
from harness import hookimpl
from harness.testing.free_atoms import FreeAtoms
@hookimpl
def harness_potentials():
    return {"light": FreeAtoms}
"""


def light(plugins: Path, dependencies: str, tool: str = "") -> Path:
    """A plugin of one module and one YAML file, not installed."""
    folder = plugins / "light"
    (folder / "harness_light" / "conf" / "potential").mkdir(parents=True)
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "harness-light"\nversion = "0"\ndependencies = {dependencies}\n'
        f'[project.entry-points.harness]\nlight = "harness_light"\n[tool.harness]\n{tool}'
    )
    (folder / "harness_light" / "__init__.py").write_text(LIGHT)
    (folder / "harness_light" / "conf" / "potential" / "light.yaml").write_text("name: light\nplugins: [light]\n")
    return folder


def test_without_dependencies_of_its_own_a_plugin_runs_here(harness: CommandLine, tmp_path: Path) -> None:
    light(tmp_path / "plugins", '["mlip-harness", "numpy>=1.26", "ASE"]')
    variables = {"HARNESS_PLUGIN_PATH": f"{tmp_path / 'plugins'}", "HARNESS_CACHE": str(tmp_path / "cache")}
    assert "light: runs here\n" in harness(module="harness.plugins", env=variables).stdout
    process = harness("task=single_point", "potential=light", env=variables)
    assert process.returncode == 0, process.stderr
    (path,) = (tmp_path / "runs").rglob("record.json")
    record = json.loads(path.read_text())
    assert record["status"] == "ok" and record["provenance"]["potential"]["form"] == "free atoms"
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("dependencies", "tool", "here"),
    [
        ("[]", "", True),
        ('["mlip-harness", "six; python_version < \'3\'"]', "", True),
        ('["mlip-harness", "numpy>=99"]', "", False),
        ('["mlip-harness", "six"]', "", False),
        ('["mlip-harness"]', 'needs = ["dft"]', False),
    ],
)
def test_what_counts_as_a_dependency_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dependencies: str, tool: str, here: bool
) -> None:
    folder = light(tmp_path, dependencies, tool)
    monkeypatch.setenv("HARNESS_PLUGIN_PATH", str(tmp_path))
    assert find_plugin("light").runs_here == here
    (folder / "harness_light").rename(folder / "elsewhere")  # nothing to load from the folder as it is
    assert not find_plugin("light").runs_here


def test_half_made_environments_are_removed(outside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    environment = environment_for(["outside"])
    (environment.folder / "bin").mkdir(parents=True)
    (environment.folder / "bin" / "python").write_text("left by a killed creation")
    assert not environment.ready
    monkeypatch.setattr("harness.execution.environments._commands", lambda e: [["false"]])
    with pytest.raises(HarnessError, match="cannot make the environment"):
        ensure(environment, lambda line: None)
    assert not environment.folder.exists() and not (environment.folder / MARKER).exists()


def test_environments_are_named_by_what_is_in_them(outside: Path, tmp_path: Path) -> None:
    first = environment_for(["outside"])
    assert first == environment_for(["outside", "outside"])
    assert first.name != environment_for(["dft"]).name
    assert str(outside) in first.requirements


def test_uv_and_pip_get_the_same_requirements(outside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = environment_for(["outside"])
    tails = []
    for installer in ("uv", "pip"):
        monkeypatch.setenv("HARNESS_INSTALLER", installer)
        tails.append(_commands(environment)[-1][-len(environment.requirements) :])
    assert tails[0] == tails[1] == list(environment.requirements)
