"""Errors that were put in come out, at the level of theory that is right, with what is missing left out."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import Calculator
from harness_tasks.accuracy import figures
from harness_tasks.accuracy.task import Accuracy

from harness.contracts.measurement import Measurement
from harness.contracts.record import Record
from harness.data.dataset import Dataset, family
from harness.errors import HarnessError
from harness.execution.job import make_job
from harness.registry.files import sha256
from harness.testing.trial import measure

FOLDER = Path(__file__).parents[2] / "datasets" / "hbn"
MATERIAL = {
    "name": "bn_bilayer", "symbols": ["B", "N"], "layers": 2, "stacking": "AB",
    "a": 2.511, "distance": 3.35, "vacuum": 25.0,
}  # fmt: skip


class Answers(Calculator):
    """The labels of the data set, plus errors that are known."""

    def __init__(self, labels: Mapping[bytes, Atoms], properties: Sequence[str], error: Mapping[str, Any]) -> None:
        super().__init__()
        self.implemented_properties = list(properties)
        self.labels, self.error = labels, error

    def calculate(self, atoms: Any = None, properties: Any = ("energy",), system_changes: Any = ()) -> None:
        super().calculate(atoms, properties, system_changes)
        truth = self.labels[atoms.positions.tobytes()]
        known = dict(truth.calc.results)
        known["energy"] += self.error.get("zero", 0.0) * len(atoms) / 2
        known["forces"] = known["forces"] + self.error.get("forces", 0.0)
        if "born_charges" in truth.arrays:
            known["born_effective_charges"] = truth.arrays["born_charges"].reshape(-1, 3, 3) + self.error.get("born", 0)
        self.results = {name: known[name] for name in self.implemented_properties if name in known}


class Oracle:
    """A potential that knows the labels at one dispersion."""

    name, elements = "oracle", frozenset({"B", "N"})

    def __init__(
        self,
        dispersion: str = "d3bj",
        level: str | None = "",
        properties: Sequence[str] = ("energy", "forces"),
        **error: Any,
    ) -> None:
        data = Dataset.load(FOLDER, dispersion)
        self.level = data.level_of_theory if level == "" else level
        self.labels = {a.positions.tobytes(): a for a in data.frames("test")}
        for atoms in data.frames("test", "responses"):
            truth = self.labels[atoms.positions.tobytes()]
            truth.calc.results["dipole"] = atoms.calc.results["dipole"]
            truth.arrays["born_charges"] = atoms.arrays["born_charges"]
        self.implemented_properties, self.error = properties, error

    def calculator(self, device: str = "cpu", dtype: str = "float64") -> Answers:
        return Answers(self.labels, self.implemented_properties, self.error)

    def provenance(self) -> dict[str, Any]:
        return {"form": "labels", "level_of_theory": self.level}


def accuracy(potential: Oracle, **params: Any) -> Measurement:
    return measure(Accuracy(), potential, None, material=MATERIAL, **{"dataset": str(FOLDER)} | params)


def test_errors_that_were_put_in_come_out():
    """30 meV/Å on every component; energies 2 eV per BN pair off, which is no error of a relative energy."""
    found = accuracy(Oracle(properties=("energy", "forces", "stress"), forces=0.03, zero=2.0)).observables
    for name in ("force_rmse", "force_mae", "force_xy_rmse", "force_z_mae", "force_rmse_rand_mono2"):
        assert found[name].value == pytest.approx(30.0, rel=1e-6), name
        assert found[name].unit == "meV/A"
    assert found["relative_energy_rmse"].value == pytest.approx(0.0, abs=1e-6)
    assert found["energy_rmse"].value == pytest.approx(1000.0, rel=1e-6)
    assert found["stress_rmse"].value == pytest.approx(0.0, abs=1e-9)
    frames = Dataset.load(FOLDER).frames("test")
    sizes = np.concatenate([a.get_forces().ravel() for a in frames])
    assert found["force_size"].value == pytest.approx(1e3 * np.sqrt(np.mean(sizes**2)))
    assert {f"force_rmse_{family(a.info['name']).replace('-', '_')}" for a in frames} <= set(found)
    assert found["force_rmse"].n == sizes.size and found["force_rmse"].n_eff == len(frames)


def test_labels_are_taken_at_the_level_of_the_potential():
    at_its_own = accuracy(Oracle("d2"))
    assert at_its_own.observables["energy_rmse"].value == pytest.approx(0.0, abs=1e-9)
    assert "PBE-D2" in at_its_own.notes[0] and not any("MISMATCH" in note for note in at_its_own.notes)


@pytest.mark.parametrize(("level", "words"), [("PBE-D2", "is PBE-D2, that of the labels PBE-D3"), (None, "not stated")])
def test_another_level_is_flagged_and_total_energies_are_not_compared(level, words):
    """The difference of D2 and D3 shows in the errors as what it is: a few meV/atom and tens of meV/Å."""
    found = accuracy(Oracle("d2", level), dispersion="d3bj")
    assert any("LEVEL MISMATCH" in note and words in note for note in found.notes)
    assert "energy_rmse" not in found.observables
    assert 0.5 < found.observables["relative_energy_rmse"].value < 30.0
    assert 1.0 < found.observables["force_rmse"].value < 100.0


def test_what_is_not_offered_is_left_out_and_said_so():
    found = accuracy(Oracle(properties=("energy",)))
    assert not any(name.startswith(("force", "stress", "born", "dipole")) for name in found.observables)
    assert "not compared: forces, stress, dipole, born_effective_charges, polarizability" in found.notes[-1]


def test_born_charges_per_component_and_summed_over_layers():
    """An error of the same sign on all atoms adds up in a layer: 0.01 e each is 0.02 e for a layer of two atoms."""
    found = accuracy(Oracle(properties=("energy", "dipole", "born_effective_charges"), born=0.01)).observables
    stacks = [a for a in Dataset.load(FOLDER).frames("test", "responses") if "bilayer4" in a.info["name"]]
    assert found["born_mae"].value == pytest.approx(0.01) and found["born_mae"].unit == "e"
    assert found["born_slide_mae"].n == 2 * 2 * len(stacks)
    assert found["born_slide_rmse"].value == pytest.approx(0.02)
    assert found["dipole_z_rmse"].value == pytest.approx(0.0, abs=1e-12)


def test_pictures_come_from_the_record_alone(tmp_path):
    found = accuracy(Oracle(properties=("energy", "forces", "stress", "born_effective_charges"), forces=0.1))
    record = Record("a" * 10, "ok", "accuracy", 1, "oracle", None, "bn_bilayer", "quick", {"potential": {}})
    record.observables = found.observables
    drawn = figures.draw(record, found.arrays, tmp_path)
    assert [p.name for p in drawn] == ["parity.png", "families.png"]
    assert all(p.read_bytes().startswith(b"\x89PNG") for p in drawn)


def test_bad_input_is_named():
    for params, words in (({"dataset": "hbm"}, "Did you mean 'hbn'"), ({"dispersion": "d3"}, "Did you mean 'd3bj'")):
        with pytest.raises(HarnessError, match=words):
            accuracy(Oracle(), **params)
    with pytest.raises(HarnessError, match="Mo, S"):
        measure(Accuracy(), Oracle(), None, material=MATERIAL | {"name": "mos2_bilayer", "symbols": ["Mo", "S"]})


def test_the_content_of_the_data_set_is_part_of_the_identity(tmp_path):
    """Where it lies is not."""

    def identity(dataset: Path | str) -> str:
        task = {"name": "accuracy", "params": {"dataset": str(dataset), "dispersion": None}}
        parts = {"task": task, "potential": {"name": "plate"}, "polarization": {"name": "none"}, "material": MATERIAL}
        rest = {"profile": {"name": "quick"}, "device": {"name": "cpu"}, "seed": 0, "runs": str(tmp_path)}
        return make_job(parts | rest).identity

    copy = tmp_path / "copy"
    shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("pipeline", "tests"))
    assert identity("hbn") == identity(FOLDER) == identity(copy)
    listing = copy / "checksums.txt"
    lines = listing.read_text().splitlines()
    (copy / "split.json").write_text((copy / "split.json").read_text() + "\n")
    with pytest.raises(HarnessError, match="split.json differs"):
        identity(copy)
    changed = [f"{sha256(copy / name)}  {name}" for _, _, name in (line.partition("  ") for line in lines)]
    listing.write_text("\n".join(changed) + "\n")
    assert identity(copy) != identity("hbn")
