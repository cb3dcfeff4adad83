"""The identity of a run: the same for the same content, another for anything that decides a number."""

from __future__ import annotations

import copy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ase.io import write

from harness.errors import HarnessError
from harness.execution.job import Job, check_elements, make_job, resolve_device
from harness.registry.lookup import build_material

CONFIG: dict[str, Any] = {
    "task": {"name": "single_point", "params": {}},
    "potential": {"name": "plate", "params": {}},
    "polarization": {"name": "none", "params": {}},
    "material": {"name": "bn_bilayer", "symbols": ["B", "N"], "layers": 2, "stacking": "AB", "a": 2.511,
                 "distance": 3.35, "vacuum": 25.0},
    "profile": {"name": "quick"},
    "device": {"name": "cpu", "dtype": "float64", "threads": 1},
    "seed": 0, "runs": "runs", "force": False, "timeout": None,
}  # fmt: skip


def identity(**changes: Any) -> str:
    config = copy.deepcopy(CONFIG)
    for dotted, value in changes.items():
        node = config
        *parents, last = dotted.split("__")
        for parent in parents:
            node = node[parent]
        node[last] = value
    return make_job(config).identity


def test_identity_ignores_where_and_how_often() -> None:
    assert identity() == identity(runs="elsewhere", force=True, timeout=60.0)
    assert identity(material__vacuum=25) == identity(material__vacuum=25.0)


@pytest.mark.parametrize(
    "change",
    [{"seed": 1}, {"material__stacking": "AA"}, {"material__a": 2.5}, {"device__dtype": "float32"},
     {"profile__name": "paper"}, {"task__params": {"repeat": [2, 2]}},
     {"polarization": {"name": "plate", "params": {}}}],
)  # fmt: skip
def test_identity_sees_what_decides_a_number(change: dict[str, Any]) -> None:
    assert identity(**change) != identity()


def test_identity_follows_the_content_of_a_model_file(tmp_path: Path) -> None:
    def with_model(path: Path, text: str) -> str:
        path.write_text(text)
        return identity(potential={"name": "mtp", "params": {"model": str(path)}})

    first = with_model(tmp_path / "a.mtp", "one")
    assert with_model(tmp_path / "b.mtp", "one") == first  # wherever it lies
    assert with_model(tmp_path / "a.mtp", "two") != first


def test_identity_follows_the_content_of_a_structure_file(tmp_path: Path) -> None:
    def with_file(name: str, a: float) -> Job:
        write(tmp_path / name, build_material(CONFIG["material"]).with_lattice_constant(a).atoms)
        return make_job(CONFIG | {"material": {"name": None, "file": str(tmp_path / name)}})

    first = with_file("a.cif", 2.5)
    assert first.config["material"]["name"] == "BN bilayer AB, a.cif"
    assert with_file("b.cif", 2.5).identity == first.identity
    assert with_file("a.cif", 2.6).identity != first.identity


def test_a_material_that_lacks_what_the_task_needs_makes_a_job_all_the_same() -> None:
    """The worker's record says what is lacking."""
    config = copy.deepcopy(CONFIG) | {"task": {"name": "sliding", "params": {}}}
    config["material"] |= {"layers": 1}
    assert make_job(config).identity != make_job(CONFIG | {"task": config["task"]}).identity


def test_job_round_trip(tmp_path: Path) -> None:
    job = make_job(CONFIG, "python -m harness …")
    job.write(tmp_path / "job.json")
    assert Job.read(tmp_path / "job.json") == job


def test_unknown_plugin_and_foreign_elements() -> None:
    config = copy.deepcopy(CONFIG)
    config["potential"]["plugins"] = ["mpt"]
    with pytest.raises(HarnessError, match="Did you mean 'mtp'"):
        make_job(config)
    check_elements({"B"}, "potential 'x'", None)
    with pytest.raises(HarnessError, match="does not know Mo; it knows B, N"):
        check_elements({"Mo", "B"}, "potential 'x'", frozenset("BN"))


@pytest.mark.parametrize(
    ("offered", "resolved"),
    [(("float64", "float32"), "float64"), (("float32", "float64"), "float64"), (("float32",), "float32")],
)
def test_unstated_number_type_is_double_where_offered(offered: tuple[str, ...], resolved: str) -> None:
    potential = SimpleNamespace(name="some", dtypes=offered)
    assert resolve_device(potential, {"name": "cpu", "dtype": "auto", "threads": 1}) == {
        "name": "cpu", "dtype": resolved, "threads": 1,
    }  # fmt: skip
