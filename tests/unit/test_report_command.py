"""The command line of the report, and the table at the end of a run."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from harness_reports.terminal import WIDTH, terminal_table
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.contracts.measurement import Check
from harness.contracts.quantity import Quantity
from harness.contracts.record import RECORD_FILE, Record
from harness.records.store import write_record
from harness.report import default_folder, main

Make = Callable[..., Record]


@pytest.fixture
def runs(tmp_path: Path, make_record: Make, failed_record: Make) -> Path:
    """A folder with two records that can be read."""
    folder = tmp_path / "runs"
    for record in (make_record("a1"), failed_record("b1", "mace", error="out of memory")):
        write_record(folder / record.identity, record)
    return folder


def test_the_report_lies_beside_the_records(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in runs.rglob(RECORD_FILE)}
    assert main([str(runs)]) == 0
    out, err = capsys.readouterr()
    written = [Path(line) for line in out.splitlines()[:-1]]
    assert {path.name for path in written} == {"report.md", "report.html", "results.csv", "references.csv"}
    assert all(path.parent == runs / "report" and path.is_file() for path in written)
    assert out.splitlines()[-1] == "2 records: 1 failed, 1 ok"
    assert err == ""
    assert {path: path.read_bytes() for path in runs.rglob(RECORD_FILE)} == before


def test_chosen_formats_and_folder(runs: Path, tmp_path: Path) -> None:
    assert main([str(runs), "--out", str(tmp_path / "here"), "--format", "csv"]) == 0
    assert {path.name for path in (tmp_path / "here").iterdir()} == {"results.csv", "references.csv"}


def test_one_record_can_be_named(runs: Path) -> None:
    assert default_folder(runs / "a1") == runs / "report"
    assert main([str(runs / "a1"), "--format", "csv"]) == 0
    assert not (runs / "a1" / "report").exists()


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "[]",
        lambda text: text.replace('"schema": 2', '"schema": 99'),
        lambda text: json.dumps(json.loads(text) | {"config": []}),
        lambda text: json.dumps(json.loads(text) | {"config": {"material": "bn"}}),
        lambda text: json.dumps(json.loads(text) | {"seconds": {"task": "long"}}),
        lambda text: json.dumps(json.loads(text) | {"counts": {"atoms": "many"}}),
        lambda text: json.dumps(json.loads(text) | {"notes": "one"}),
    ],
)
def test_corrupt_records_are_told_and_the_others_go_on(
    damage: Callable[[str], str], runs: Path, make_record: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = write_record(runs / "c1", make_record("c1")) / RECORD_FILE
    bad.write_text(damage(bad.read_text()))
    assert main([str(runs)]) == 0
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    assert line.startswith("error: ") and "c1" in line and "corrupt" in line
    assert "1 corrupt" in out.splitlines()[-1]
    assert "c1" in (runs / "report" / "report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["{tmp}/empty"], ["no record in", "python -m harness task=bend"]),
        (["{tmp}/rums"], ["there is no folder", "Did you mean", "runs"]),
        (["{tmp}/file"], ["is not a folder"]),
        (["{tmp}/runs", "--format", "htlm"], ["unknown report format 'htlm'", "Did you mean 'html'?", "Choices: csv"]),
        (["{tmp}/runs", "--out", "{tmp}/file"], ["cannot write the report", "--out"]),
    ],
)
def test_mistakes_are_one_line_and_code_2(
    arguments: list[str], words: list[str], runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    assert main([argument.format(tmp=tmp_path) for argument in arguments]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ") and err.count("\n") == 1
    assert all(word in err for word in words), err


def test_a_missing_template_engine_is_one_line(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    assert main([str(runs), "--format", "html"]) == 2
    assert "needs jinja2" in capsys.readouterr().err
    assert main([str(runs), "--format", "csv"]) == 0


def test_only_corrupt_records_are_no_records(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "c1").mkdir()
    (tmp_path / "c1" / RECORD_FILE).write_text("{")
    assert main([str(tmp_path)]) == 2
    assert "no readable record" in capsys.readouterr().err


def test_the_terminal_shows_results_checks_time_and_places(make_record: Make, tmp_path: Path) -> None:
    record = make_record(folder=tmp_path / "a1")
    table = terminal_table(record, [tmp_path / "a1" / "figures" / "ribbon.png"])
    lines = table.splitlines()
    assert lines[0] == "bend  |  mtp_cd + charge_dipole  |  bn_bilayer (AB)  |  quick  |  ok"
    assert lines[2].split() == ["D_b", "4.9", "[4.6,", "5.2]", "eV", "95", "%", "confidence"]
    assert "checks: 1 of 1 passed" in lines
    assert "time     1 min 02 s, 384 atoms, 1000 force calls" in lines
    assert any(line.startswith("record ") for line in lines) and lines[-1].endswith("ribbon.png")


def test_the_terminal_says_what_failed(make_record: Make, failed_record: Make) -> None:
    invalid = terminal_table(make_record(checks=[Check("sum rule", 0.3, 0.01, "e"), Check("parity", 0.0, 1.0)]))
    assert "INVALID" in invalid and "FAILED   sum rule: 0.3 e, allowed +-0.01 e" in invalid
    assert "checks: 1 of 2 passed" in invalid
    unsupported = terminal_table(failed_record("u", "gap", "unsupported", error="needs stress", missing=["stress"]))
    assert "needs stress" in unsupported and "missing: stress" in unsupported


@settings(max_examples=60, deadline=None)
@given(
    name=st.text(max_size=150),
    notes=st.text(max_size=300),
    value=st.floats(allow_nan=True, allow_infinity=True),
    unit=st.text(min_size=1, max_size=40),
)
def test_the_terminal_is_never_wider_than_it_says(
    name: str, notes: str, value: float, unit: str, make_record: Make
) -> None:
    record = make_record(
        potential=name, observables={name: Quantity(value, unit)}, checks=[Check(notes, math.nan, 1.0, unit)]
    )
    table = terminal_table(record, [Path("/a" * 80) / "b.png"])
    assert max(len(line) for line in table.split("\n")) <= WIDTH
