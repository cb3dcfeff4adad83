"""The tasks' default parameters, from their ``Params`` into Hydra's ConfigStore; YAML holds their profiles only."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Sequence
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING

from harness.registry import lookup
from harness.registry.catalogue import catalogue


def store_task_defaults(arguments: Sequence[str]) -> None:
    """Make every task that can be imported here a choice of the group ``task``.

    A plugin's own ``conf/task/NAME.yaml`` comes first. A task that is not importable here, because its plugin runs in
    an environment of its own, needs that file.

    Parameters
    ----------
    arguments
        Of the command line. Where they name the tasks, or ask for help, the others are stored by name only and are
        not imported.
    """
    owners = _owners()
    named = [argument.partition("=")[2] for argument in arguments if re.match(r"task=[\w,]+$", argument)]
    chosen = {name for names in named for name in names.split(",")}
    if {"--help", "-h"} & set(arguments):
        chosen = set()
    elif not chosen or not chosen <= set(owners):
        chosen = set(owners)
    for name, plugin in owners.items():
        plugins = [] if plugin is None else [plugin]
        node: dict[str, Any] = {"name": name, "plugins": plugins}
        node["defaults"] = ["_self_", {f"optional {name}@_here_": "${profile}"}]
        if name in chosen:
            node["params"] = defaults(lookup.tasks(plugins)[name].Params)
        ConfigStore.instance().store(group="task", name=name, node=node, provider="harness")


def defaults(params: type) -> dict[str, Any]:
    """Plain default values of a dataclass by field name, ``???`` for one that the user has to give."""
    values: dict[str, Any] = {}
    for entry in dataclasses.fields(params):
        if entry.default_factory is not dataclasses.MISSING:
            values[entry.name] = entry.default_factory()
        else:
            values[entry.name] = MISSING if entry.default is dataclasses.MISSING else entry.default
    plain: dict[str, Any] = json.loads(json.dumps(values, default=dataclasses.asdict))
    return plain


def _owners() -> dict[str, str | None]:
    """The plugin of each task whose defaults come from its class; None for the tasks of this distribution."""
    owners: dict[str, str | None] = dict.fromkeys(lookup.tasks(()))
    for plugin in catalogue().values():
        if not plugin.runs_here:
            continue
        stated = plugin.static.get("tasks")
        names = set(lookup.tasks([plugin.name])) - set(owners) if stated is None else stated
        folder = plugin.package_folder
        own = set() if folder is None else {path.stem for path in (folder / "conf" / "task").glob("*.yaml")}
        owners |= dict.fromkeys(set(names) - own, plugin.name)
    return owners
