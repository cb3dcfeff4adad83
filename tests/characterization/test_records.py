"""Records of every task are what they were: the numbers, the checks, what is said, what is refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from .cases import QUICK, SLOW, Case
from .console import Console
from .expectations import EXACT, condensed, differences, load, schema_differences, store


def check(case: Case, console: Console, update: bool, exact: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not case.figures:
        monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    result = console(*case.arguments, "runs=runs")
    assert result.code == case.code, result.stderr
    (path,) = Path("runs").glob("*/[!.]*/record.json")
    found = condensed(path.parent)
    if update:
        store(case.name, found)
        return
    problems = differences(load(case.name), found, EXACT if exact else case.name)
    problems += schema_differences(json.loads(path.read_text()), load("schema"))
    assert not problems, "\n".join([f"python -m harness {' '.join(case.arguments)}", *problems])


@pytest.mark.parametrize("case", QUICK, ids=lambda case: case.name)
def test_records(case: Case, console: Console, update: bool, exact: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    check(case, console, update, exact, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("case", SLOW, ids=lambda case: case.name)
def test_records_of_the_full_profile(
    case: Case, console: Console, update: bool, exact: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(case, console, update, exact, monkeypatch)
