"""Parameters are checked by name, type and range before anything runs."""

from __future__ import annotations

import dataclasses
import inspect
import json
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from annotated_types import Ge, GroupedMetadata, Gt, Le, Lt, MinLen, MultipleOf

from harness.contracts.parameters import Rule
from harness.errors import HarnessError, unknown_choice

#: How errors call the types of plain values.
NOUNS: Mapping[Any, str] = {int: "a whole number", float: "a number", str: "a word", bool: "true or false"}


def check_parameters(factory: Callable[..., Any], params: Mapping[str, Any], owner: str, key: str) -> None:
    """Refuse parameters that `factory` does not take, and name those that it lacks.

    Parameters
    ----------
    factory
        A class or function.
    params
        What it would be called with.
    owner
        Whose parameters they are, for the error, e.g. ``potential 'mace'``.
    key
        Of the configuration, e.g. ``potential.params``.

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
                raise unknown_choice(f"parameter of {owner}", name, names, f"Set it as {key}.NAME=VALUE.")
    for name in names:
        if signature.parameters[name].default is inspect.Parameter.empty and name not in params:
            raise HarnessError(f"{owner} needs the parameter '{name}'.", f"Give {key}.{name}=VALUE.")


def build_params(cls: type, values: Mapping[str, Any], owner: str, key: str = "task.params") -> Any:
    """An instance of a dataclass of parameters from plain values, checked against its annotations.

    Parameters
    ----------
    cls
        A dataclass; bounds stand in its annotations (`harness.contracts.parameters`), relations between fields in its
        ``__post_init__``.
    values
        Plain values by field name: numbers, words, lists, mappings.
    owner
        What the parameters belong to, for errors; empty for the configuration itself.
    key
        Where they stand in the configuration; empty at its top.

    Raises
    ------
    HarnessError
        For an unknown key, or a value of the wrong type or outside its range.
    """
    from pydantic import ConfigDict, TypeAdapter, ValidationError

    # A dataclass cannot be given a configuration from outside, but takes that of the type around it.
    around: Any = typing.Optional[cls]  # noqa: UP045
    adapter: TypeAdapter[Any] = TypeAdapter(around, config=ConfigDict(strict=True, allow_inf_nan=False, extra="forbid"))
    try:
        # As JSON, because there a list may become a tuple and 1 a float, but true no number.
        return adapter.validate_json(json.dumps(values))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
    problem, where = first["type"], first["loc"]
    if not where:  # a ValueError of __post_init__
        raise HarnessError(f"{owner}: {first['ctx']['error']}")
    if problem == "unexpected_keyword_argument":
        raise _unknown_key(cls, where, owner, key)
    if problem == "missing" and isinstance(where[-1], str):
        name = _dotted(key, where)
        raise HarnessError(f"{owner} needs the parameter '{name}'.", f"Give {name}=VALUE.")
    if problem == "missing":  # in a list of fixed length
        where = where[:-1]
    raise _refusal(
        cls, where, values, key, first["msg"], mismatch=problem in ("missing", "too_long") or "_type" in problem
    )


def _unknown_key(cls: type, where: Sequence[str | int], owner: str, key: str) -> HarnessError:
    names = [entry.name for entry in dataclasses.fields(_hint(cls, where[:-1])[0])]
    if owner:
        return unknown_choice(
            f"parameter of {owner}", str(where[-1]), names, f"Set it as {_dotted(key, where[:-1])}.NAME=VALUE."
        )
    return unknown_choice("setting", _dotted(key, where), [_dotted(key, [*where[:-1], name]) for name in names])


def _refusal(
    cls: type, where: Sequence[str | int], values: Any, key: str, message: str, mismatch: bool
) -> HarnessError:
    """One line for a value that its annotation refuses: for its type if `mismatch`, else for its size."""
    for part in where:
        values = values[part]
    hint, bounds = _hint(cls, where)
    name, shown = _dotted(key, where), _typed(values)
    if typing.get_origin(hint) is typing.Literal:
        return unknown_choice(f"value of {name}", shown, [str(choice) for choice in typing.get_args(hint)])
    wanted = _allowed(hint, bounds)
    if mismatch:
        return HarnessError(f"{name}={shown} is not {_allowed(hint, ())}.", f"Give {name}=VALUE with {wanted}.")
    default = next((entry.default for entry in dataclasses.fields(cls) if [entry.name] == list(where)), None)
    example = "" if default in (None, dataclasses.MISSING, ()) else f", e.g. {name}={_typed(default)}"
    remedy = f"Give {wanted}{example}." if bounds or "nan" in shown or "inf" in shown else f"{message}."
    return HarnessError(f"{name} is {shown}.", remedy)


def _hint(cls: type, where: Sequence[str | int]) -> tuple[Any, list[Any]]:
    """The type at a place inside `cls`, without None, and its bounds."""
    hint, bounds = _bare(cls)
    for part in where:
        if isinstance(part, str):
            hint, bounds = _bare(typing.get_type_hints(hint, include_extras=True)[part])
        else:
            inner = typing.get_args(hint)
            hint, bounds = _bare(inner[0] if len(inner) < 2 or inner[1] is Ellipsis else inner[part])
    return hint, bounds


def _bare(hint: Any) -> tuple[Any, list[Any]]:
    bounds: list[Any] = []
    while True:
        if typing.get_origin(hint) is Annotated:
            for bound in hint.__metadata__:
                bounds += list(bound) if isinstance(bound, GroupedMetadata) else [bound]
            hint = hint.__origin__
        elif typing.get_origin(hint) in (typing.Union, types.UnionType):
            hint = next(choice for choice in typing.get_args(hint) if choice is not type(None))
        else:
            return hint, bounds


def _allowed(hint: Any, bounds: Sequence[Any]) -> str:
    """What a type with its bounds allows, in words."""
    inner = typing.get_args(hint)
    if typing.get_origin(hint) in (tuple, list):
        fixed = typing.get_origin(hint) is tuple and Ellipsis not in inner
        noun = f"a list of {len(inner)}" if fixed else "a list"
    else:
        noun = NOUNS.get(hint, getattr(hint, "__name__", str(hint)))
    limits = []
    for bound in bounds:
        match bound:
            case Rule(text=text):
                noun = f"{noun} of {text}" if noun.startswith("a list") else text
            case MultipleOf(multiple_of=factor):
                noun = f"a multiple of {factor}"
            case MinLen(min_length=least):
                limits.append(f"with at least {least}")
            case Gt(gt=0):
                noun = noun.replace("a ", "a positive ", 1)
            case Gt(gt=limit):
                limits.append(f"above {_typed(limit)}")
            case Ge(ge=limit):
                limits.append(f"of at least {_typed(limit)}")
            case Lt(lt=limit):
                limits.append(f"below {_typed(limit)}")
            case Le(le=limit):
                limits.append(f"of at most {_typed(limit)}")
    return f"{noun} {' and '.join(limits)}" if limits else noun


def _dotted(key: str, where: Sequence[str | int]) -> str:
    for part in where:
        key += f"[{part}]" if isinstance(part, int) else f".{part}" if key else part
    return key


def _typed(value: Any) -> str:
    """A value as one types it on the command line."""
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(_typed, value))}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)
