"""Why an installer gave up, from its own words."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.execution.environments import environment_for, explain

CONFLICT = """\
Collecting six==1.16.0 (from harness-a==0)
ERROR: Cannot install harness-a==0 and harness-b==0 because these package versions have conflicting dependencies.

The conflict is caused by:
    harness-a 0 depends on six==1.16.0
    harness-b 0 depends on six==1.17.0

To fix this you could try to:
1. loosen the range of package versions you've specified

ERROR: ResolutionImpossible: for help visit https://pip.pypa.io/en/latest/topics/dependency-resolution/
"""
UNREACHABLE = """\
WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError('…: refused')': /simple/six/
ERROR: Could not find a version that satisfies the requirement six==1.17.0 (from versions: none)
ERROR: No matching distribution found for six==1.17.0
"""
UNKNOWN = UNREACHABLE.partition("\n")[2]
COMPILER = """\
Building wheels for collected packages: harness-c
  error: command 'gcc' failed: No such file or directory
"""


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (CONFLICT, "harness-a 0 depends on six==1.16.0, but harness-b 0 depends on six==1.17.0"),
        (UNREACHABLE, "index cannot be reached"),
        (UNKNOWN, "No matching distribution found for six==1.17.0"),
        (COMPILER, "command 'gcc' failed"),
        ("Collecting six\n", ""),
    ],
)
def test_the_reason_is_found(log: str, words: str) -> None:
    reason = explain(log)
    assert words in reason and "\n" not in reason and "ResolutionImpossible" not in reason


def test_an_environment_holds_what_a_plugin_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, extra in (("driver", ""), ("styles", 'needs = ["driver"]'), ("lonely", 'needs = ["drivr"]')):
        folder = tmp_path / name
        (folder / f"harness_{name}").mkdir(parents=True)
        (folder / "pyproject.toml").write_text(
            f'[project]\nname = "harness-{name}"\nversion = "0"\n'
            f'[project.entry-points.harness]\n{name} = "harness_{name}"\n[tool.harness]\n{extra}\n'
        )
    monkeypatch.setenv("HARNESS_PLUGIN_PATH", str(tmp_path))
    environment = environment_for(["styles"])
    assert environment == environment_for(["styles", "driver"])
    assert {str(tmp_path / "styles"), str(tmp_path / "driver")} <= set(environment.requirements)
    assert str(tmp_path / "styles") not in environment_for(["driver"]).requirements
    with pytest.raises(HarnessError, match="Did you mean 'driver'"):
        environment_for(["lonely"])


def test_only_what_is_installed_names_an_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine" / "harness_mine").mkdir(parents=True)
    pyproject = tmp_path / "mine" / "pyproject.toml"
    project = (
        '[project]\nname = "harness-mine"\nversion = "0"\n{}[project.entry-points.harness]\nmine = "harness_mine"\n'
    )
    monkeypatch.setenv("HARNESS_PLUGIN_PATH", str(tmp_path))
    names = []
    tools = '[project.optional-dependencies]\ntest = ["pytest"]\n[tool.ruff]\nline-length = 99\n'
    for text in (project.format(""), project.format("") + tools, project.format('dependencies = ["six"]\n')):
        pyproject.write_text(text)
        names.append(environment_for(["mine"]).name)
    assert names[0] == names[1] != names[2]


def test_an_interpreter_is_the_same_by_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``python -m harness`` and ``python3 -m harness`` share their environments."""
    name = environment_for(["gap"]).name
    link = tmp_path / "python3-by-another-name"
    link.symlink_to(sys.executable)
    monkeypatch.setattr(sys, "executable", str(link))
    assert environment_for(["gap"]).name == name
