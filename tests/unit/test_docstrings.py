"""Public functions with more than three parameters explain them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("harness", "tasks/harness_tasks", "reports/harness_reports")
FEW = 3
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.Module) -> Iterator[tuple[Function, ast.ClassDef | None]]:
    """Public functions of a module and methods of its public classes, each with its class."""
    for node in tree.body:
        if isinstance(node, Function) and not node.name.startswith("_"):
            yield node, None
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for member in node.body:
                if isinstance(member, Function) and (member.name == "__init__" or not member.name.startswith("_")):
                    yield member, node


def parameters(function: Function) -> list[str]:
    """Names of the parameters, without the object or class of a method."""
    given = function.args
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    named += [one for one in (given.vararg, given.kwarg) if one is not None]
    return [one.arg for one in named if one.arg not in ("self", "cls")]


def explained(text: str) -> list[str]:
    """Names in the numpydoc section of parameters, or of a class's attributes; empty without one."""
    lines = text.splitlines()
    names: list[str] = []
    for number, line in enumerate(lines):
        if line in ("Parameters", "Attributes") and set(lines[number + 1]) == {"-"}:
            for entry in lines[number + 2 :]:
                if entry.startswith("-"):
                    names.pop()  # the title of the next section
                    break
                if entry and not entry.startswith(" "):
                    names += [name.strip(" *") for name in entry.partition(" : ")[0].split(",")]
    return names


def docstring(function: Function, owner: ast.ClassDef | None) -> str:
    """Of the class for ``__init__``."""
    return ast.get_docstring(owner if owner is not None and function.name == "__init__" else function) or ""


def parsed(folder: Path) -> Iterator[tuple[Path, ast.Module]]:
    """All modules below a folder."""
    for path in sorted(folder.rglob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def contracts() -> dict[str, list[str]]:
    """Methods that a contract explains once for all classes that implement it."""
    return {
        function.name: parameters(function)
        for folder in ("harness/contracts", "harness/engine")
        for _, tree in parsed(ROOT / folder)
        for function, owner in functions(tree)
        if owner is not None and function.name != "__init__" and explained(docstring(function, owner))
    }


@pytest.mark.parametrize("folder", FOLDERS)
def test_functions_with_many_parameters_explain_them(folder: str) -> None:
    inherited = contracts()
    assert inherited, "no contract explains its parameters"
    silent = []
    for path, tree in parsed(ROOT / folder):
        for function, owner in functions(tree):
            names = parameters(function)
            if len(names) <= FEW or (owner is not None and inherited.get(function.name) == names):
                continue
            if not explained(docstring(function, owner)):
                silent.append(f"{path.relative_to(ROOT)}:{function.lineno} {function.name}({', '.join(names)})")
    assert not silent, "no section 'Parameters' in the docstrings of\n" + "\n".join(silent)
