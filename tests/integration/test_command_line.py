"""Bad input: one line that names the mistake, the nearest right word and what to type; exit code 2; nothing lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ase.build import mx2
from ase.io import write

CommandLine = Callable[..., Any]
RUN = ("task=single_point", "potential=plate")


def assert_one_line(process, *words: str) -> None:
    assert process.returncode == 2, process.stderr
    lines = process.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: "), process.stderr
    assert "Traceback" not in process.stderr + process.stdout
    for word in words:
        assert word in lines[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("task=bned", "potential=plate"), ("unknown task 'bned'", "Did you mean 'bend'")),
        (("task=bend", "potential=mpt_cd"), ("unknown potential 'mpt_cd'", "Did you mean 'mtp_cd'")),
        (("task=bend",), ("no potential was chosen", "potential=NAME", "mtp_cd")),
        ((*RUN, "sed=1"), ("unknown setting 'sed'", "Did you mean 'seed'")),
        ((*RUN, "+foo=1"), ("unknown setting 'foo'",)),
        ((*RUN, "material.stackin=AA"), ("'stackin'", "Did you mean 'stacking'")),
        ((*RUN, "material.stacking=AC"), ("AC", "AA")),
        ((*RUN, "seed=one"), ("seed", "Integer")),
        ((*RUN, "profile=quik"), ("Did you mean 'quick'",)),
        ((*RUN, "device=gpu"), ("unknown device 'gpu'", "cuda")),
        ((*RUN, "device=cuda"), ("computes on cpu, not cuda", "device=cpu")),
        ((*RUN, "device.dtype=float32"), ("computes in float64", "device.dtype=float64")),
        ((*RUN, "polarization=charge_dipol"), ("Did you mean 'charge_dipole'",)),
        (("task=bend", "potential=plate", "task.params.lenght=3"), ("'lenght'", "Did you mean 'length'")),
        ((*RUN, "+potential.params.strech=3"), ("Did you mean 'stretch'", "potential.params.NAME=VALUE")),
        ((*RUN, "seed=["), ("error",)),
        (("task=single_point", "potential=ase"), ("potential.params.calculator", "Give")),
        (("task=single_point", "potential=ase", "potential.params.calculator=ase.calculators.emt"), ("factory",)),
        (("task=single_point", "potential=ase", "potential.params.calculator=no_such_module:X"), ("no_such_module",)),
        (("task=single_point", "potential=ase", "potential.params.calculator=ase.calculators.emt:ETM"), ("EMT",)),
    ],
)
def test_mistakes_on_the_command_line(command: CommandLine, arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    assert_one_line(command(*arguments), *words)


def test_missing_truncated_and_foreign_models(command: CommandLine, tmp_path: Path) -> None:
    mtp = ("task=single_point", "potential=mtp", "material=bn_monolayer")
    assert_one_line(command(*mtp, "potential.params.model=bn_bilayr.mtp"), "does not exist", "bn_bilayer.mtp")
    (tmp_path / "notes.mtp").write_text("not a potential\n")
    assert_one_line(command(*mtp, "potential.params.model=notes.mtp"), "notes.mtp")
    import harness_mtp

    whole = (Path(harness_mtp.__file__).parent / "models" / "bn_bilayer.mtp").read_text()
    (tmp_path / "half.mtp").write_text(whole[: len(whole) // 2])
    assert_one_line(command(*mtp, "potential.params.model=half.mtp"), "half.mtp")


def test_an_element_that_the_potential_does_not_know(command: CommandLine) -> None:
    process = command("task=single_point", "potential=mtp", "material=bn_monolayer", "material.symbols=[Mo,S]")
    assert_one_line(process, "does not know Mo, S", "B, N")


def test_a_structure_file_is_the_material(command: CommandLine, tmp_path: Path) -> None:
    write(tmp_path / "mos2.extxyz", mx2("MoS2", vacuum=9.0))
    for key in ("material.file", "+material.file"):
        process = command("task=single_point", "potential=plate", f"{key}=mos2.extxyz")
        assert process.returncode == 0, process.stderr
        assert "MoS2 monolayer, mos2.extxyz" in process.stdout
    process = command("task=sliding", "potential=plate", "material.file=mos2.extxyz")
    assert process.returncode == 0, process.stderr
    assert "unsupported" in process.stdout and "mos2.extxyz has 1" in process.stdout
    assert_one_line(command("task=single_point", "potential=plate", "material.file=mos3.extxyz"), "'mos2.extxyz'")
    assert_one_line(command("task=single_point", "potential=plate", "+material.color=red"), "'color'", "stacking")


def test_negative_sizes(command: CommandLine) -> None:
    assert_one_line(command("task=single_point", "potential=plate", "material.a=-2.5"), "a", "-2.5")


def test_any_ase_calculator_runs(command: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from ase.calculators.lj import LennardJones\n"
        "def make(epsilon):\n    return LennardJones(sigma=1.3, epsilon=epsilon, rc=6.0)\n"
    )
    process = command("task=single_point", "potential=ase", "potential.params.calculator=mine:make",
                      "+potential.params.kwargs.epsilon=0.01")  # fmt: skip
    assert process.returncode == 0, process.stderr
    (path,) = (tmp_path / "runs").rglob("record.json")
    record = json.loads(path.read_text())
    assert record["status"] == "ok" and record["provenance"]["potential"]["model"]["sha256"]


def test_corrupt_record_is_left_alone(command: CommandLine, tmp_path: Path) -> None:
    assert command(*RUN).returncode == 0
    (path,) = (tmp_path / "runs").rglob("record.json")
    path.write_text(path.read_text()[:100])
    assert_one_line(command(*RUN), "corrupt", "force=true")
    assert len(path.read_text()) == 100
    assert command(*RUN, "force=true").returncode == 0
    assert json.loads(path.read_text())["status"] == "ok"


def test_a_finished_record_is_reused(command: CommandLine, tmp_path: Path) -> None:
    assert command(*RUN).returncode == 0
    (path,) = (tmp_path / "runs").rglob("record.json")
    before = path.stat().st_mtime_ns
    again = command(*RUN)
    assert again.returncode == 0 and "reused" in again.stdout
    assert path.stat().st_mtime_ns == before
    assert command(*RUN, "seed=1").returncode == 0
    assert len(list((tmp_path / "runs").rglob("record.json"))) == 2


def test_a_run_folder_that_is_a_file(command: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    assert_one_line(command(*RUN), "cannot write", "runs=FOLDER")


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_and_a_read_only_disk(command: CommandLine, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True).returncode:
        pytest.skip("no mounts here")
    try:
        assert command(*RUN, f"runs={disk}/runs").returncode == 0
        (kept,) = (disk / "runs").rglob("record.json")
        bend = command("task=bend", "potential=plate", "polarization=plate", f"runs={disk}/runs")
        assert bend.returncode == 2 and bend.stderr.splitlines()[-1].startswith("error: cannot write")
        assert "No space left" in bend.stderr and "Traceback" not in bend.stderr
        assert json.loads(kept.read_text())["status"] == "ok"  # nothing finished is lost
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        assert_one_line(command(*RUN, "seed=1", f"runs={disk}/runs"), "cannot write", "Read-only")
        assert "reused" in command(*RUN, f"runs={disk}/runs").stdout  # reading needs no writing
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_sweep_goes_on_past_bad_cells(command: CommandLine, tmp_path: Path) -> None:
    process = command("-m", "task=single_point", "potential=plate", "material.stacking=AA,AC,AB")
    assert process.returncode == 2
    assert process.stderr.count("error: ") == 1 and "Traceback" not in process.stderr
    assert len(list((tmp_path / "runs").rglob("record.json"))) == 2
    assert "sweep: 1 error, 2 ok" in process.stdout


def test_a_reader_that_has_seen_enough(tmp_path: Path) -> None:
    line = (
        f"{sys.executable} -m harness -m task=single_point potential=plate seed=1,2 | head -1; exit ${{PIPESTATUS[0]}}"
    )
    process = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True)
    assert process.returncode == 141 and not process.stderr
    assert list((tmp_path / "runs").rglob("record.json"))


def test_hydra_users_find_what_they_expect(command: CommandLine, harness: CommandLine) -> None:
    job = command(*RUN, "--cfg", "job")
    assert job.returncode == 0 and "stacking: AB" in job.stdout
    text = command("--help").stdout
    assert "potential:" in text and "mtp_cd" in text and "task=bend potential=mtp_cd" in text
    completion = harness("-sc", "query=bash", env={"COMP_LINE": "harness task=be", "COMP_POINT": "15"})
    assert "task=bend" in completion.stdout
