"""Options and fixtures of the characterization suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from .console import REPOSITORY, Console

HERE = Path(__file__).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of this folder; they are known when a path in it is given to pytest."""
    parser.addoption("--update-expected", action="store_true", help="store what is found as the new expectation")
    parser.addoption("--exact", action="store_true", help="1e-9 for every number: for one machine, before and after")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out this folder's slow cases unless ``-m slow`` asks for them."""
    if config.option.markexpr == "slow":
        return
    slow = [item for item in items if HERE in item.path.parents and item.get_closest_marker("slow")]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    """Whether expectations are to be stored."""
    return bool(request.config.getoption("--update-expected", default=False))


@pytest.fixture
def exact(request: pytest.FixtureRequest) -> bool:
    """Whether numbers have to agree to the last digits."""
    return bool(request.config.getoption("--exact", default=False))


@pytest.fixture
def console(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Console:
    """The command lines, in an empty folder, with the plugins of the source tree and no others."""
    folder, cache = tmp_path / "folder", tmp_path / "cache"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("HARNESS_CACHE", str(cache))
    monkeypatch.delenv("HARNESS_PLUGIN_PATH", raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    return Console(capfd, {"<folder>": folder, "<cache>": cache, "<repository>": REPOSITORY})
