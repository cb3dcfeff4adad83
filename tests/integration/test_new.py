"""``python -m harness.new``: what it writes works at once, from an empty folder."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness import new

CommandLine = Callable[..., Any]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a new potential and a new task, neither of them installed."""
    folder = tmp_path_factory.mktemp("new")
    for arguments in (("potential", "my_model"), ("task", "my_task")):
        subprocess.run([sys.executable, "-m", "harness.new", *arguments], cwd=folder, check=True, capture_output=True)
    return folder


def test_the_new_task_runs_with_the_new_potential(written: Path, harness: CommandLine) -> None:
    """In this process: neither has requirements of its own. The lattice constant is that of the potential's page."""
    process = harness("task=my_task", "potential=my_model", "material=bn_monolayer", cwd=written)
    assert process.returncode == 0, process.stderr
    assert "making environment" not in process.stderr
    (path,) = (written / "runs").rglob("record.json")
    record = json.loads(path.read_text())
    assert record["status"] == "ok" and all(check["passed"] for check in record["checks"])
    assert record["observables"]["lattice_constant"]["value"] == pytest.approx(2.511, abs=1e-3)
    assert record["observables"]["areal_modulus"]["kind"] == "numerical"
    assert (path.parent / "figures/energy.png").is_file()


@pytest.mark.parametrize("folder", ["harness-my-model", "harness-my-task"])
def test_their_own_tests_pass_and_they_are_tidy(written: Path, folder: str) -> None:
    """The potential's tests are those of `harness.testing`: conformance."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", folder]
    tests = subprocess.run(command, cwd=written, capture_output=True, text=True)
    assert tests.returncode == 0, tests.stdout
    ruff = [sys.executable, "-m", "ruff", "format", "--check", "--line-length", "120", folder]
    if subprocess.run([*ruff[:3], "--version"], capture_output=True).returncode == 0:  # part of the development install
        form = subprocess.run(ruff, cwd=written, capture_output=True, text=True)
        assert form.returncode == 0, form.stdout


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("potential", "My-Model", "is no name"),
        ("potential", "class", "is no name"),
        ("potential", "mtp", "is taken"),
        ("task", "bend", "is taken"),
        ("task", "mine", "exists already"),
    ],
)
def test_names_that_cannot_be(
    kind: str,
    name: str,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "harness-mine").mkdir()
    assert new.main([kind, name]) == 2
    assert words in capsys.readouterr().err
    assert list(tmp_path.rglob("*")) == [tmp_path / "harness-mine"]
