"""Every fitter that a plugin registers takes what the protocol says; seen without importing its backend."""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from pathlib import Path

import pytest

from harness.contracts.fitter import Fitter
from harness.registry.catalogue import Plugin, catalogue

PLUGINS = [plugin for plugin in catalogue().values() if plugin.folder is not None]
WANTED = [name for name in inspect.signature(Fitter.__call__).parameters if name != "self"]


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.name)
def test_fitters_follow_the_protocol(plugin: Plugin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(plugin.folder), *sys.path])
    fitters = getattr(importlib.import_module(plugin.module), "harness_fitters", dict)()
    for place in fitters.values():
        module, _, name = place.partition(":")
        tree = ast.parse((Path(str(plugin.folder)) / f"{module.replace('.', '/')}.py").read_text())
        (function,) = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
        assert [argument.arg for argument in function.args.args] == WANTED
