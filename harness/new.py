"""Write a plugin that works at once: ``python -m harness.new potential NAME``, ``python -m harness.new task NAME``.

The plugin is a distribution of its own in the folder ``harness-NAME``. `CONTRIBUTING.md` says how to go on from there.
"""

from __future__ import annotations

import argparse
import keyword
import os
import re
import sys
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from harness.errors import HarnessError
from harness.execution.execute import BAD_INPUT
from harness.registry import lookup
from harness.registry.catalogue import catalogue

#: Template -> file, relative to the folder of the plugin; ``{package}`` is its import name.
FILES = {
    "potential": {
        "pyproject.toml": "pyproject.toml",
        "__init__.py": "{package}/__init__.py",
        "calculator.py": "{package}/calculator.py",
        "potential.yaml": "{package}/conf/potential/{name}.yaml",
        "test.py": "tests/test_{name}.py",
    },
    "task": {
        "pyproject.toml": "pyproject.toml",
        "__init__.py": "{package}/__init__.py",
        "params.py": "{package}/params.py",
        "observables.py": "{package}/observables.py",
        "task.py": "{package}/task.py",
        "figures.py": "{package}/figures.py",
        "quick.yaml": "{package}/conf/task/{name}/quick.yaml",
        "standard.yaml": "{package}/conf/task/{name}/standard.yaml",
        "paper.yaml": "{package}/conf/task/{name}/paper.yaml",
        "test.py": "tests/test_{name}.py",
    },
}
#: What to type next.
TRY = {
    "potential": "python -m harness task=single_point potential={name}",
    "task": "python -m harness task={name} potential=mtp_cd",
}


def write_plugin(kind: str, name: str, parent: Path) -> list[Path]:
    """Write the plugin ``parent/harness-NAME``; returns the files written.

    Parameters
    ----------
    kind
        ``potential`` or ``task``.
    name
        Under which it is registered; also the end of its import name, ``harness_NAME``.

    Raises
    ------
    HarnessError
        For a name that Python cannot import or that is taken, and for a folder that exists or cannot be written.
    """
    from jinja2 import Environment, StrictUndefined

    _check_name(kind, name)
    root = parent / f"harness-{name.replace('_', '-')}"
    if root.exists():
        raise HarnessError(f"{root} exists already.", "Choose another name, or move the folder away.")
    words = {
        "name": name,
        "dashed": name.replace("_", "-"),
        "package": f"harness_{name}",
        "camel": "".join(part.capitalize() for part in name.split("_")),
    }
    templates = files("harness.cli").joinpath("templates", kind)
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
    written = [root / words["package"] / "py.typed"]
    try:
        for template, target in FILES[kind].items():
            path = root / target.format(**words)
            path.parent.mkdir(parents=True, exist_ok=True)
            text = templates.joinpath(f"{template}.j2").read_text(encoding="utf-8")
            path.write_text(environment.from_string(text).render(words), encoding="utf-8")
            written.append(path)
        written[0].touch()
    except OSError as error:
        raise HarnessError(
            f"cannot write to {parent}: {error.strerror or error}.", "Go to a folder that you can write to."
        ) from error
    return sorted(written)


def _check_name(kind: str, name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise HarnessError(
            f"'{name}' is no name for a {kind}.", "Give lower-case letters, digits and underscores, e.g. my_model."
        )
    taken = (
        {**lookup.potentials(None), **lookup.polarization_models(None)} if kind == "potential" else lookup.tasks(None)
    )
    if name in taken or name in catalogue():
        raise HarnessError(f"the name '{name}' is taken.", "`python -m harness.plugins` lists all names.")


def main(argv: Sequence[str] | None = None) -> int:
    """Write the plugin and say what to type next; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m harness.new", description="Write a plugin that works at once.")
    parser.add_argument("kind", choices=sorted(FILES))
    parser.add_argument("name", help="under which it is registered, e.g. my_model")
    arguments = parser.parse_args(argv)
    try:
        written = write_plugin(arguments.kind, arguments.name, Path.cwd())
    except HarnessError as error:
        print(f"error: {error}", file=sys.stderr)
        return BAD_INPUT
    for path in written:
        print(os.path.relpath(path))
    root = os.path.relpath(next(path.parent for path in written if path.name == "pyproject.toml"))
    print(f"\nTry it from this folder:  {TRY[arguments.kind].format(name=arguments.name)}")
    print(f"Test it:                  python -m pytest {root}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
