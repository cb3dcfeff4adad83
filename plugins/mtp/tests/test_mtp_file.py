"""Reading and writing ``.mtp``: both key orders, damage of every kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness_mtp import mtpfile

from harness.errors import HarnessError

ARRAYS = ("radial_coeffs", "alpha_index_basic", "alpha_index_times", "alpha_moment_mapping", "species_coeffs",
          "moment_coeffs")  # fmt: skip


def same(a: Any, b: Any) -> bool:
    return all(np.array_equal(getattr(a, k), getattr(b, k)) for k in ARRAYS) and a.radial_basis == b.radial_basis


def test_round_trip_is_exact(tmp_path: Path, random_data: Callable[..., Any]) -> None:
    data = random_data(12)
    data.scaling = 0.01
    mtpfile.write(tmp_path / "a.mtp", data, ["B", "N"])
    back = mtpfile.read(tmp_path / "a.mtp")
    assert same(data, back)
    assert back.scaling == data.scaling
    assert mtpfile.species_of_tag(back) == ["B", "N"]
    assert list(tmp_path.iterdir()) == [tmp_path / "a.mtp"]


@pytest.mark.parametrize("legacy", [True, False])
def test_reads_both_orders_that_motep_writes(tmp_path: Path, random_data: Callable[..., Any], legacy: bool) -> None:
    """Its newer order puts radial_funcs_count after the coefficients, and its own reader then fails."""
    from motep.io.mlip.mtp import write_mtp

    data = random_data(8)
    write_mtp(tmp_path / "m.mtp", data, legacy=legacy)
    assert mtpfile.read(tmp_path / "m.mtp").radial_coeffs == pytest.approx(data.radial_coeffs, abs=1e-14)


def test_motep_reads_what_we_write(tmp_path: Path, random_data: Callable[..., Any]) -> None:
    from motep.io.mlip.mtp import read_mtp

    data = random_data(16)
    mtpfile.write(tmp_path / "m.mtp", data)
    assert same(read_mtp(tmp_path / "m.mtp"), data)


def test_an_active_set_after_the_potential_is_skipped(model_file: Path) -> None:
    before = mtpfile.read(model_file)
    with model_file.open("ab") as stream:
        stream.write(b"\n#MVS_v1.1\nenergy_weight 1\n#\xff\xfe\x00\x01binary")
    assert same(before, mtpfile.read(model_file))


@pytest.mark.parametrize("keep", [0.02, 0.3, 0.5, 0.7, 0.9, 0.99, 0.999])
def test_a_truncated_file_is_an_error(model_file: Path, keep: float) -> None:
    content = model_file.read_text().rstrip()
    model_file.write_text(content[: int(keep * len(content))])
    with pytest.raises(HarnessError, match="truncated|not an MTP") as caught:
        mtpfile.read(model_file)
    assert "\n" not in str(caught.value)


def test_every_lost_line_is_noticed(model_file: Path) -> None:
    optional = ("version", "potential_name", "scaling", "potential_tag", "radial_coeffs")
    lines = model_file.read_text().splitlines()
    for k, line in enumerate(lines):
        key = line.strip().split(" ")[0]
        if key in optional or "-" in key and "{" not in key:  # the headings 0-0, 0-1 only order the rows
            continue
        model_file.write_text("\n".join(lines[:k] + lines[k + 1 :]))
        with pytest.raises(HarnessError):
            mtpfile.read(model_file)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("MTP\n", "{}\n", "not an MTP"),
        ("RBChebyshev", "RBTaylor", "only RBChebyshev"),
        ("species_count = 2", "species_count = 3", "rows of radial coefficients"),
        ("alpha_moments_count = 18", "alpha_moments_count = 3", "out of range"),
        ("radial_funcs_count = 2", "radial_funcs_count = 1", "rows of radial"),
        ("\tmax_dist", "magnetic_basis_type = RB\n\tmax_dist", "magnetic basis"),
    ],
)
def test_what_the_engine_cannot_use_is_refused(model_file: Path, old: str, new: str, message: str) -> None:
    model_file.write_text(model_file.read_text().replace(old, new, 1))
    with pytest.raises(HarnessError, match=message):
        mtpfile.read(model_file)


def test_numbers_must_be_finite(model_file: Path, random_data: Callable[..., Any]) -> None:
    data = random_data()
    mtpfile.write(model_file, replace(data, moment_coeffs=data.moment_coeffs * np.nan))
    with pytest.raises(HarnessError, match="not finite"):
        mtpfile.read(model_file)


def test_an_untrained_template_is_named_as_such(tmp_path: Path, model_file: Path) -> None:
    lines = [x for x in model_file.read_text().splitlines() if not x.startswith(("species_coeffs", "moment_coeffs"))]
    (tmp_path / "u.mtp").write_text("\n".join(lines))
    with pytest.raises(HarnessError, match="untrained"):
        mtpfile.read(tmp_path / "u.mtp")
    with pytest.raises(HarnessError, match="cannot read"):
        mtpfile.read(tmp_path)
