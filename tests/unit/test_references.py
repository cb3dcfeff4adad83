"""References: reading published values, taking them from records, and scoring."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
from harness_tasks import harness_tasks
from hypothesis import given
from hypothesis import strategies as st

from harness.contracts.measurement import Check
from harness.contracts.quantity import Quantity
from harness.contracts.record import Record
from harness.errors import HarnessError
from harness.records.references import Reference, published_references, read_references, references_from_records
from harness.records.scoring import score
from harness.units import plain_unit

PUBLISHED = Path(__file__).parents[2] / "tasks" / "harness_tasks" / "reference"
TASKS = harness_tasks()
Make = Callable[..., Record]
FINITE = st.floats(-1e6, 1e6).filter(lambda x: x == 0 or abs(x) > 1e-6)


def reference(value: float = 33.12, unit: str = "eV", **fields: object) -> Reference:
    defaults: dict[str, object] = {
        "task": "bend",
        "observable": "D_b",
        "quantity": Quantity(value, unit),
        "kind": "published",
        "level_of_theory": "PBE",
        "source": "A paper",
        "material": {"name": "mos2_bilayer"},
        "system": "MoS₂ bilayer",
    }
    return Reference(**(defaults | fields))  # type: ignore[arg-type]


@pytest.mark.parametrize("path", sorted(PUBLISHED.glob("*.toml")), ids=lambda path: path.stem)
def test_published_values_are_complete(path: Path) -> None:
    references = read_references(path, path.stem, TASKS[path.stem].observables)
    assert references
    for entry in references:
        assert entry.source and entry.url.startswith("https://doi.org/10.") or "arxiv" in entry.url
        assert entry.level_of_theory and entry.system and entry.material["name"]
        assert entry.quote and len(entry.quote.split()) <= 20
        value, interval = entry.quantity.value, entry.quantity.interval
        assert isinstance(value, float) and (math.isfinite(value) or interval is not None)


def test_published_values_stand_in_their_quotes() -> None:
    for entry in read_references(PUBLISHED / "bend.toml", "bend", TASKS["bend"].observables):
        numbers = entry.quantity.interval or (entry.quantity.value,)
        quote = entry.quote.replace("zero", "0")
        assert all(f"{number:g}" in quote for number in numbers), entry


def test_the_documented_form_can_be_read(tmp_path: Path) -> None:
    text = (PUBLISHED.parents[2] / "docs" / "reports.md").read_text()
    (tmp_path / "bend.toml").write_text(text.partition("```toml\n")[2].partition("```")[0])
    (entry,) = read_references(tmp_path / "bend.toml", "bend", TASKS["bend"].observables)
    assert (entry.quantity.value, entry.quantity.unit, entry.system) == (0.99, "e", "MoS₂ bilayer, stacking a")


def test_references_come_with_the_package_of_the_task() -> None:
    class Elsewhere:
        __module__ = "__main__"

    nowhere = type("T", (), {"__module__": "no.such"})
    found = published_references({"bend": TASKS["bend"], "other": Elsewhere, "nowhere": nowhere})
    assert {entry.task for entry in found} == {"bend"}
    assert {entry.observable for entry in found} >= {"mu_*", "d_zzz"}


ENTRY = """
[paper.p]
cite = "A paper"
[[value]]
paper = "p"
system = "a sheet"
material = { name = "mos2_bilayer" }
observable = "%s"
unit = "%s"
value = 1.0
%s
"""


@pytest.mark.parametrize(
    ("observable", "unit", "more", "message"),
    [
        ("bending_stifness", "eV", "", "'bending_stifness'.*Did you mean 'bending_stiffness'.*--observables bend"),
        ("d_zzz mu_nothing_*", "pm/V", "", "'mu_nothing_\\*', which task 'bend' does not declare"),
        ("mu_*", "nC/m", "", "'mu_\\*' in nC/m, which task 'bend' declares in e"),
        ("mu_*", "nC/m", 'definition = "volumetric"', None),
        ("mu_kappa_dipoles", "e", 'range = [0.9, 1.1]\ninterval_kind = "confidence"', None),
    ],
)
def test_references_are_of_declared_observables(
    observable: str, unit: str, more: str, message: str | None, tmp_path: Path
) -> None:
    (tmp_path / "bend.toml").write_text(ENTRY % (observable, unit, more))
    if message is None:
        (entry,) = read_references(tmp_path / "bend.toml", "bend", TASKS["bend"].observables)
        assert entry.quantity.interval_kind == ("95 % confidence" if "range" in more else "")
    else:
        with pytest.raises(HarnessError, match=message):
            read_references(tmp_path / "bend.toml", "bend", TASKS["bend"].observables)


@pytest.mark.parametrize("text", ["[[value]]\nobservable='x'", "not toml", "[[value]]\npaper='p'"])
def test_a_wrong_reference_file_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "bend.toml").write_text(text)
    with pytest.raises(HarnessError, match="reference file .* is wrong") as error:
        read_references(tmp_path / "bend.toml", "bend", TASKS["bend"].observables)
    assert "\n" not in str(error.value)


def test_everything_that_differs_is_flagged(make_record: Make) -> None:
    (result,) = score([make_record()], [reference(definition="another curvature")])
    assert result.mismatches == {
        "material": "MoS₂ bilayer, not bn_bilayer",
        "level": "PBE, not PBE-D3(BJ)",
        "definition": "another curvature",
    }
    assert result.difference is not None and result.difference.value == pytest.approx(4.9 - 33.12)
    assert result.within is False


def test_the_same_system_and_level_has_no_flags(make_record: Make) -> None:
    same = reference(5.0, level_of_theory="PBE+D3 (BJ)", material={"name": "bn_bilayer", "stacking": "AB"})
    (result,) = score([make_record()], [same])
    assert result.mismatches == {}
    assert result.within is True
    (other_stacking,) = score([make_record(stacking="AA")], [same])
    assert other_stacking.mismatches == {"material": "stacking AB, not AA"}


def test_differences_and_ratios_carry_both_intervals(make_record: Make) -> None:
    record = make_record(observables={"D_b": Quantity(-10.0, "eV", (-10.3, -9.7))})
    (result,) = score([record], [reference(quantity=Quantity(5.0, "eV", (4.8, 5.2)))])
    assert result.difference is not None and result.ratio is not None
    assert result.difference.interval == pytest.approx((-15 - 0.13**0.5, -15 + 0.13**0.5))
    half = 2 * (0.03**2 + 0.04**2) ** 0.5  # relative half-widths of 3 and 4 %
    assert (result.ratio.value, result.ratio.interval) == (-2.0, pytest.approx((-2 - half, -2 + half)))


def test_an_unstated_level_is_a_mismatch(make_record: Make) -> None:
    unstated = make_record(level=None)
    (result,) = score([unstated], [reference(level_of_theory="PBE")])
    assert result.mismatches["level"] == "PBE, not stated by the potential"


def test_units_are_compared_and_never_converted(make_record: Make) -> None:
    (result,) = score([make_record()], [reference(1.0, "J")])
    assert result.mismatches["unit"] == "J, not eV"
    assert (result.difference, result.ratio, result.within) == (None, None, None)


def test_a_pattern_meets_every_definition(make_record: Make) -> None:
    record = make_record(observables={name: Quantity(1.0, "e") for name in ("mu_a", "mu_b", "D_b")})
    assert [s.observable for s in score([record], [reference(0.99, "e", observable="mu_*")])] == ["mu_a", "mu_b"]


def test_spaces_part_alternatives() -> None:
    entry = reference(observable="D_b D_mean*")
    assert [name for name in ("D_b", "D_mean_kappa", "D_bonded", "mu") if entry.concerns(name)] == [
        "D_b",
        "D_mean_kappa",
    ]


def test_other_tasks_and_lists_are_not_scored(make_record: Make, failed_record: Make) -> None:
    record = make_record(observables={"D_b": Quantity([1.0, 2.0], "eV")})
    assert score([record], [reference()]) == []
    assert score([make_record()], [reference(task="elastic")]) == []
    assert score([failed_record("f1", "mace")], [reference()]) == []


def test_dft_records_become_references_for_others(make_record: Make) -> None:
    dft = make_record("d1", "dft", observables={"D_b": Quantity(5.0, "eV", (4.9, 5.1))})
    other = make_record("m1", "mtp_cd")
    references = references_from_records([other, dft])
    assert [(r.kind, r.observable, r.identity) for r in references] == [("dft", "D_b", "d1")]
    (result,) = score([dft, other], references)
    assert result.identity == "m1"  # never against itself
    assert result.mismatches == {}


def test_an_invalid_dft_record_is_no_reference(make_record: Make) -> None:
    wrong = make_record("d1", "dft", checks=[Check("sum rule", 1.0, 0.1)])
    assert references_from_records([wrong]) == []


def test_other_task_settings_are_another_definition(make_record: Make) -> None:
    dft = make_record("d1", "dft")
    other = make_record("m1")
    other.config["task"]["params"] = {"steps": 24}
    results = score([other], references_from_records([dft]))
    assert {s.mismatches["definition"] for s in results} == {"task settings differ: steps"}


def test_the_exact_answer_belongs_to_its_oracle_only(make_record: Make) -> None:
    provenance = {"potential": {"analytic": {"D_b": {"value": 1.5, "unit": "eV"}}}}
    oracle = make_record("o1", "plate", provenance=provenance, observables={"D_b": Quantity(1.51, "eV", (1.4, 1.6))})
    results = score([oracle, make_record("m1")], references_from_records([oracle]))
    assert [(s.identity, s.reference.kind, s.within, dict(s.mismatches)) for s in results] == [
        ("o1", "analytic", True, {})
    ]


def test_scores_do_not_depend_on_order(make_record: Make) -> None:
    records = [make_record("b"), make_record("a", stacking="AA"), make_record("d", "dft")]
    references = [
        *read_references(PUBLISHED / "bend.toml", "bend", TASKS["bend"].observables),
        *references_from_records(records),
    ]
    assert score(records[::-1], references[::-1]) == score(records, references)


@given(FINITE, st.floats(0, 10), FINITE, st.floats(0, 10))
def test_differences_hold_their_value_and_are_antisymmetric(
    make_record: Make, a: float, wa: float, b: float, wb: float
) -> None:
    def difference(x: float, wx: float, y: float, wy: float) -> Quantity:
        record = make_record(observables={"D_b": Quantity(x, "eV", (x - wx, x + wx))})
        other = reference(quantity=Quantity(y, "eV", (y - wy, y + wy)))
        (result,) = score([record], [other])
        assert result.difference is not None and result.difference.interval is not None
        low, high = result.difference.interval
        assert low <= result.difference.value <= high
        if result.ratio is not None and result.ratio.interval is not None:
            assert result.ratio.interval[0] <= result.ratio.value <= result.ratio.interval[1]
        return result.difference

    forward, backward = difference(a, wa, b, wb), difference(b, wb, a, wa)
    assert isinstance(forward.value, float) and forward.value == -backward.value  # type: ignore[operator]
    width = forward.interval[1] - forward.interval[0]  # type: ignore[index]
    assert width == pytest.approx(2 * math.hypot(wa, wb), abs=1e-6)


@pytest.mark.parametrize(
    ("one", "other"),
    [("nC/m", "nC m^-1"), ("eV/A^2", "eV Å⁻²"), ("e*A", "Å e"), ("1", ""), ("eV/Å/Å", "eV/Å**2"), ("μs", "µs")],
)
def test_spellings_of_one_unit_agree(one: str, other: str) -> None:
    assert plain_unit(one) == plain_unit(other)


def test_different_units_stay_different() -> None:
    assert len({plain_unit(unit) for unit in ("e", "eV", "e/A", "e A", "pm/V", "1", "nC/m", "pC/m")}) == 8
