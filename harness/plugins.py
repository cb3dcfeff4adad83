"""What is there: ``python -m harness.plugins``. Imports no backend."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from harness.errors import HarnessError
from harness.execution.environments import ensure, environment_for, where_it_runs
from harness.registry import lookup
from harness.registry.catalogue import Plugin, catalogue
from harness.registry.lookup import BUILT_IN

KINDS = ("potentials", "polarization_models", "tasks", "reports")


def survey() -> list[dict[str, Any]]:
    """One entry for the core and for each plugin: what it brings, where it runs, whether that exists."""
    core = {kind: sorted(_offered(kind, *BUILT_IN)) for kind in KINDS}
    entries = [{"name": "(built in)", "runs": "here", "ready": True, "broken": "", "capabilities": {}, **core}]
    for plugin in catalogue().values():
        entries.append(_entry(plugin))
    return entries


def _entry(plugin: Plugin) -> dict[str, Any]:
    lookup.manager([plugin.name])
    where, ready = where_it_runs(plugin)
    entry: dict[str, Any] = {
        "name": plugin.name,
        "runs": where,
        "ready": ready,
        "broken": "",
        "capabilities": {},
    }
    for kind in KINDS:
        stated = plugin.static.get(kind, [])
        entry[kind] = sorted({*stated, *_offered(kind, plugin.name)})
    entry["capabilities"] = {**plugin.static.get("capabilities", {}), **_capabilities(plugin.name)}
    entry["broken"] = lookup.broken.get(plugin.name, "")  # last: its hooks may have failed just now
    return entry


def _offered(kind: str, *owners: str) -> dict[str, Any]:
    """What the loaded modules called `owners` bring, without building anything."""
    found: dict[str, Any] = {}
    hook = getattr(lookup.manager().hook, f"harness_{kind}")
    for implementation in hook.get_hookimpls():
        if implementation.plugin_name in owners:
            try:
                found.update(implementation.function())
            except Exception as error:  # a plugin that cannot even say what it has
                lookup.broken[implementation.plugin_name] = f"{type(error).__name__}: {error}"
    return found


def _capabilities(name: str) -> dict[str, list[str]]:
    """ASE property names that each class offers, where the class itself says so."""
    factories = {**_offered("potentials", name), **_offered("polarization_models", name)}
    stated = {key: getattr(factory, "implemented_properties", ()) for key, factory in factories.items()}
    return {key: list(value) for key, value in stated.items() if isinstance(value, (tuple, list))}


def table(entries: Sequence[dict[str, Any]]) -> str:
    """The survey as text."""
    lines = []
    for entry in entries:
        state = "" if entry["runs"] == "here" else (" (made)" if entry["ready"] else " (made at the first run)")
        lines.append(f"{entry['name']}: runs {'here' if entry['runs'] == 'here' else 'in ' + entry['runs']}{state}")
        if entry["broken"]:
            lines.append(f"  broken: {entry['broken']}")
        for kind in KINDS:
            for name in entry[kind]:
                offers = ", ".join(entry["capabilities"].get(name, []))
                word = {
                    "potentials": "potential",
                    "polarization_models": "polarization",
                    "tasks": "task",
                    "reports": "report",
                }[kind]
                lines.append(f"  {word + '=' + name:<32}{offers}".rstrip())
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Command line: list, or make environments ahead of time."""
    parser = argparse.ArgumentParser(prog="python -m harness.plugins", description=__doc__)
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("--make", nargs="+", metavar="PLUGIN", help="make the environments of these plugins now")
    arguments = parser.parse_args(argv)
    say: Callable[[str], None] = lambda line: print(line, file=sys.stderr, flush=True)  # noqa: E731
    try:
        if arguments.make:
            for name in arguments.make:
                print(ensure(environment_for([name]), say).folder)
            return 0
        entries = survey()
    except HarnessError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    try:
        print(json.dumps(entries, indent=1) if arguments.json else table(entries), flush=True)
    except BrokenPipeError:  # the reader, `head` say, has seen enough; what is still buffered has nowhere to go
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
