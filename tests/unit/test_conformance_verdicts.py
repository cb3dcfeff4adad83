"""A potential that fails conformance is invalid everywhere; one that nobody examined is not checked."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness_reports.formats import CSV, HTML, Markdown
from harness_reports.terminal import terminal_table

from harness.contracts.measurement import Check
from harness.contracts.record import Record
from harness.records.store import write_record
from harness.records.validity import Verdict, verdict_beside, verdicts
from harness.report import _summary

Make = Callable[..., Record]
STRESS = Check("stress_slab_ttf", 0.5, 1e-4, "eV", "V σ = dE/dε")
FORCES = Check("forces_bulk", 1e-7, 1e-4, "eV/A", "F = −dE/dr")
BORN = Check("born_sum_rule", 0.3, 1e-3, "e", "Σ Z* = 0", "polarization")


def examined(make: Make, identity: str = "c1", *checks: Check, **fields: Any) -> Record:
    """A record of the task ``conformance``."""
    record = make(identity, checks=list(checks), observables={}, **{"task": "conformance"} | fields)
    record.config["task"] = {"name": "conformance", "factory": None, "params": {}}
    return record


def verdict(record: Record, *others: Record) -> Verdict:
    return verdicts([record, *others])[record.identity]


def test_without_a_conformance_record_it_is_not_checked(make_record: Make) -> None:
    assert verdict(make_record()).words == "not checked"


def test_the_same_potential_has_passed_or_failed(make_record: Make) -> None:
    assert (
        verdict(
            make_record(), examined(make_record, "c1", FORCES, Check("born_sum_rule", 0.0, 1.0, about="polarization"))
        ).words
        == "passed"
    )
    found = verdict(make_record(), examined(make_record, "c1", FORCES, STRESS))
    assert found.words == "failed" and found.failures == (STRESS,)
    elsewhere = examined(make_record, "c1", STRESS, stacking="AA", profile="paper")
    assert verdict(make_record(), elsewhere).failed  # a potential is what it is, on any material


def test_lines_about_the_response_belong_to_the_polarization_model(make_record: Make) -> None:
    """They count for it beside another potential too, and not against the potential alone."""
    found = examined(make_record, "c1", FORCES, BORN)
    alone = make_record("a1")
    alone.config["polarization"] = {"name": "none"}
    assert verdict(alone, found).words == "passed"
    other = make_record("a2", "gap")
    other.provenance["potential"] = {"model": {"file": "gap.xml", "sha256": "12" * 32}}
    assert verdict(other, found).failures == (BORN,)
    assert verdict(other, examined(make_record, "c2", FORCES)).unchecked == ("potential", "polarization model")
    assert verdict(make_record(), examined(make_record, "c2", FORCES)).words == "polarization model not checked"


def other_model(record: Record) -> None:
    record.provenance["potential"]["model"]["sha256"] = "cd" * 32


def other_file(record: Record) -> None:
    record.config["potential"]["params"] = {"model": "bn.mtp"}
    record.provenance["files"] = {"potential.params.model": "ef" * 32}


def other_number_type(record: Record) -> None:
    record.config["device"]["dtype"] = "float32"


def other_parameter(record: Record) -> None:
    record.config["potential"]["params"] = {"cutoff": 9.0}


@pytest.mark.parametrize("change", [other_model, other_file, other_number_type, other_parameter])
def test_the_conformance_of_another_does_not_count(change: Callable[[Record], None], make_record: Make) -> None:
    found = examined(make_record, "c1", STRESS, BORN)
    change(found)
    assert "potential" in verdict(make_record(), found).unchecked


def test_a_file_is_known_by_its_content(make_record: Make) -> None:
    record, found = make_record(), examined(make_record, "c1", STRESS)
    for each, path in ((record, "/here/bn.mtp"), (found, "/there/copy.mtp")):
        each.config["potential"]["params"] = {"model": path}
        each.provenance["files"] = {"potential.params.model": "ef" * 32}
    assert verdict(record, found).failed


def test_what_did_not_finish_and_what_is_older_does_not_count(make_record: Make, failed_record: Make) -> None:
    assert verdict(make_record(), failed_record("c1", "mtp_cd", "timeout", task="conformance")).words == "not checked"
    old = examined(make_record, "c1", STRESS, task_version=1)
    new = examined(make_record, "c2", FORCES, Check("born_sum_rule", 0.0, 1.0, about="polarization"), task_version=2)
    assert verdict(make_record(), old, new).words == "passed"
    assert verdict(make_record(), new, examined(make_record, "c3", STRESS, task_version=2)).failed


def test_it_is_invalid_in_every_report_with_the_line(make_record: Make, tmp_path: Path) -> None:
    records = [make_record("a1"), examined(make_record, "c1", FORCES, STRESS), make_record("a2", "other", level=None)]
    records[2].provenance["potential"] = {}
    files = {p.name: p.read_text() for kind in (Markdown, CSV, HTML) for p in kind(tasks={}).render(records, tmp_path)}
    line = "conformance: stress slab ttf: 0.5 eV, allowed ±1×10⁻⁴ eV"
    for name in ("report.md", "report.html"):
        text = files[name].replace("\\", "")
        assert line in text and "invalid" in text and "not checked" in text
    rows = {(r["identity"], r["status"]): r for r in csv.DictReader(io.StringIO(files["results.csv"]))}
    failing, unknown_choice = rows["a1", "ok"], rows["a2", "ok"]
    assert failing["valid"] == "false" and "stress slab ttf: 0.5 eV" in failing["conformance"]
    assert unknown_choice["valid"] == "true" and unknown_choice["conformance"] == "not checked"
    assert _summary(records, []) == "3 records: 2 invalid, 1 ok"


def test_a_dft_record_that_is_invalid_is_no_reference(make_record: Make, tmp_path: Path) -> None:
    records = [make_record("a1"), make_record("d1", "dft"), examined(make_record, "c1", STRESS, potential="dft")]
    for record in records[1:]:
        record.provenance["potential"] = {"level_of_theory": "PBE-D3(BJ)", "model": {"sha256": "77" * 32}}
    for kept, kind in ((records[:2], "dft"), (records, "")):
        (path, _) = CSV(tasks={}).render(kept, tmp_path)
        rows = csv.DictReader(io.StringIO(path.read_text()))
        assert {row["reference_kind"] for row in rows if row["identity"] == "a1"} == {kind}


def test_the_table_of_a_run_looks_at_the_records_beside_it(make_record: Make, tmp_path: Path) -> None:
    record = make_record()
    write_record(tmp_path / "bend" / "a1", record)
    assert verdict_beside(record).words == "not checked"
    assert "conform  not checked (python -m harness task=conformance potential=mtp_cd)" in terminal_table(record)
    write_record(tmp_path / "conformance" / "c1", found := examined(make_record, "c1", FORCES, STRESS))
    table = terminal_table(record)
    assert "|  INVALID" in table.splitlines()[0]
    assert "fails conformance: stress slab ttf: 0.5 eV, allowed +-1e-4 eV" in table
    lines = terminal_table(found).splitlines()
    assert [line.split() for line in lines if line.startswith(("forces bulk", "stress slab"))] == [
        ["forces", "bulk", "1e-7", "eV/A", "allowed", "1e-4", "eV/A"],
        ["stress", "slab", "ttf", "0.5", "eV", "allowed", "1e-4", "eV", "FAILED"],
    ]
