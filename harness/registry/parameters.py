"""Parameters are checked by name before anything runs."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any

from harness.errors import HarnessError, unknown


def check_parameters(factory: Callable[..., Any], params: Mapping[str, Any], owner: str, key: str) -> None:
    """Refuse parameters that `factory` does not take, and name those that it lacks.

    Raises
    ------
    HarnessError
        Names the nearest parameter that exists.
    """
    try:
        signature = inspect.signature(factory)
    except (TypeError, ValueError):  # a factory written in C
        return
    kinds = [p.kind for p in signature.parameters.values()]
    names = [n for n, p in signature.parameters.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    if inspect.Parameter.VAR_KEYWORD not in kinds:
        for name in params:
            if name not in names:
                raise unknown(f"parameter of {owner}", name, names, f"Set it as {key}.NAME=VALUE.")
    for name in names:
        if signature.parameters[name].default is inspect.Parameter.empty and name not in params:
            raise HarnessError(f"{owner} needs the parameter '{name}'.", f"Give {key}.{name}=VALUE.")


def build_params(cls: type, values: Mapping[str, Any], owner: str) -> Any:
    """An instance of a task's ``Params`` dataclass from plain values, checked for names and types.

    Raises
    ------
    HarnessError
        For an unknown key or a value of the wrong type.
    """
    fields = {f.name: f for f in dataclasses.fields(cls)}
    hints = typing.get_type_hints(cls)
    checked = {}
    for name, value in values.items():
        if name not in fields:
            raise unknown(f"parameter of {owner}", name, fields, "Set it as task.params.NAME=VALUE.")
        checked[name] = _convert(value, hints[name], f"task.params.{name}")
    try:
        return cls(**checked)
    except TypeError as error:
        raise HarnessError(f"{owner}: {error}.", "Set it as task.params.NAME=VALUE.") from error
    except ValueError as error:
        raise HarnessError(f"{owner}: {error}") from error


def _convert(value: Any, hint: Any, key: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return value
    if origin is typing.Literal:
        if value not in arguments:
            raise unknown(f"value of {key}", str(value), [str(a) for a in arguments])
        return value
    if origin is typing.Union or type(hint).__name__ == "UnionType":
        if value is None and type(None) in arguments:
            return None
        candidates = [a for a in arguments if a is not type(None)]
        for candidate in candidates[:-1]:
            try:
                return _convert(value, candidate, key)
            except HarnessError:
                continue
        return _convert(value, candidates[-1], key)
    if origin in (tuple, list):
        if not isinstance(value, (list, tuple)):
            raise _wrong(value, "a list", key)
        if origin is tuple and arguments and arguments[-1] is not Ellipsis and len(arguments) != len(value):
            raise _wrong(value, f"a list of {len(arguments)}", key)
        inner = [arguments[0]] * len(value) if len(arguments) < 2 or arguments[-1] is Ellipsis else arguments
        return origin(_convert(v, a, key) for v, a in zip(value, inner, strict=True))
    if hint is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if isinstance(hint, type) and (not isinstance(value, hint) or (hint is int and isinstance(value, bool))):
        raise _wrong(
            value,
            {"int": "a whole number", "float": "a number", "str": "a word", "bool": "true or false"}.get(
                hint.__name__, hint.__name__
            ),
            key,
        )
    return value


def _wrong(value: Any, wanted: str, key: str) -> HarnessError:
    return HarnessError(f"{key}={value} is not {wanted}.", f"Give {key}=VALUE with {wanted}.")
