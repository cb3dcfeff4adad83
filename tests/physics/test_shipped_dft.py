"""The records of DFT that ship: of today's tasks, and in agreement with the labels and with each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.contracts.record import Record
from harness.data.dataset import Dataset
from harness.materials.sheets import area
from harness.records.references import level_of_theory, shipped_records
from harness.registry import lookup
from harness.units import N_PER_M, PC_PER_M

DATA = Path(__file__).resolve().parents[2] / "datasets" / "hbn"
RECORDS = {record.task: record for record in shipped_records(lookup.tasks([]))}


def value(record: Record, name: str) -> float:
    found = record.observables[name].value
    assert isinstance(found, float)
    return found


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_they_are_valid_and_of_the_task_as_it_is_now(record: Record) -> None:
    assert record.status == "ok" and record.valid
    assert record.task_version == lookup.tasks([])[record.task].version
    assert level_of_theory(record) == Dataset.load(DATA).level_of_theory


def test_a_bilayer_is_as_stiff_as_two_labelled_layers() -> None:
    """C11 + C12 from the stress of AB against the energies of the equibiaxial scan of one layer."""
    scan = Dataset.load(DATA).frames("all", families=["scan-mono2"])
    a = np.array([atoms.cell.lengths()[0] for atoms in scan])
    energy = np.array([atoms.get_potential_energy() for atoms in scan])
    fit = np.polynomial.Polynomial.fit(a, energy, 4)
    (rest,) = [x.real for x in fit.deriv().roots() if abs(x.imag) < 1e-9 and a.min() < x.real < a.max()]
    cell = scan[0].copy()
    cell.set_cell(cell.cell * [[rest / a[0]], [rest / a[0]], [1]])
    layer = fit.deriv(2)(rest) * rest**2 / (2 * area(cell)) * N_PER_M  # E = E0 + (C11 + C12) A ε²
    elastic = RECORDS["elastic"]
    assert value(elastic, "C11") + value(elastic, "C12") == pytest.approx(2 * layer, rel=0.015)
    assert value(elastic, "C66") == pytest.approx((value(elastic, "C11") - value(elastic, "C12")) / 2, rel=0.005)


def test_the_dipole_of_sliding_layers_is_that_of_the_labels() -> None:
    frames = Dataset.load(DATA).frames("all", kind="responses", families=["path-bilayer4"])
    (ab,) = [atoms for atoms in frames if atoms.info["name"] == "path-bilayer4-000"]
    label = PC_PER_M * abs(ab.calc.results["dipole"][2]) / area(ab)
    assert value(RECORDS["sliding"], "spontaneous_polarization_rigid") == pytest.approx(label, rel=0.005)


def test_what_two_tasks_say_of_one_thing() -> None:
    """Vertical stiffness from held planes and from the binding curve; coefficients that symmetry makes equal."""
    elastic, interlayer, piezo = RECORDS["elastic"], RECORDS["interlayer"], RECORDS["piezo"]
    assert value(elastic, "E_zzzz") == pytest.approx(value(interlayer, "c33_AB"), rel=0.05)
    assert value(elastic, "thickness") == pytest.approx(value(interlayer, "h0_AB"), abs=0.01)
    above = value(interlayer, "energy_above_AB_per_cell_SP")
    assert value(RECORDS["sliding"], "barrier_per_cell") == pytest.approx(above, abs=0.1)
    assert value(piezo, "e_yxx") == pytest.approx(-value(piezo, "e_yyy"), rel=0.03)
    assert value(piezo, "lattice_constant") == pytest.approx(value(elastic, "lattice_constant"), abs=1e-3)
