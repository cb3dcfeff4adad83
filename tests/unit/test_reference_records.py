"""Records of DFT that ship with a task: written lean, read again, compared with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from harness_reports.reference import ReferenceRecords
from harness_reports.view import build

import harness.records.references
from harness.contracts.measurement import Check
from harness.contracts.quantity import Quantity
from harness.contracts.record import Record
from harness.errors import HarnessError
from harness.records.references import shipped_records

Make = Callable[..., Record]


class Bend:
    """A task of the package ``harness_tasks``."""

    __module__ = "harness_tasks.bend"
    observables = ()


@pytest.fixture
def shipped(make_record: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of a DFT record, where the package of the task has its references."""
    dft = make_record("d1", "dft", observables={"D_b": Quantity(5.0, "eV", (4.9, 5.1), "numerical")})
    records = [dft, make_record("m1", "mtp_cd"), make_record("d2", "dft", checks=[Check("sum rule", 1.0, 0.1)])]
    (path,) = ReferenceRecords().render(records, tmp_path / "reference" / "dft")
    monkeypatch.setattr(harness.records.references, "files", lambda package: tmp_path)
    return path


def test_only_valid_records_of_dft_are_written_and_nothing_of_the_machine(shipped: Path) -> None:
    content = json.loads(shipped.read_text())
    assert shipped.name == "bend-bn_bilayer-AB-quick.json"
    assert content["identity"] == "d1"
    assert content["host"] == {} and "command" not in content["provenance"] and "runs" not in content["config"]


def test_a_report_compares_with_them(shipped: Path, make_record: Make) -> None:
    (record,) = shipped_records({"bend": Bend})
    assert record.observables["D_b"].value == 5.0
    page = build([make_record("m1", "mtp_cd")], None, tasks={"bend": Bend})
    (section,) = page.sections
    (score,) = [s for s in section.all_scores if s.reference.kind == "dft"]
    assert score.difference is not None and score.difference.value == pytest.approx(-0.1)
    assert score.mismatches == {}
    assert score.kinds == "95 % confidence beside numerical"
    assert score.difference.kind == "numerical" and score.difference.level is None
    assert "called by the weaker" in score.difference.method


def test_a_broken_one_is_named(shipped: Path) -> None:
    shipped.write_text(shipped.read_text()[:100])
    with pytest.raises(HarnessError, match="bend-bn_bilayer-AB-quick.json is wrong"):
        shipped_records({"bend": Bend})
    assert shipped_records({"bend": type("Here", (), {"__module__": "__main__"})}) == []


def test_without_records_of_dft_there_is_nothing_to_ship(make_record: Make, tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="potential=dft"):
        ReferenceRecords().render([make_record("m1", "mtp_cd")], tmp_path)
