"""What a report is computed from: which records belong together, what tells them apart, speeds, provenance."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from harness_reports.formats import CSV
from harness_reports.provenance import command, model_hashes, origin, polarization_of
from harness_reports.view import build
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.contracts.quantity import Quantity
from harness.contracts.record import Record

Make = Callable[..., Record]


def test_settings_tell_alike_records_apart(make_record: Make) -> None:
    page = build([make_record("a1", seed=0), make_record("a2", seed=1), make_record("a3", "b")], None, tasks={})
    (section,) = page.sections
    assert {row.record.identity: row.settings for row in section.rows} == {"a1": "seed=0", "a2": "seed=1", "a3": ""}


def test_other_task_settings_are_told_even_between_potentials(make_record: Make) -> None:
    other = make_record("a2", "b")
    other.config["task"]["params"] = {"steps": 24}
    (section,) = build([make_record("a1"), other], None, tasks={}).sections
    assert [row.settings for row in section.rows] == ["task.params.steps=24", "task.params.steps=12"]


def test_stackings_are_not_mixed(make_record: Make) -> None:
    page = build([make_record("a1"), make_record("a2", stacking="AA")], None, tasks={})
    assert [section.group.material for section in page.sections] == ["bn_bilayer (AA)", "bn_bilayer (AB)"]


def test_speeds_are_compared_within_one_host_only(make_record: Make) -> None:
    fast = make_record("a1", "fast", seconds={"task": [10.0]})
    slow = make_record(
        "a2", "slow", seconds={"task": [30.0]}, host={"processor": "CPU A", "cores": "2", "numpy": "1.9"}
    )
    away = make_record("a3", "away", seconds={"task": [1.0]}, host={"processor": "CPU B", "cores": "2"})
    page = build([fast, slow, away], None, tasks={})
    lines = {line.record.label: line for group in page.speeds.values() for line in group}
    assert len(page.speeds) == 2
    assert lines["slow"].relative == pytest.approx(3.0) and lines["fast"].relative == 1.0
    assert lines["away"].relative is None
    assert lines["fast"].per_call == pytest.approx(10.0 / (384 * 1000) * 1e6)


def test_other_threads_are_not_compared(make_record: Make) -> None:
    one, two = make_record("a1", "one"), make_record("a2", "two")
    two.config["device"]["threads"] = 1
    page = build([one, two], None, tasks={})
    assert [line.relative for lines in page.speeds.values() for line in lines] == [None, None]


def test_each_file_is_named_once_by_its_most_telling_name(make_record: Make) -> None:
    provenance = {
        "files": {"potential.params.model": "ab" * 32, "potential.params.other": "ef" * 32},
        "potential": {"inner": [{"model": {"file": "models/bn.mtp", "sha256": "ab" * 32}}], "sha256": "cd" * 32},
        "polarization": {"sha256": "dd" * 32},
    }
    assert model_hashes(provenance) == {
        "bn.mtp": "ab" * 32,
        "model": "cd" * 32,
        "model (dddddd)": "dd" * 32,
        "potential.params.other": "ef" * 32,
    }


def test_the_command_is_the_recorded_one_or_made_from_the_configuration(make_record: Make) -> None:
    assert command(make_record()) == "python -m harness task=bend potential=mtp_cd"
    assert command(make_record(provenance={}, seed=3)) == (
        "python -m harness task=bend potential=mtp_cd polarization=charge_dipole material=bn_bilayer profile=quick"
        " material.stacking=AB task.params.steps=12 seed=3"
    )


@settings(max_examples=40, deadline=None)
@given(
    values=st.dictionaries(
        st.text("abcdefgh_", min_size=1, max_size=8),
        st.tuples(st.floats(allow_nan=True), st.none() | st.floats(0, 1e6), st.none() | st.integers(0, 99)),
        min_size=1,
        max_size=4,
    )
)
def test_csv_gives_back_every_value(
    values: dict[str, tuple[float, float | None, int | None]], make_record: Make
) -> None:
    observables = {
        name: Quantity(
            value, "eV", None if width is None or not math.isfinite(value) else (value - width, value + width), n=n
        )
        for name, (value, width, n) in values.items()
    }
    page = build([make_record(observables=observables)], None, tasks={}, references=[])
    rows = {row["observable"]: row for row in csv.DictReader(io.StringIO(CSV().texts(page, Path())["results.csv"]))}
    assert set(rows) == set(observables)
    for name, quantity in observables.items():
        assert float(rows[name]["value"]) == pytest.approx(quantity.value, rel=0, abs=0, nan_ok=True)
        bounds = tuple(float(rows[name][end]) for end in ("low", "high")) if rows[name]["low"] else None
        assert bounds == quantity.interval
        assert rows[name]["unit"] == "eV"
        assert rows[name]["n"] == ("" if quantity.n is None else str(quantity.n))


def test_a_potential_with_a_dipole_of_its_own_is_not_without(make_record: Make) -> None:
    record = make_record("a", "mine")
    record.polarization = None
    assert polarization_of(record) == "no polarization model"
    record.provenance["native_polarization"] = True
    assert polarization_of(record) == "its own polarization" == origin(record).polarization
    record.polarization = "charge_dipole"
    assert polarization_of(record) == "charge_dipole"
