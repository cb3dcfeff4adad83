"""What a user can choose and set: tasks, models, groups, options, their defaults, commands, entry points."""

from __future__ import annotations

import importlib.metadata
import json
import tomllib

import pytest
import yaml

from .cases import TASKS
from .console import REPOSITORY, Console
from .expectations import load, store


def test_what_there_is(console: Console, update: bool) -> None:
    """Names of tasks, potentials, polarization models, reports, and of every option of every group."""
    plugins = {
        entry["name"]: {key: entry[key] for key in ("potentials", "polarization_models", "tasks", "reports")}
        for entry in json.loads(console("--json", module="harness.plugins").stdout)
    }
    groups: dict[str, list[str]] = {}
    for line in console("--help").stdout.splitlines():
        name, colon, options = line.partition(": ")
        if colon and name.isidentifier() and ", " in f"{options}, " and not line.startswith(" "):
            groups[name] = options.split(", ")
    found = {"plugins": plugins, "groups": groups}
    if update:
        store("surface", found)
        return
    stored = load("surface")
    for name, kinds in stored["plugins"].items():
        for kind, names in kinds.items():
            assert set(names) <= set(plugins[name][kind]), (name, kind)
    for group, options in stored["groups"].items():
        assert set(options) <= set(groups[group]), group


@pytest.mark.slow
def test_parameters_of_every_task_in_every_profile(console: Console, update: bool) -> None:
    check_parameters(console, update, "parameters", ("quick", "standard", "paper"))


def test_parameters_of_every_task(console: Console, update: bool) -> None:
    check_parameters(console, update, "parameters_quick", ("quick",))


def check_parameters(console: Console, update: bool, name: str, profiles: tuple[str, ...]) -> None:
    """Names and defaults of the parameters, as Hydra composes them."""
    found = {}
    for task in TASKS:
        for profile in profiles:
            text = console(f"task={task}", "potential=mtp_cd", f"profile={profile}", "--cfg", "job").stdout
            composed = yaml.safe_load(text)
            found[f"{task}/{profile}"] = composed["task"]["params"]
            rest = {key: value for key, value in composed.items() if key not in ("task", "profile")}
            assert found.setdefault("all", rest) == rest
    if update:
        store(name, found)
        return
    for key, expected in load(name).items():
        assert found[key] == found[key] | expected, key  # a new parameter may have come


def test_commands_and_entry_points() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert project["scripts"]["harness"] == "harness.__main__:main"
    installed = {entry.name: entry.value for entry in importlib.metadata.entry_points(group="harness")}
    assert {"mtp", "layered", "charge_dipole", "tight_binding"} <= set(installed)
    found = {}
    for path in sorted(REPOSITORY.glob("plugins/*/pyproject.toml")):
        found |= tomllib.loads(path.read_text())["project"]["entry-points"]["harness"]
    assert set(found) >= {
        "allegro_dream", "charge_dipole", "chgnet", "deep_wannier", "dft", "gap", "lammps", "layered", "mace", "mtp",
        "sevenn", "tersoff_ilp", "tight_binding",
    }  # fmt: skip
    for name, module in found.items():
        assert module == f"harness_{name}"
