"""Which parameters name model files or data sets: those that a signature marks by their type.

A job is made without importing a plugin that is not installed here, so each plugin also states the marked parameters of
its factories in ``pyproject.toml``: ``[tool.harness.model_files]`` with ``mtp = ["model"]``.
"""

from __future__ import annotations

import contextlib
import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.contracts.parameters import FileMark
from harness.registry import lookup
from harness.registry.catalogue import Plugin, catalogue


def file_parameters(component: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Dotted key below ``params``, and value, of every model file of a potential or polarization model.

    Parameters
    ----------
    component
        Its part of the configuration: ``name``, ``factory``, ``plugins``, ``params``. A parameter that is a mapping
        with a ``name`` is another component, whose files count too.
    """
    known = catalogue()
    table: dict[str, Sequence[str]] = {}
    for plugin in known.values():
        table |= plugin.static.get("model_files", {})
    for name, factory in _factories([name for name in component.get("plugins") or [] if not known[name].static]):
        table.setdefault(name, marked(factory))
    yield from _search(component.get("factory") or component["name"], component.get("params") or {}, table)


def marked(factory: Callable[..., Any], *kinds: str) -> list[str]:
    """Dotted names of the parameters of a factory, or fields of a dataclass, that are marked as files.

    Parameters
    ----------
    factory
        A function, a class, or a TypedDict.
    kinds
        Of the marks; none for ``model`` and ``arguments``. An entry ``kwargs.*`` stands for every argument.
    """
    kinds = kinds or ("model", "arguments")
    found: list[str] = []
    for name, hint in _hints(factory).items():
        if typing.get_origin(hint) in (typing.Union, types.UnionType):
            hint = next(choice for choice in typing.get_args(hint) if choice is not type(None))
        marks = [
            mark for mark in getattr(hint, "__metadata__", ()) if isinstance(mark, FileMark) and mark.kind in kinds
        ]
        if marks:
            found.append(f"{name}.*" if marks[0].kind == "arguments" else name)
        elif typing.is_typeddict(hint):
            found += [f"{name}.{inner}" for inner in marked(hint, *kinds)]
    return found


def declared(plugin: Plugin) -> dict[str, list[str]]:
    """Marked parameters of the factories that a plugin registers, by name; imports its module of hooks."""
    found: dict[str, list[str]] = {}
    own = {*plugin.static.get("potentials", ()), *plugin.static.get("polarization_models", ())}
    for name, factory in _factories([plugin.name]):
        if name in own and marked(factory):
            found[name] = sorted({*found.get(name, ()), *marked(factory)})
    return found


def _factories(plugins: Sequence[str]) -> list[tuple[str, Callable[..., Any]]]:
    return [*lookup.potentials(plugins).items(), *lookup.polarization_models(plugins).items()]


def _hints(factory: Any) -> dict[str, Any]:
    """Types of the parameters; those that only a type checker can resolve are left out."""
    if typing.is_typeddict(factory) or hasattr(factory, "__dataclass_fields__"):
        return typing.get_type_hints(factory, include_extras=True)
    function = vars(factory).get("__init__") if isinstance(factory, type) else factory
    names = getattr(function, "__globals__", {})
    hints: dict[str, Any] = {}
    for name, parameter in inspect.signature(factory).parameters.items():
        alone = types.SimpleNamespace(__annotations__={name: parameter.annotation})
        with contextlib.suppress(NameError):
            hints |= typing.get_type_hints(alone, names, include_extras=True)
    return hints


def _search(
    name: str, params: Mapping[str, Any], table: Mapping[str, Sequence[str]], prefix: str = ""
) -> Iterator[tuple[str, str]]:
    for dotted in table.get(name, ()):
        *parents, last = dotted.split(".")
        node: Any = params
        for parent in parents:
            node = (node.get(parent) if isinstance(node, Mapping) else None) or {}
        if last == "*":
            files = {key: value for key, value in node.items() if isinstance(value, str) and Path(value).is_file()}
            yield from ((f"{prefix}{'.'.join(parents)}.{key}", value) for key, value in files.items())
        elif isinstance(node, Mapping) and isinstance(node.get(last), str):
            yield f"{prefix}{dotted}", node[last]
    for key, value in params.items():
        if isinstance(value, Mapping) and "name" in value:
            yield from _search(value["name"], value.get("params") or {}, table, f"{prefix}{key}.params.")
