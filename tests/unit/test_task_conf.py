"""The tasks' YAML: every profile is accepted by the task, and the command line wins over the profile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from harness_tasks import harness_tasks
from omegaconf import OmegaConf

from harness.cli.task_defaults import defaults
from harness.registry.lookup import build_material
from harness.registry.parameters import build_params

CONF = Path(__file__).parents[2] / "conf"
TASKS = harness_tasks()


def composed(task: str, profile: str) -> dict[str, Any]:
    path = CONF / "task" / task / f"{profile}.yaml"
    over = OmegaConf.load(path).params if path.exists() else {}
    return OmegaConf.to_container(OmegaConf.merge(defaults(TASKS[task].Params), over))  # type: ignore[return-value]


@pytest.mark.parametrize("profile", ["quick", "standard", "paper"])
def test_profiles_of_bend_are_valid(profile: str) -> None:
    params = build_params(TASKS["bend"].Params, composed("bend", profile), "task 'bend'")
    assert (params.method == "dynamics") == (profile == "paper")
    material = OmegaConf.to_container(OmegaConf.load(CONF / "material" / "bn_bilayer.yaml"))
    atoms = TASKS["bend"]().structure(build_material(material), params)
    assert len(atoms) == {"quick": 144, "standard": 4608, "paper": 4608}[profile]


@pytest.mark.parametrize("profile", ["quick", "standard", "paper"])
@pytest.mark.parametrize("task", ["elastic", "piezo"])
def test_profiles_of_strain_series_are_valid(task: str, profile: str) -> None:
    params = build_params(TASKS[task].Params, composed(task, profile), f"task '{task}'")
    assert (params.method == "dynamics") == (profile == "paper")
    assert 0.005 in params.strains
    assert len(params.strains) == {"quick": 2, "standard": 4, "paper": 2}[profile]


@pytest.mark.parametrize("task", TASKS)
def test_the_configuration_takes_its_defaults_from_the_task(task: str, command: Callable[..., Any]) -> None:
    shown = command(f"task={task}", "potential=plate", "--cfg", "job")
    assert shown.returncode == 0, shown.stderr
    composed_task = OmegaConf.create(shown.stdout).task
    assert composed_task == {"name": task, "factory": None, "plugins": [], "params": composed(task, "quick")}
    assert build_params(TASKS[task].Params, defaults(TASKS[task].Params), task) == TASKS[task].Params()


@pytest.mark.parametrize("material", ["bn_bilayer", "bn_monolayer"])
def test_every_material_can_be_built(material: str) -> None:
    values = OmegaConf.to_container(OmegaConf.load(CONF / "material" / f"{material}.yaml"))
    assert values["name"] == material  # type: ignore[index, call-overload]
    task = TASKS["single_point"]
    assert len(task().structure(build_material(values), task.Params())) in (2, 4)


def test_the_command_line_wins_over_the_profile(harness: Callable[..., CompletedProcess[str]]) -> None:
    shown = harness("task=bend", "potential=plate", "profile=standard", "task.params.steps=3", "--cfg", "job")
    assert shown.returncode == 0, shown.stderr
    params = OmegaConf.create(shown.stdout).task.params
    assert params.steps == 3
    assert params.width == 80.0


@pytest.mark.parametrize("profile", ["quick", "standard", "paper"])
def test_profiles_of_tc_sweep_are_valid(profile: str) -> None:
    params = build_params(TASKS["tc_sweep"].Params, composed("tc_sweep", profile), "task 'tc_sweep'")
    material = OmegaConf.to_container(OmegaConf.load(CONF / "material" / "bn_bilayer.yaml"))
    sheet = TASKS["tc_sweep"]().structure(build_material(material), params)
    assert len(sheet) == {"quick": 16, "standard": 256, "paper": 900}[profile]
    temperatures = params.temperatures(100.0)
    steps = params.repeats * (2 * len(temperatures) - 1) * params.steps
    assert steps == {"quick": 43_750, "standard": 345_000, "paper": 12_150_000}[profile]  # as their comments say
    assert (temperatures[-1] == 2000.0) == (profile == "paper")


@pytest.mark.parametrize("name", sorted(path.stem for path in (CONF / "experiment").glob("*.yaml")))
def test_experiments_name_what_there_is(name: str) -> None:
    sweep = OmegaConf.load(CONF / "experiment" / f"{name}.yaml").hydra.sweeper.params
    potentials = {path.stem for path in CONF.parent.glob("plugins/*/*/conf/potential/*.yaml")}
    for group, known in (("task", set(TASKS)), ("potential", potentials)):
        if group in sweep:
            assert set(sweep[group].split(",")) <= known
