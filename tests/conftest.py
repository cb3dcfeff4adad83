"""Shared fixtures: the command line as a user has it, and a plugin from outside the repository."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.__main__ import main

DATA = Path(__file__).parent / "data"

CommandLine = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a separate distribution with a potential and a task, known but not installed."""
    monkeypatch.setenv("HARNESS_PLUGIN_PATH", str(DATA))
    return DATA / "outside"


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache of environments for the whole session, so that each is made once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def command(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> CommandLine:
    """Run the command line in this process, in a fresh folder: quick, for all that a new process would not change."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("HARNESS_CACHE", str(cache))
    monkeypatch.setenv("HARNESS_PLUGIN_PATH", str(DATA))

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        code = main(list(arguments))
        return subprocess.CompletedProcess(arguments, code, *capfd.readouterr())

    return call


@pytest.fixture
def harness(tmp_path: Path, cache: Path) -> CommandLine:
    """Run ``python -m harness…`` in a fresh folder; returns the finished process."""

    def call(*arguments: str, module: str = "harness", **kwargs: object) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "HARNESS_CACHE": str(cache), "HARNESS_PLUGIN_PATH": str(DATA)}
        environment.update(kwargs.pop("env", {}))  # type: ignore[call-overload]
        return subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=kwargs.pop("cwd", tmp_path), env=environment, capture_output=True, text=True, timeout=300,
        )  # fmt: skip

    return call
