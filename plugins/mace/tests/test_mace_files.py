"""Model files: what is read, what is refused, and what executes code."""

from __future__ import annotations

import json
import pickle

import harness_mace
import numpy as np
import pytest
from harness_mace.backend import mace_modules
from harness_mace.modelfile import load

from harness.errors import HarnessError


@pytest.fixture(scope="module")
def pickled(energy_file, tmp_path_factory):
    """The same model as mace saves one."""
    import torch

    path = tmp_path_factory.mktemp("pickled") / "random.model"
    torch.save(load(energy_file)[0], path)
    return path


def test_both_kinds_of_file_are_the_same_model(bilayer, energy_file, pickled):
    atoms = bilayer()
    results = []
    for path in (energy_file, pickled):
        potential = harness_mace.mace(model=str(path))
        assert potential.elements == {"B", "N"}
        atoms.calc = potential.calculator()
        results.append((atoms.get_potential_energy(), atoms.get_forces()))
    assert results[0][0] == results[1][0]
    np.testing.assert_array_equal(results[0][1], results[1][1])


def test_provenance_says_what_executes_code(energy_file, dipole_file, pickled):
    facts = harness_mace.mace(model=str(energy_file)).provenance()
    assert facts["executes_code"] is False
    assert len(facts["model"]["sha256"]) == 64
    assert facts["versions"]["mace-torch"] == "0.3.16"
    json.dumps(facts)
    assert harness_mace.mace(model=str(pickled)).provenance()["executes_code"] is True
    assert harness_mace.mace_dipole(model=str(dipole_file)).provenance()["executes_code"] is False


class Trap:
    """Leaves a file where it was unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_a_mace_file_executes_nothing(tmp_path):
    sprung = tmp_path / "sprung"
    for content in ("pickle", "array"):
        model = tmp_path / f"{content}.mace"
        with model.open("wb") as stream:
            if content == "pickle":
                pickle.dump(Trap(sprung), stream)
            else:
                np.savez(stream, architecture=np.array([Trap(sprung)], dtype=object))
        with pytest.raises(HarnessError, match=r"no whole \.mace file"):
            harness_mace.mace(model=str(model))
    assert not sprung.exists()


def test_files_that_are_no_models(energy_file, dipole_file, pickled, tmp_path):
    import torch

    cases = {
        "text.model": (b"MTP\nversion = 1.1.0\n", "no model that torch has saved"),
        "half.model": (pickled.read_bytes()[:2000], "no model that torch has saved"),
        "half.mace": (energy_file.read_bytes()[:2000], r"no whole \.mace file"),
        "empty.mace": (b"", r"no whole \.mace file"),
    }
    for name, (content, message) in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(HarnessError, match=message):
            harness_mace.mace(model=str(tmp_path / name))
    torch.save({"weights": torch.zeros(3)}, tmp_path / "weights.model")
    with pytest.raises(HarnessError, match="holds a dict, not a MACE model"):
        harness_mace.mace(model=str(tmp_path / "weights.model"))
    with pytest.raises(HarnessError, match="is a MACE dipole model"):
        harness_mace.mace(model=str(dipole_file))
    with pytest.raises(HarnessError, match="not a MACE model of atomic dipoles"):
        harness_mace.mace_dipole(model=str(energy_file))
    with pytest.raises(HarnessError, match=r"'bn_bilayr\.mace' does not exist.*Did you mean 'bn_bilayer\.mace'"):
        harness_mace.mace(model="bn_bilayr.mace")


def test_parameters_have_to_fit_and_be_numbers(energy_file, tmp_path):
    with np.load(energy_file) as archive:
        arrays = {name: archive[name] for name in archive.files}
    name = "readouts.0.linear.weight"
    for value, message in ((arrays[name][:-1], "does not hold the parameters"), (arrays[name] * np.nan, "not numbers")):
        path = tmp_path / "changed.mace"
        with path.open("wb") as stream:
            np.savez(stream, **{**arrays, name: value})
        with pytest.raises(HarnessError, match=message):
            harness_mace.mace(model=str(path)).calculator()


def test_heads(bilayer, tmp_path):
    """A model of two levels of theory has to be told which."""
    import torch
    from e3nn import o3

    modules = mace_modules()
    block = modules.interaction_classes["RealAgnosticResidualInteractionBlock"]
    model = modules.ScaleShiftMACE(
        r_max=4.0, num_bessel=4, num_polynomial_cutoff=5, max_ell=1, num_interactions=1, num_elements=2,
        avg_num_neighbors=10.0, atomic_numbers=[5, 7], correlation=1, hidden_irreps=o3.Irreps("4x0e"),
        MLP_irreps=o3.Irreps("4x0e"), gate=torch.nn.functional.silu, interaction_cls=block, interaction_cls_first=block,
        atomic_energies=np.array([[-1.0, -2.0], [-30.0, -40.0]]), heads=["low", "high"],
        atomic_inter_scale=[1.0, 1.0], atomic_inter_shift=[0.0, 0.0],
    )  # fmt: skip
    path = tmp_path / "two.model"
    torch.save(model, path)
    with pytest.raises(HarnessError, match="has the heads low, high"):
        harness_mace.mace(model=str(path))
    with pytest.raises(HarnessError, match="Did you mean 'high'"):
        harness_mace.mace(model=str(path), head="hgh")
    energies = {}
    for head in ("low", "high"):
        atoms = bilayer(rattle=0.0)
        atoms.calc = harness_mace.mace(model=str(path), head=head).calculator()
        energies[head] = atoms.get_potential_energy()
    assert energies["low"] - energies["high"] == pytest.approx(2 * 67.0, abs=5.0)
