"""Parameter files and bad input: one line naming the mistake and what to type."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from cd_structures import PARAMETERS, bilayer, model
from harness_charge_dipole import charge_dipole, harness_fitters, harness_polarization_models
from harness_charge_dipole.model import ChargeDipole
from harness_charge_dipole.parameters import Element, Parameters

from harness.errors import HarnessError


def test_round_trip_through_a_file(tmp_path: Path) -> None:
    written = Parameters({"B": Element(0.5, 0.0), "N": Element(0.6, 7.0, 1.2)}, "layer", {"seed": 3})
    written.save(tmp_path / "a.json")
    read = Parameters.load(str(tmp_path / "a.json"))
    assert (read.elements, read.constraint, read.provenance) == (written.elements, "layer", {"seed": 3})
    cd = charge_dipole(model=str(tmp_path / "a.json"))
    assert cd.constraint == "layer"
    assert charge_dipole(model=str(tmp_path / "a.json"), constraint="total").constraint == "total"
    told = cd.provenance()
    assert told["model"]["file"] == "a.json" and len(told["model"]["sha256"]) == 64
    json.dumps(told)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ('{"format": "charge_di', "cannot be read"),
        ("[1, 2]", "cannot be read"),
        ('{"format": "mtp"}', "form 'mtp'"),
        ('{"format": "charge_dipole", "elements": {}}', "lacks the entry 'constraint'"),
        ('{"format": "charge_dipole", "elements": {"B": {"widht": 1}}, "constraint": "total"}', "widht"),
        (
            '{"format": "charge_dipole", "elements": {"B": {"width": -1, "electronegativity": 0}}, '
            '"constraint": "total"}',
            "not positive",
        ),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, content: str, match: str) -> None:
    (tmp_path / "bad.json").write_text(content)
    with pytest.raises(HarnessError, match=match) as caught:
        charge_dipole(model=str(tmp_path / "bad.json"))
    assert "bad.json" in str(caught.value) and "\n" not in str(caught.value)


def test_unknown_words_get_a_suggestion() -> None:
    for call, match in (
        (lambda: charge_dipole(model="bn_bilayer_cdd.json"), "bn_bilayer_cd.json"),
        (lambda: ChargeDipole(PARAMETERS, constraint="layers"), "Did you mean 'layer'"),
        (lambda: ChargeDipole(PARAMETERS, solver="mash"), "Did you mean 'mesh'"),
        (lambda: ChargeDipole(PARAMETERS, tolerance=0.0), "out of range"),
        (lambda: model().calculate(bilayer(), ["dipoles"]), "Did you mean 'dipole'"),
    ):
        with pytest.raises(HarnessError, match=match):
            call()


def test_an_element_without_parameters_is_named_with_those_known() -> None:
    with pytest.raises(HarnessError, match="element Mo.*Known elements: B, N"):
        model().calculate(Atoms("BMo", positions=np.eye(3)[:2] * 2), ["dipole"])


def test_untied_polarizability_can_lose_the_minimum_and_says_so() -> None:
    """Tied widths never do, however close the atoms (the energy is that of a charge density)."""
    pair = Atoms("B2", positions=[[0, 0, 0], [0, 0, 1.2]])
    loose = Parameters({"B": Element(0.4, 0.0, 8.0)})
    for solver in ("dense", "mesh"):
        with pytest.raises(HarnessError, match="polarization catastrophe"):
            ChargeDipole(loose, solver=solver).calculate(pair, ["polarizability"])
    tied = Parameters({"B": Element(1.2, 0.0)})
    for distance in (1.2, 0.3, 0.01):
        pair.positions[1, 2] = distance
        alpha = ChargeDipole(tied).calculate(pair, ["polarizability"])["polarizability"]
        assert np.linalg.eigvalsh(alpha).min() > 0


def test_hooks_offer_the_model_and_its_fit() -> None:
    assert harness_polarization_models() == {"charge_dipole": charge_dipole}
    assert harness_fitters() == {"charge_dipole": "harness_charge_dipole.fit:fit"}
