"""The fit recovers what made its labels; its files are complete; the shipped models say what they were fitted to."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from cd_structures import bilayer
from harness_charge_dipole.fit import Settings, best, fit
from harness_charge_dipole.model import ChargeDipole
from harness_charge_dipole.parameters import Element, Parameters, tied_polarizability
from harness_charge_dipole.sites import site_dipoles
from harness_charge_dipole.targets import Design, labels, predictions

from harness.data.dataset import Dataset
from harness.data.labels import dipole_is_sound
from harness.errors import HarnessError
from harness.fitting import parity_plot

TRUTH = Parameters({"B": Element(0.70, 0.0, 0.9), "N": Element(0.90, 4.0, 1.6)}, "layer")


def labelled(atoms: Atoms, truth: Parameters, number: int = 0) -> Atoms:
    """Labels as in the data set, made by a known model."""
    out = ChargeDipole(truth).calculate(atoms, ["polarizability", "born_effective_charges", "dipole"])
    epsilon = np.eye(3) + 4 * np.pi * out["polarizability"] / atoms.get_volume()
    atoms.info.update(name=f"made-{number:03d}", dielectric=epsilon.ravel())
    atoms.arrays["born_charges"] = out["born_effective_charges"].reshape(-1, 9)
    atoms.calc = SinglePointCalculator(atoms, dipole=out["dipole"])
    return atoms


def frames(truth: Parameters, count: int = 3) -> list[Atoms]:
    rng, made = np.random.default_rng(7), []
    for shift in np.linspace(0.0, 1.0, count):
        atoms = bilayer(shift=shift)
        atoms.positions += rng.normal(scale=0.08, size=atoms.positions.shape)
        made.append(labelled(atoms, truth, len(made)))
    return made


def dataset(train: list[Atoms], test: list[Atoms]) -> Dataset:
    return Dataset.of("made", {"responses": {"train": train, "test": test}})


def test_labels_are_the_properties_they_were_made_of() -> None:
    """Among them alpha = (epsilon - 1) V / 4 pi along every direction of a sheet."""
    atoms = frames(TRUTH, 1)[0]
    wanted, got = labels(atoms), predictions(atoms, TRUTH)
    for word, value in wanted.items():
        assert value == pytest.approx(got[word], abs=1e-8), word


def test_everything_but_the_polarizability_is_linear_in_the_electronegativity() -> None:
    atoms = frames(TRUTH, 1)
    design = Design.of(atoms, TRUTH.elements, "layer")
    for chi in (4.0, -2.5):
        elements = {"B": TRUTH.elements["B"], "N": Element(0.90, chi, 1.6)}
        direct = predictions(atoms[0], Parameters(elements, "layer"))
        for word, value in design.values(np.array([chi])).items():
            assert value == pytest.approx(direct[word], abs=1e-8), word


@pytest.mark.parametrize("tied", [True, False])
def test_the_fit_recovers_the_model_behind_the_labels(tied: bool) -> None:
    truth = Parameters({"B": Element(0.52, 0.0), "N": Element(0.60, 9.0)}, "layer") if tied else TRUTH
    found, cost = best(frames(truth, 2), Settings(tied=tied, starts=2), seed=1)
    assert cost < 1e-6
    for symbol, element in truth.elements.items():
        assert found.elements[symbol].width == pytest.approx(element.width, abs=2e-3)
        assert found.elements[symbol].electronegativity == pytest.approx(element.electronegativity, abs=0.05)
        if not tied:
            assert found.elements[symbol].polarizability == pytest.approx(element.polarizability, abs=1e-2)


def test_files_of_a_fit(tmp_path: Path) -> None:
    made = frames(TRUTH, 2)
    bar = SimpleNamespace(update=lambda n, note="": None)
    params = {"name": "a", "starts": 1}
    data = dataset(made[:1], made[1:])
    origin = fit(data, tmp_path, params, 3, lambda text, total: nullcontext(bar))
    assert {p.name for p in tmp_path.iterdir()} == {
        f"a{form}{kind}" for form in ("", "_tied") for kind in (".json", "_parity.npz", "_parity.png")
    }
    assert origin["settings"]["seed"] == 3 and set(origin["errors"]) == {"train", "test"}
    free, tied = (Parameters.load(str(tmp_path / f"a{form}.json")) for form in ("", "_tied"))
    assert free.provenance["data"]["sha256"] == data.sha256
    assert tied.elements["B"].polarizability is None
    assert tied.provenance["cost"] > free.provenance["cost"]
    test = parity_plot.load(tmp_path / "a_parity.npz")[0]["test"]
    np.testing.assert_allclose(test.flat("born_effective_charges")[0], made[1].arrays["born_charges"].reshape(-1, 3, 3))
    found = ChargeDipole(free).calculate(made[1], ["born_effective_charges"])["born_effective_charges"]
    np.testing.assert_allclose(test.flat("born_effective_charges")[1], found, atol=1e-6)
    in_plane = test.pick([0]).flat("polarizability")[0][0, 0, 0]
    assert in_plane == pytest.approx(labels(made[1])["polarizability_in"][0])
    assert origin["errors_by_class"]["test"]["born_in"]["values"] == 16


def test_bad_settings_and_data_are_named(tmp_path: Path) -> None:
    progress = lambda text, total: nullcontext(SimpleNamespace(update=lambda n, note="": None))  # noqa: E731
    bare = bilayer()
    bare.info["name"] = "bare-000"
    bare.calc = SinglePointCalculator(bare, energy=0.0)
    for params, data, match in (
        ({"weihgts": {}}, dataset([], []), "weights"),
        ({"weights": {"born": 1}}, dataset([], []), "weight of charge_dipole"),
        ({"constraint": "sheet"}, dataset([], []), "constraint"),
        ({}, dataset([], []), "no training frames"),
        ({}, dataset([bare], []), "no response label"),
    ):
        with pytest.raises(HarnessError, match=match):
            fit(data, tmp_path, params, 0, progress)


def test_dipoles_from_plain_wannier_centres_are_left_out() -> None:
    """They are off by more than the dipole of AB stacking; those from the density, or extrapolated, are kept."""
    atoms = frames(TRUTH, 1)[0]
    assert dipole_is_sound(atoms)  # no Wannier centres: another route
    atoms.arrays["wannier_centres"] = np.zeros((4, 12))
    assert labels(atoms)["dipole_out"].size == predictions(atoms, TRUTH)["dipole_out"].size == 0
    for key in ("dipole_z", "height"):
        exact = atoms.copy()
        exact.calc = atoms.calc
        exact.info[key] = 1.0
        assert labels(exact)["dipole_out"].size == predictions(exact, TRUTH)["dipole_out"].size == 1


def test_groups_share_out_the_whole_dipole() -> None:
    """Across a sheet of neutral layers nothing is lost or counted twice."""
    atoms = frames(TRUTH, 1)[0]
    out = ChargeDipole(TRUTH).calculate(atoms, ["charges", "atomic_dipoles", "dipole"])
    sites = site_dipoles(atoms, out["charges"], out["atomic_dipoles"])
    assert sites[:, 2].sum() == pytest.approx(out["dipole"][2], abs=1e-9)
    assert np.all(sites[atoms.numbers == 5] == 0.0)


def test_dipoles_of_groups_are_compared_where_wannier_centres_are_exact() -> None:
    atoms = frames(TRUTH, 1)[0]
    out = ChargeDipole(TRUTH).calculate(atoms, ["charges", "atomic_dipoles"])
    atoms.arrays["atomic_dipoles"] = site_dipoles(atoms, out["charges"], out["atomic_dipoles"])
    assert labels(atoms)["site_out"].size == predictions(atoms, TRUTH)["site_out"].size == 0
    atoms.info["height"] = 20.0
    assert labels(atoms)["site_out"].size == 2
    assert labels(atoms)["site_out"] == pytest.approx(predictions(atoms, TRUTH)["site_out"], abs=1e-12)


@pytest.mark.parametrize("name", ["bn_bilayer_cd.json", "bn_bilayer_cd_tied.json"])
def test_shipped_models(name: str) -> None:
    """Held against DFT of the AB bilayer at 3.35 Å: alpha 10.9 and 1.80 Å³, Born charges of B 2.71 and 0.24 e."""
    shipped = Parameters.load(name)
    tied = name.endswith("_tied.json")
    for element in shipped.elements.values():
        if not tied:  # no catastrophe, whatever the structure
            assert element.polarizability <= tied_polarizability(element.width)
    assert {"data", "errors", "errors_by_family", "errors_by_class", "settings", "frames"} <= set(shipped.provenance)
    assert shipped.provenance["data"]["version"] and shipped.provenance["level_of_theory"] == "PBE"
    out = ChargeDipole(shipped).calculate(bilayer(), ["charges", "polarizability", "born_effective_charges", "dipole"])
    assert out["charges"][0] > 0 > out["charges"][1]
    assert out["dipole"][2] < 0  # as in DFT for this stacking, -0.0030 e Å, but too small
    loose, near = (0.5, 0.25) if tied else (0.1, 0.1)
    assert np.diag(out["polarizability"])[[0, 2]] == pytest.approx([10.9, 1.80], rel=loose)
    born = out["born_effective_charges"][0]
    assert [born[0, 0], born[2, 2]] == pytest.approx([2.71, 0.24], rel=near)
