"""Model files are marked by their type, and stated in a plugin's table, which is read without importing it."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest
from harness_tasks import harness_tasks

from harness.registry.catalogue import Plugin, catalogue
from harness.registry.files import set_parameter
from harness.registry.model_files import file_parameters, marked

PLUGINS = [plugin for plugin in catalogue().values() if plugin.folder is not None]


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.name)
def test_table_and_annotations_agree(plugin: Plugin, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of every plugin of the repository: none imports its backend with its hooks."""
    monkeypatch.setattr(sys, "path", [str(plugin.folder), *sys.path])
    module = importlib.import_module(plugin.module)
    found: dict[str, set[str]] = {}
    for hook in ("harness_potentials", "harness_polarization_models"):
        for name, factory in getattr(module, hook, dict)().items():
            found.setdefault(name, set()).update(marked(factory))
    stated = plugin.static.get("model_files", {})
    assert {name: set(files) for name, files in stated.items()} == {n: files for n, files in found.items() if files}


def test_files_of_nested_components_by_their_names() -> None:
    params: dict[str, Any] = {
        "intralayer": {"name": "mtp", "params": {"model": "a.mtp", "engine": "numba"}},
        "interlayer": {"name": "lj", "params": {"model": "b.json", "cutoff": 3}},
    }
    component = {"name": "mtp_cd", "factory": "layered", "plugins": ["layered", "mtp"], "params": params}
    assert dict(file_parameters(component)) == {"intralayer.params.model": "a.mtp", "interlayer.params.model": "b.json"}
    set_parameter(params, "intralayer.params.model", "c")
    assert params["intralayer"]["params"]["model"] == "c"
    wannier = {"name": "deep_wannier", "params": {"model": "e.pb", "wannier": {"model": "w.pb"}}}
    assert dict(file_parameters(wannier)) == {"model": "e.pb", "wannier.model": "w.pb"}
    assert not dict(file_parameters(wannier | {"params": {"model": "e.pb", "wannier": None}, "name": "chgnet"}))


def test_arguments_of_any_calculator_that_are_files(tmp_path: Path) -> None:
    (tmp_path / "own.model").write_text("")
    arguments = {"model_paths": str(tmp_path / "own.model"), "model": "medium", "head": None}
    component = {"name": "ase", "params": {"calculator": "a:b", "kwargs": arguments}}
    assert dict(file_parameters(component)) == {"kwargs.model_paths": str(tmp_path / "own.model")}
    assert not dict(file_parameters({"name": "ase", "params": {"calculator": "a:b", "kwargs": None}}))


def test_data_sets_of_tasks_by_their_type() -> None:
    found = {name: marked(task.Params, "dataset") for name, task in harness_tasks().items()}
    assert {name: marks for name, marks in found.items() if marks} == {"accuracy": ["dataset"]}
