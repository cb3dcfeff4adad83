"""Reports: complete, honest, self-contained, and the same for the same records."""

from __future__ import annotations

import base64
import csv
import io
import random
import re
from collections.abc import Callable, Sequence
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from harness_reports.formats import CSV, HTML, Markdown
from harness_reports.pictures import to_palette
from PIL import Image

from harness.contracts.measurement import Arrays, Check
from harness.contracts.observable import Observable
from harness.contracts.quantity import Quantity
from harness.contracts.record import Record
from harness.errors import HarnessError
from harness.records.references import Reference

Make = Callable[..., Record]
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class Bend:
    """Bending of a ribbon."""

    observables = (
        Observable("D_b", "eV", "D_b", "Bending stiffness.", headline=True),
        Observable("mu_curvature", "e", "μ_κ", "Slope of the polarization against the curvature.", headline=True),
        Observable("grade_{stacking}", "1", "γ_{stacking}", "Grade of {stacking}."),
    )

    def figures(self, record: Record, arrays: Arrays, folder: Path) -> list[Path]:
        """One pixel for each record, except for the potential that cannot be drawn."""
        if record.potential == "undrawable":
            raise ValueError("no frames")
        (folder / "deformed_ribbon.png").write_bytes(PIXEL)
        return [folder / "deformed_ribbon.png"]


PUBLISHED = Reference(
    task="bend",
    observable="D_b",
    quantity=Quantity(33.12, "eV"),
    kind="published",
    level_of_theory="PBE",
    source="A paper",
    material={"name": "mos2_bilayer"},
    system="MoS₂ bilayer",
    definition="another curvature",
    url="https://doi.org/10.1000/1",
)


def texts(records: Sequence[Record], folder: Path, errors: Sequence[HarnessError] = ()) -> dict[str, str]:
    """All formats of a report."""
    written = {}
    for kind in (Markdown, CSV, HTML):
        for path in kind(errors, {"bend": Bend}, [PUBLISHED]).render(records, folder):
            written[path.name] = path.read_text(encoding="utf-8")
    return written


def rows_of(text: str) -> list[dict[str, str]]:
    """A CSV table."""
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture(scope="module")
def mixed(make_record: Make, failed_record: Make) -> list[Record]:
    """Records of every kind."""
    return [
        make_record("a1"),
        make_record("a2", "plate", level=None),
        make_record("a3", "wobbly", checks=[Check("sum rule", 0.3, 0.01, "e")]),
        make_record("a4", "mtp_cd", stacking="AA"),
        make_record("a5", "mtp_cd", seed=1),
        make_record("a6", "undrawable"),
        make_record("a7", "dft", observables={"D_b": Quantity(5.0, "eV", (4.9, 5.1))}),
        failed_record("b1", "mace", error="RuntimeError: out of memory", stderr="Traceback: boom"),
        failed_record("b2", "gap", "unsupported", error="task 'bend' needs stress", missing=["stress"]),
        failed_record("b3", "slow", "timeout", error="stopped after 60 s"),
        failed_record("b4", "cut", "interrupted", error="stopped by Ctrl-C"),
    ]


def test_reports_do_not_depend_on_the_order_of_records(mixed: list[Record], tmp_path: Path) -> None:
    expected = texts(mixed, tmp_path / "a")
    for seed in range(2):
        shuffled = random.Random(seed).sample(mixed, len(mixed))
        assert texts([*shuffled, shuffled[0]], tmp_path / "a") == expected  # a copy counts once


def test_every_record_is_in_every_format(mixed: list[Record], tmp_path: Path) -> None:
    written = texts(mixed, tmp_path)
    assert {row["identity"] for row in rows_of(written["results.csv"])} == {record.identity for record in mixed}
    for name in ("report.md", "report.html"):
        text = re.sub(r"\\(.)", r"\1", written[name])
        for record in mixed:
            assert record.label in text
        for reason in ("RuntimeError: out of memory", "missing: stress", "stopped after 60 s", "stopped by Ctrl-C"):
            assert reason in text
        assert "not run" in text  # gap was never asked about AA
        assert re.search(r"sum rule: 0\.3 e, allowed ±0\.01 e", text)
        assert "invalid" in text


def test_intervals_and_units_are_beside_every_number(make_record: Make, tmp_path: Path) -> None:
    text = texts([make_record()], tmp_path)["report.md"].replace("\\", "")
    assert (
        "| mtp_cd | ok | not checked | 4.9 [4.6, 5.2] eV (95 % confidence) | 0.031 [0.028, 0.034] e (numerical) |"
        in text
    )


def test_every_interval_says_its_kind_in_every_format(make_record: Make, tmp_path: Path) -> None:
    kinds = {
        "D_b": Quantity(4.9, "eV", (4.6, 5.2), "confidence"),
        "mu_curvature": Quantity(0.031, "e", (0.028, 0.034), "numerical"),
        "grade_AB": Quantity(2.0, "1", (1.0, 3.0), level=0.95, labels={"stacking": "AB"}),  # as of schema 1
    }
    written = texts([make_record(observables=kinds)], tmp_path)
    rows = {row["observable"]: (row["interval_kind"], row["level"]) for row in rows_of(written["results.csv"])}
    assert rows == {"D_b": ("confidence", "0.95"), "mu_curvature": ("numerical", ""), "grade_AB": ("not stated", "")}
    markdown, page = written["report.md"].replace("\\", ""), written["report.html"]
    assert "4.9 [4.6, 5.2] eV (95 % confidence)" in markdown and "0.031 [0.028, 0.034] e (numerical)" in markdown
    assert "2.0 [1.0, 3.0] (kind not stated)" in markdown
    for text in ('<span class="interval">95 % confidence</span>', '<span class="interval">numerical</span>'):
        assert text in page
    assert page.count("95 %") == page.count("95 % confidence")  # never over another kind
    for text in (markdown, page):
        assert "Numerical: convergence" in text and "Confidence: error of sampling" in text


def test_symbols_and_definitions_are_those_of_the_task(make_record: Make, tmp_path: Path) -> None:
    grade = {"grade_AB": Quantity(2.0, "1", labels={"stacking": "AB"}), "D_b": Quantity(4.9, "eV")}
    written = texts([make_record(observables=grade | {"odd_one": Quantity(1.0, "1")})], tmp_path)
    assert "- D_b, `D_b`: Bending stiffness." in written["report.md"].replace("\\", "")
    assert '<i title="Bending stiffness.">D</i><sub>b</sub>' in written["report.html"]
    assert '<i title="Grade of AB.">γ</i><sub>AB</sub>' in written["report.html"]
    assert "<i>odd_one</i>" in written["report.html"]  # what nobody declares keeps its key


def test_agreement_says_which_kinds_were_compared(make_record: Make, tmp_path: Path) -> None:
    dft = make_record("d1", "dft", observables={"D_b": Quantity(5.0, "eV", (4.9, 5.1), "numerical")})
    records = [make_record("a1"), dft]
    (page,) = Markdown(tasks={}).render(records, tmp_path)
    assert "yes (95 % confidence beside numerical)" in page.read_text()
    (path, _) = CSV(tasks={}).render(records, tmp_path)
    (row,) = [r for r in rows_of(path.read_text()) if (r["identity"], r["observable"]) == ("a1", "D_b")]
    assert (row["within"], row["compared_kinds"]) == ("true", "95 % confidence beside numerical")
    assert (row["reference_interval_kind"], row["reference_level"]) == ("numerical", "")


def test_csv_is_tidy(mixed: list[Record], tmp_path: Path) -> None:
    rows = rows_of(texts(mixed, tmp_path)["results.csv"])
    keys = [(row["identity"], row["observable"]) for row in rows]
    assert len(keys) == len(set(keys))
    assert all(None not in row and None not in row.values() for row in rows)
    (dft,) = [r for r in rows if (r["identity"], r["observable"]) == ("a1", "D_b")]
    assert dft["reference_kind"] == ""  # a value for another material is in references.csv only
    beside = rows_of(texts(mixed, tmp_path)["references.csv"])
    assert {row["reference_system"] for row in beside} == {"MoS₂ bilayer"}
    assert all(row["mismatches"].startswith("material: MoS₂ bilayer, not bn_bilayer; level: ") for row in beside)


def test_the_nearest_reference_stands_in_the_results(make_record: Make, tmp_path: Path) -> None:
    records = [make_record("a1"), make_record("d1", "dft", observables={"D_b": Quantity(5.0, "eV", (4.9, 5.1))})]
    (path, _) = CSV(tasks={}).render(records, tmp_path)
    (row,) = [r for r in rows_of(path.read_text()) if r["potential"] == "mtp_cd" and r["observable"] == "D_b"]
    assert (row["reference_kind"], row["reference_value"], row["mismatches"]) == ("dft", "5.0", "")
    assert float(row["difference"]) == pytest.approx(-0.1)
    text = (HTML(tasks={}).render(records, tmp_path))[0].read_text()
    assert "Against the same level of theory" in text


def test_records_that_disagree_on_a_unit_are_flagged_and_not_mixed(make_record: Make, tmp_path: Path) -> None:
    records = [make_record("a1"), make_record("a2", "joule", observables={"D_b": Quantity(8e-19, "J")})]
    written = texts(records, tmp_path)
    rows = [row for row in rows_of(written["results.csv"]) if row["observable"] == "D_b"]
    assert [(row["unit"], row["unit_clash"]) for row in rows] == [("J", "J / eV"), ("eV", "J / eV")]
    assert written["report.md"].count("unit differs from other records") == 2 + 2  # in both tables
    assert "<svg" not in written["report.html"]  # no common axis


def test_one_axis_for_one_unit(make_record: Make, tmp_path: Path) -> None:
    records = [make_record("a1"), make_record("a2", "b", observables={"D_b": Quantity(7.0, "eV", (6.5, 7.5))})]
    text = texts(records, tmp_path)["report.html"]
    first, second = (float(x) for x in re.findall(r'class="dot" cx="([\d.]+)"', text))
    assert first > second  # rows are in the order of names: 7 eV of b, then 4.9 eV of mtp_cd
    assert text.count("<svg") == 1


class Resources(HTMLParser):
    """What a page refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loaded: list[str] = []
        self.images: list[str] = []
        self.handlers: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect tags and attributes."""
        self.tags.append(tag)
        for name, value in attrs:
            if tag == "img" and name == "src":
                self.images.append(value or "")
            elif name in ("src", "srcset", "data", "action", "poster") or (tag == "link" and name == "href"):
                self.loaded.append(value or "")
            elif name == "href":
                self.links.append(value or "")
            elif name == "id":
                self.ids.append(value or "")
            if name.startswith("on"):
                self.handlers.append(name)


def parse(text: str) -> Resources:
    """A page's references."""
    parser = Resources()
    parser.feed(text)
    parser.close()
    return parser


def test_the_page_needs_nothing_else(mixed: list[Record], tmp_path: Path) -> None:
    text = texts(mixed, tmp_path)["report.html"]
    page = parse(text)
    assert page.loaded == [] and page.handlers == []
    assert not {"script", "link", "iframe", "object", "embed"} & set(page.tags)
    assert page.images and all(image.startswith("data:image/png;base64,") for image in page.images)
    assert base64.b64decode(page.images[0].partition(",")[2]) == PIXEL
    assert not re.search(r"url\(|@import", text)
    assert len(page.ids) == len(set(page.ids))
    inside = {link[1:] for link in page.links if link.startswith("#")}
    assert inside <= set(page.ids)
    assert [link for link in page.links if not link.startswith("#")] == ["https://doi.org/10.1000/1"] * 2


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style><b>",
    "a|b\nc",
    "{{ 7*7 }}",
    "`x` *y* [z](javascript:1)",
    "../../etc",
]


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_words_stay_words(words: str, make_record: Make, failed_record: Make, tmp_path: Path) -> None:
    records = [
        make_record("a1", words, notes=[words], material=words, checks=[Check(words, 2.0, 1.0, "e", words)]),
        failed_record("a2", words, error=words, stderr=words, profile=words),
        make_record("a3", observables={words: Quantity(1.0, words, method=words)}, host={"processor": words}),
    ]
    written = texts(records, tmp_path / "out", [HarnessError(words)])
    page = parse(written["report.html"])
    assert "script" not in page.tags and page.handlers == [] and page.loaded == []
    assert all(image.startswith("data:") for image in page.images)
    assert len(page.ids) == len(set(page.ids))
    outside_code = re.sub(r"(?ms)^(`{3,})\n.*?^\1$", "", written["report.md"])
    assert not re.search(r"<(script|img src=x|/style><b)", written["report.html"] + outside_code)
    assert {row["potential"] for row in rows_of(written["results.csv"])} == {words, "mtp_cd"}
    assert all(path.is_relative_to(tmp_path / "out") for path in tmp_path.rglob("*") if path.is_file())


def test_markdown_tables_are_whole(mixed: list[Record], make_record: Make, tmp_path: Path) -> None:
    text = texts([*mixed, make_record("c1", "a|b\nc")], tmp_path)["report.md"]
    blocks = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert len(blocks) > 5
    for block in blocks:
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1, block
        assert re.match(r"^\|(---\|)+$", block.splitlines()[1])
    for target in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text):
        assert (tmp_path / target).read_bytes() == PIXEL


def test_a_figure_that_fails_is_named_and_costs_nothing_else(make_record: Make, tmp_path: Path) -> None:
    written = texts([make_record("a1", "undrawable"), make_record("a2")], tmp_path)
    assert "ValueError: no frames" in written["report.html"] and "ValueError: no frames" in written["report.md"]
    assert len(parse(written["report.html"]).images) == 1


def test_a_record_of_an_unknown_task_is_still_shown(make_record: Make, tmp_path: Path) -> None:
    (path,) = HTML(tasks={}).render([make_record()], tmp_path)
    text = path.read_text()
    assert "the task is not installed here" in text and "4.9" in text


def test_pictures_of_the_run_stand_in_where_the_task_cannot_draw(make_record: Make, tmp_path: Path) -> None:
    run = tmp_path / "run"
    (run / "figures").mkdir(parents=True)
    (run / "figures" / "old.png").write_bytes(PIXEL)
    (path,) = HTML(tasks={}).render([make_record("a1", folder=run)], tmp_path / "out")
    assert len(parse(path.read_text()).images) == 1


def test_corrupt_records_are_listed(make_record: Make, tmp_path: Path) -> None:
    written = texts([make_record()], tmp_path, [HarnessError("the record x/record.json is corrupt (truncated).")])
    for name in ("report.html", "report.md"):
        assert "the record x/record.json is corrupt" in written[name]


def test_a_report_that_cannot_be_written_is_one_line(make_record: Make, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HarnessError, match="cannot write the report .* --out"):
        CSV(tasks={}).render([make_record()], tmp_path / "file" / "report")


def test_pictures_are_stored_with_a_palette_that_no_eye_sees(tmp_path: Path) -> None:
    x, y = np.meshgrid(np.linspace(0, 255, 400), np.linspace(0, 255, 300))
    smooth = np.stack([x, y, 255 - x / 2 - y / 2], axis=-1) + np.random.default_rng(0).normal(0, 3, (300, 400, 1))
    path = tmp_path / "map.png"
    Image.fromarray(np.clip(smooth, 0, 255).astype(np.uint8)).save(path)
    before = path.stat().st_size
    to_palette(path)
    with Image.open(path) as stored:
        now = np.asarray(stored.convert("RGB"), dtype=float)
    assert path.stat().st_size < before / 2
    blocks = (now - np.clip(smooth, 0, 255)).reshape(30, 10, 40, 10, 3).mean(axis=(1, 3))
    assert np.abs(blocks).mean() < 4
