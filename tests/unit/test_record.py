"""Records appear whole or not at all, and are never overwritten by something less finished."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms

from harness.contracts.measurement import Check, Measurement
from harness.contracts.quantity import Quantity
from harness.contracts.record import Record
from harness.errors import HarnessError
from harness.records.store import find_records, read_finished, read_record, write_record


def make(status: str = "ok", **changes: object) -> Record:
    fields = {
        "identity": "abc", "status": status, "task": "stretch", "task_version": 1, "potential": "tether",
        "polarization": None, "material": "bn_bilayer", "profile": "quick",
        "config": {"potential": {"name": "tether"}}, "observables": {"energy": Quantity(0.5, "eV", (0.4, 0.6))},
        "checks": [Check("odd", 1e-9, 1e-6, "e", "round-off")],
    }  # fmt: skip
    return Record(**{**fields, **changes})  # type: ignore[arg-type]


def test_round_trip_with_arrays_and_structures(tmp_path: Path) -> None:
    measurement = Measurement(arrays={"kappa": np.linspace(0, 1, 5)}, frames={"ribbon": [Atoms("BN")]})
    folder = write_record(tmp_path / "a", make(), measurement)
    back = read_record(folder)
    assert back.to_dict() == make(files=["arrays.npz", "ribbon.extxyz"]).to_dict()
    np.testing.assert_array_equal(back.arrays()["kappa"], measurement.arrays["kappa"])
    assert [p.name for p in tmp_path.iterdir()] == ["a"]  # no drafts left


def test_a_finished_record_is_not_replaced_by_an_unfinished_one(tmp_path: Path) -> None:
    write_record(tmp_path / "a", make())
    write_record(tmp_path / "a", make("interrupted"))
    assert read_record(tmp_path / "a").status == "ok"


def test_an_unfinished_record_gives_way(tmp_path: Path) -> None:
    write_record(tmp_path / "a", make("interrupted"))
    assert read_finished(tmp_path / "a") is None
    write_record(tmp_path / "a", make())
    assert read_finished(tmp_path / "a") is not None


@pytest.mark.parametrize(("error", "raised"), [(KeyboardInterrupt, KeyboardInterrupt), (OSError, HarnessError)])
@pytest.mark.parametrize("moves", [0, 1])
def test_what_was_there_stays_when_writing_fails(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    moves: int,
    error: type[BaseException],
    raised: type[BaseException],
) -> None:
    """Ctrl-C or an error of the disk before or between the two moves that put a record in place."""
    write_record(tmp_path / "a", make("interrupted"))
    left = [*range(moves)]

    def rename(path: Path, target: Path) -> Path:
        if not left:
            monkeypatch.undo()
            raise error
        left.pop()
        return path.replace(target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(raised):
        write_record(tmp_path / "a", make())
    assert read_record(tmp_path / "a").status == "interrupted"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_record_without_its_arrays_is_not_finished(tmp_path: Path) -> None:
    write_record(tmp_path / "a", make(), Measurement(arrays={"x": np.zeros(1)}))
    (tmp_path / "a" / "arrays.npz").unlink()
    assert read_finished(tmp_path / "a") is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 1}', '{"schema": 9}'])
def test_corrupt_records_are_named_and_the_others_read(tmp_path: Path, text: str) -> None:
    write_record(tmp_path / "good", make())
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "record.json").write_text(text)
    records, errors = find_records([tmp_path])
    assert [record.identity for record in records] == ["abc"]
    assert len(errors) == 1 and "bad/record.json is corrupt" in str(errors[0])


def test_truncation_anywhere_is_noticed(tmp_path: Path) -> None:
    folder = write_record(tmp_path / "a", make())
    text = (folder / "record.json").read_text()
    for cut in range(0, len(text) - 2, max(1, len(text) // 17)):
        (folder / "record.json").write_text(text[:cut])
        with pytest.raises(HarnessError, match="corrupt"):
            read_record(folder)


def test_a_failed_check_makes_a_record_invalid() -> None:
    assert make().valid
    assert not make(checks=[Check("odd", 1.0, 1e-6)]).valid
    assert not make(checks=[Check("odd", float("nan"), 1e-6)]).valid


def test_whatever_a_plugin_says_of_itself_is_written(tmp_path: Path) -> None:
    odd = {"count": np.int64(3), "errors": np.array([0.1, np.nan]), "file": Path("a.mtp"), "elements": {"N", "B"}}
    checks = [Check("no tolerance", 1.0, float("nan"))]
    back = read_record(write_record(tmp_path / "a", make(provenance=odd, checks=checks)))
    assert back.provenance == {"count": 3, "errors": [0.1, None], "file": "a.mtp", "elements": ["B", "N"]}
    assert not back.checks[0].passed


def test_older_records_counted_bad_input() -> None:
    written = make("failed", counts={"atoms": 4, "bad_input": 1}).to_dict()
    del written["bad_input"]
    record = Record.from_dict(written | {"schema": 1})
    assert record.bad_input and record.counts == {"atoms": 4}
    assert Record.from_dict(record.to_dict()).bad_input
    assert not Record.from_dict(make().to_dict()).bad_input


def test_not_a_number_becomes_null(tmp_path: Path) -> None:
    folder = write_record(tmp_path / "a", make(checks=[Check("odd", float("nan"), 1.0)]))
    assert json.loads((folder / "record.json").read_text())["checks"][0]["value"] is None


def test_a_folder_that_takes_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HarnessError, match="cannot write"):
        write_record(tmp_path / "file" / "a" / "b", make())
