"""What tasks declare: refused otherwise, told apart by labels, and the same in the docs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from harness_reports.cells import in_order
from harness_tasks import harness_tasks

from harness.contracts.observable import Observable, check_observables, find_observable
from harness.contracts.quantity import Quantity
from harness.errors import HarnessError
from harness.execution.execute import execute
from harness.execution.job import make_job
from harness.plugins import main, observables_table, with_table

DOCS = Path(__file__).parents[2] / "docs" / "tasks"
TASKS = harness_tasks()
DISTANCE = Observable("distance_{stacking}", "A", "d_{stacking}", "Distance of the layers of {stacking}.")
GAP = Observable("distance_{stacking}_gap", "A", "g_{stacking}", "Gap between the layers of {stacking}.")
ENERGY = Observable("energy", "eV", "E", "Energy of a cell.", headline=True)


def test_labels_stand_in_key_symbol_and_definition() -> None:
    found = DISTANCE.of(Quantity(3.3, "A"), stacking="AB")
    assert list(found) == ["distance_AB"] and found["distance_AB"].labels == {"stacking": "AB"}
    filled = DISTANCE.with_labels({"stacking": "AB"})
    assert (filled.key, filled.symbol) == ("distance_AB", "d_AB")
    assert filled.definition == "Distance of the layers of AB."
    with pytest.raises(ValueError, match="labels"):
        DISTANCE.of(Quantity(3.3, "A"))


def test_old_records_without_labels_are_found_by_their_key() -> None:
    declared = (ENERGY, DISTANCE, GAP)
    bare = Quantity(3.3, "A")
    assert find_observable(declared, "distance_AB", bare) is DISTANCE
    assert find_observable(declared, "distance_AB_gap", bare) is GAP
    assert find_observable(declared, "length", bare) is None
    assert find_observable(declared, "distance_AA", Quantity(3.3, "A", labels={"stacking": "AB"})) is None


@pytest.mark.parametrize(
    ("key", "quantity", "message"),
    [
        (
            "enrgy",
            Quantity(1.0, "eV"),
            "task 'mine' returned .* 'enrgy' in eV.*Nearest declared key: 'energy'.*Add Obs",
        ),
        ("distance_AB", Quantity(1.0, "A"), "'distance_AB' in A, which it does not declare"),
        ("energy", Quantity(1.0, "meV"), "'energy' in meV, declared in eV"),
        ("energy", Quantity(1.0, "eV", (0.9, 1.1)), "interval that has no kind.*confidence, model, numerical, range"),
    ],
)
def test_what_was_not_declared_is_refused(key: str, quantity: Quantity, message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        check_observables("mine", (ENERGY, DISTANCE), {key: quantity})


def test_what_was_declared_is_taken() -> None:
    found = ENERGY.of(Quantity(1.0, "eV", (0.9, 1.1), "numerical")) | DISTANCE.of(Quantity(3.3, "A"), stacking="AB")
    check_observables("mine", (ENERGY, DISTANCE), found)


def test_the_worker_refuses_what_the_task_did_not_declare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TASKS["single_point"], "observables", (ENERGY,))
    config: dict[str, Any] = {
        "task": {"name": "single_point", "params": {}},
        "potential": {"name": "plate", "params": {}},
        "polarization": {"name": "none", "params": {}},
        "material": {"name": "bn_monolayer", "symbols": ["B", "N"], "layers": 1, "a": 2.511, "vacuum": 25.0},
        "profile": {"name": "quick"},
        "device": {"name": "cpu", "dtype": "float64", "threads": 1},
        "seed": 0, "runs": str(tmp_path), "force": False, "timeout": None,
    }  # fmt: skip
    record = execute(make_job(config))
    assert record.status == "failed" and not record.observables
    assert "task 'single_point' returned the observable 'energy_per_atom' in eV," in record.error
    assert "Nearest declared key: 'energy'." in record.error


def test_columns_are_in_the_declared_order() -> None:
    hot = Observable("polarization_{temperature}", "pC/m", "P({temperature})", "Polarization at {temperature}.")
    found = {
        "unknown": Quantity(1.0, "1"),
        **hot.of(Quantity(2.0, "pC/m"), temperature="20K"),
        **hot.of(Quantity(1.0, "pC/m"), temperature="300K"),
        **ENERGY.of(Quantity(1.0, "eV")),
        "list": Quantity([1.0, 2.0], "1"),
    }
    assert in_order(found, (ENERGY, hot)) == ["energy", "polarization_20K", "polarization_300K", "unknown"]


@pytest.mark.parametrize("task", TASKS)
def test_declarations_are_sound(task: str) -> None:
    declared = TASKS[task].observables
    assert len({observable.key for observable in declared}) == len(declared)
    assert any(observable.headline for observable in declared)
    for observable in declared:
        labels = dict.fromkeys(observable.labels, "x")
        filled = observable.with_labels(labels)  # no other braces
        assert filled.definition.endswith(".")
        assert filled.symbol and find_observable(declared, filled.key, Quantity(0.0, "1", labels=labels)) == observable


@pytest.mark.parametrize("task", TASKS)
def test_docs_hold_the_declarations(task: str) -> None:
    page = (DOCS / f"{task}.md").read_text(encoding="utf-8")
    command = f"python -m harness.plugins --observables {task} --into docs/tasks/{task}.md"
    assert with_table(page, task, TASKS[task].observables) == page, f"the table is not that of the task; run: {command}"


def test_the_command_prints_the_table_and_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--observables", "bend"]) == 0
    assert capsys.readouterr().out.strip() == observables_table(TASKS["bend"].observables)
    page = tmp_path / "bend.md"
    page.write_text("# Bend\n")
    assert main(["--observables", "bend", "--into", str(page)]) == 2
    assert "<!-- observables of bend -->" in capsys.readouterr().err
    page.write_text("# Bend\n<!-- observables of bend -->\nold\n<!-- end of observables -->\nafter\n")
    assert main(["--observables", "bend", "--into", str(page)]) == 0
    text = page.read_text()
    assert "old" not in text and text.endswith("<!-- end of observables -->\nafter\n") and "| D_b |" in text
