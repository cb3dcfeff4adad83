"""What a wheel holds: the packages and the configuration, no generic import names; it runs from any folder."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


def test_import_names(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    top = {name.partition("/")[0] for name in names if not name.partition("/")[0].endswith(".dist-info")}
    assert top == {"harness", "harness_tasks", "harness_reports"}
    assert "harness/conf/config.yaml" in names and "harness/conf/task/bend/quick.yaml" in names
    assert any(name.startswith("harness_reports/templates/") for name in names)
    assert any(name.startswith("harness_tasks/reference/") for name in names)


def test_the_wheel_runs_without_the_source_tree(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    code = "import harness, harness.registry.catalogue as c; print(harness.__file__, c.source_root())"
    environment = {**os.environ, "PYTHONPATH": str(site)}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True
        )

    where, root = run("-c", code).stdout.split()
    assert Path(where).is_relative_to(site) and root == "None"
    process = run("-m", "harness", "task=single_point", "potential=plate")
    assert process.returncode == 0, process.stderr
    assert list((tmp_path / "runs").rglob("record.json"))
