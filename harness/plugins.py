"""What is there: ``python -m harness.plugins``. Imports no backend."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.contracts.observable import Observable
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
    for _, offer in lookup.offers(f"harness_{kind}", only=owners):
        found.update(offer)
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


def observables_table(declared: Sequence[Observable]) -> str:
    """What a task declares as a Markdown table; names of what reports show first are bold."""
    lines = ["| observable | symbol | unit | definition |", "|---|---|---|---|"]
    for observable in declared:
        key = f"**`{observable.key}`**" if observable.headline else f"`{observable.key}`"
        cells = (key, observable.symbol, observable.unit, observable.definition)
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines)


def with_table(text: str, task: str, declared: Sequence[Observable]) -> str:
    """A page with the table of the task's observables between its two comments.

    Raises
    ------
    HarnessError
        When the page does not have the comments.
    """
    before, start, rest = text.partition(f"<!-- observables of {task} -->\n")
    _, end, after = rest.partition("<!-- end of observables -->\n")
    if not (start and end):
        raise HarnessError(
            f"the page has no place for the observables of task '{task}'.",
            f"Add the lines '<!-- observables of {task} -->' and '<!-- end of observables -->'.",
        )
    return f"{before}{start}\n{observables_table(declared)}\n\n{end}{after}"


def _show_observables(task: str, page: Path | None) -> None:
    declared = lookup.build_task(task, None).observables
    if page is None:
        print(observables_table(declared))
        return
    try:
        page.write_text(with_table(page.read_text(encoding="utf-8"), task, declared), encoding="utf-8")
    except OSError as error:
        raise HarnessError(f"cannot write {page}: {error.strerror}.", "Give a Markdown file after --into.") from error


def main(argv: list[str] | None = None) -> int:
    """Command line: list, say what a task returns, or make environments ahead of time."""
    parser = argparse.ArgumentParser(prog="python -m harness.plugins", description=__doc__)
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("--make", nargs="+", metavar="PLUGIN", help="make the environments of these plugins now")
    parser.add_argument("--observables", metavar="TASK", help="print what the task returns, as a Markdown table")
    parser.add_argument("--into", metavar="FILE", type=Path, help="put that table between its two comments in a page")
    arguments = parser.parse_args(argv)
    try:
        if arguments.make:
            for name in arguments.make:
                print(ensure(environment_for([name])).folder)
            return 0
        if arguments.observables:
            _show_observables(arguments.observables, arguments.into)
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
