"""Every line of `conformance` finds what it is meant to find, and sound models pass all of them."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import mx2
from ase.io import write
from harness_tasks.conformance.task import Conformance

from harness.contracts.measurement import Measurement
from harness.contracts.potential import Noise
from harness.errors import HarnessError
from harness.testing.trial import measure

sys.path.insert(0, str(Path(__file__).parent))
from conformance_models import PairPotential, Pairs, Shell  # noqa: E402

BILAYER = {
    "name": "bn",
    "symbols": ["B", "N"],
    "layers": 2,
    "stacking": "AB",
    "a": 2.511,
    "distance": 3.3,
    "vacuum": 20.0,
}
MONOLAYER = {"name": "bn1", "symbols": ["B", "N"], "layers": 1, "a": 2.511, "vacuum": 20.0}


def examine(spoil: Any = None, model: Any = None, material: Any = BILAYER, **options: Any) -> Measurement:
    potential = PairPotential(
        spoil, options.pop("truncated", False), options.pop("offers", ("energy", "forces", "stress"))
    )
    return measure(Conformance(), potential, model, material=material, **{"nve_steps": 80, "path_points": 90} | options)


def failed(found: Measurement) -> set[str]:
    return {check.name for check in found.checks if not check.passed}


@pytest.mark.parametrize("material", [BILAYER, MONOLAYER], ids=["bilayer", "monolayer"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_sound_models_pass_every_line(material: Any, dtype: str) -> None:
    found = examine(None, Shell(), material, dtype=dtype)
    assert failed(found) == set()
    assert len(found.checks) > 80
    assert {c.name for c in found.checks} <= set(found.observables)
    assert all(c.reason and c.value >= 0 for c in found.checks)
    assert found.observables["failed_lines"].value == 0


def test_a_sheet_that_is_no_honeycomb_is_examined(tmp_path: Path) -> None:
    """Lines that need flat or honeycomb layers are left out, and said so."""
    write(tmp_path / "mos2.extxyz", mx2("MoS2", vacuum=9.0))
    found = examine(None, Shell(), {"file": str(tmp_path / "mos2.extxyz")})
    assert failed(found) == set()
    names = {check.name for check in found.checks}
    assert {"forces_slab_ttf", "born_supercell"} <= names
    assert not names & {"polarization_AB_BA", "polarization_AA", "polarization_flat_layer"}
    assert "no honeycombs" in " ".join(found.notes)


def test_another_sample_finds_the_same() -> None:
    found = examine(None, Shell(), seed=3, samples=2)
    assert failed(found) == set()


def rounded(results: dict[str, Any], atoms: Atoms, calculator: Pairs) -> None:
    """Single precision, with energies as large as those of all electrons."""
    results["energy"] -= 271.0 * len(atoms)
    results |= {name: np.float32(value) for name, value in results.items()}


def test_single_precision_passes_with_its_own_tolerances_only() -> None:
    assert failed(examine(rounded, dtype="float32")) == set()
    assert {"forces_slab_ttf", "stress_slab_ttf"} <= failed(examine(rounded, dtype="float64"))


def slab_stress(results: dict[str, Any], atoms: Atoms, calculator: Pairs) -> None:
    """Of sheets, referred to another volume than that of the cell."""
    if not atoms.pbc[2]:
        results["stress"] = results["stress"] * 0.31


def exchanged_stress(results: dict[str, Any], atoms: Atoms, calculator: Pairs) -> None:
    results["stress"] = results["stress"][[0, 1, 2, 5, 4, 3]]


def not_a_gradient(results: dict[str, Any], atoms: Atoms, calculator: Pairs) -> None:
    results["forces"] = results["forces"] * 1.002


def soft(results: dict[str, Any], atoms: Atoms, calculator: Pairs) -> None:
    results["forces"] = results["forces"] * 1.2


def well(results: dict[str, Any], atoms: Atoms, calculator: Pairs) -> None:
    """A place along y that is better than another, with the forces that belong to it."""
    results["energy"] += 1e-3 * float(np.sin(atoms.positions[:, 1]).sum())
    forces = results["forces"].copy()
    forces[:, 1] -= 1e-3 * np.cos(atoms.positions[:, 1])
    results["forces"] = forces


def of_order(results: dict[str, Any], atoms: Atoms, calculator: Pairs) -> None:
    results["energy"] += 1e-4 * float(atoms.numbers[0])


def intensive(results: dict[str, Any], atoms: Atoms, calculator: Pairs) -> None:
    results["energy"] += 1e-3


def bottomless(results: dict[str, Any], atoms: Atoms, calculator: Pairs) -> None:
    """Knows how much vacuum there is."""
    results["energy"] += 1e-4 * float(atoms.cell[2, 2])


def remembers(results: dict[str, Any], atoms: Atoms, calculator: Pairs) -> None:
    """Another energy once it has seen a crystal."""
    calculator.seen = calculator.seen or (atoms.pbc.all() and len(atoms) == 8 and atoms.cell[2, 2] < 10)
    results["energy"] += 1e-3 * calculator.seen * len(atoms)


def reseeds(results: dict[str, Any], atoms: Atoms, calculator: Pairs) -> None:
    random.seed(1)


def throws_dice(results: dict[str, Any], atoms: Atoms, calculator: Pairs) -> None:
    """Depends on a seed that is not its own."""
    results["energy"] += 1e-3 * len(atoms) * random.Random(random.getstate()[1][5]).random()


def loses_its_way(results: dict[str, Any], atoms: Atoms, calculator: Pairs) -> None:
    if atoms.cell[2, 2] > 50:
        results["forces"] = results["forces"] * np.nan


def pushes(results: dict[str, Any], atoms: Atoms, calculator: Pairs) -> None:
    """Moves what it was handed."""
    atoms.positions[0] += 1e-3


def around_z(results: dict[str, Any], atoms: Atoms, calculator: Pairs) -> None:
    """Sheets and molecules have forces around z, more on one side than on the other."""
    if not atoms.pbc[2]:
        results["forces"] = results["forces"] + 1e-4 * np.cross(results["forces"], [0, 0, 1])


CASES = [
    (slab_stress, {"stress_slab_ttf", "stress_z_slab_ttf", "periodic_vacuum_stress"}),
    (exchanged_stress, {"stress_bulk", "stress_slab_ttf", "stress_z_slab_ttf", "stress_slab_ttt", "stress_z_slab_ttt",
                        "rotation_slab_stress", "rotation_bulk_stress"}),
    (not_a_gradient, {"forces_bulk", "forces_slab_ttf", "forces_slab_ttt"}),
    (soft, {"forces_bulk", "forces_slab_ttf", "forces_slab_ttt", "nve_drift"}),
    (of_order, {"permutation_energy", "supercell_energy", "far_apart_energy"}),
    (intensive, {"supercell_energy", "far_apart_energy"}),
    (bottomless, {"vacuum_energy", "far_apart_energy", "stress_z_slab_ttf", "stress_z_slab_ttt", "supercell_energy",
                  "rotation_bulk_energy"}),
    (remembers, {"history_energy", "foreign_state_energy", "loaded_in_foreign_state_energy"}),
    (reseeds, {"state_left_behind"}),
    (throws_dice, {"foreign_state_energy"}),
    (loses_its_way, {"far_apart_forces", "finite"}),
    (around_z, {"net_torque_molecule", "turned_over_forces", "periodic_vacuum_forces"}),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "lines"), CASES, ids=[case[0].__name__ for case in CASES])
def test_a_broken_potential_fails_exactly_its_lines(spoil: Any, lines: set[str]) -> None:
    assert failed(examine(spoil)) == lines


def test_a_place_that_is_better_than_another_is_found() -> None:
    lines = failed(examine(well))
    assert lines >= {"translation_slab_energy", "net_force_slab", "net_force_bulk", "inversion_forces"}
    assert not lines & {"forces_bulk", "forces_slab_ttf", "origin_slab_energy", "vacuum_energy", "history_energy"}


def test_a_cut_off_that_ends_in_the_open_is_a_jump() -> None:
    lines = failed(examine(truncated=True))
    smooth = {f"smooth_{path}_{what}" for path in ("lift", "shake") for what in ("energy", "forces")}
    assert smooth <= lines <= smooth | {"nve_drift", "stress_bulk"}  # a difference may happen to reach across it


def test_a_structure_that_was_altered_is_counted() -> None:
    found = examine(pushes)
    assert "structures_left_alone" in failed(found)
    assert found.observables["structures_left_alone"].value > 100


def raises(results: dict[str, Any], atoms: Atoms, calculator: Pairs) -> None:
    if len(atoms) > 16:
        raise RuntimeError("out of memory")


def refuses(results: dict[str, Any], atoms: Atoms, calculator: Pairs) -> None:
    if atoms.pbc.all():
        raise HarnessError("only sheets are known.")


def test_an_exception_fails_and_a_refusal_is_not_offered() -> None:
    found = examine(raises)
    assert failed(found) == {"supercell_energy", "supercell_forces", "supercell_stress"}
    assert any("RuntimeError: out of memory" in check.reason for check in found.checks)
    found = examine(refuses)
    assert failed(found) == set()
    (note,) = [note for note in found.notes if "only sheets are known" in note]
    assert "forces_bulk" in note and "periodic_vacuum_energy" in note


def test_what_is_not_offered_is_listed() -> None:
    found = examine(offers=("energy", "forces"))
    assert failed(found) == set()
    assert not any("stress" in check.name or "born" in check.name for check in found.checks)
    assert {note.partition(" (")[0] for note in found.notes} == {
        "not offered, so not checked: stress",
        "not offered, so not checked: polarization, born",
    }


def test_what_iterates_may_state_its_noise() -> None:
    def noisy(results: dict[str, Any], atoms: Atoms, calculator: Pairs) -> None:
        results["energy"] += 2e-6 * len(atoms) * np.sin(1e5 * atoms.positions.sum())

    assert {"translation_slab_energy", "rotation_bulk_energy"} <= failed(examine(noisy))
    potential = PairPotential(noisy)
    potential.noise = Noise(energy=4e-6, forces=1e-3, stress=1e-3)
    assert failed(measure(Conformance(), potential, material=BILAYER, nve_steps=80, path_points=90)) == set()
