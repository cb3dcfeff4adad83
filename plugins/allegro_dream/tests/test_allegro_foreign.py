"""Models in NequIP's own formats: the numbers of the bare backend, global state kept, errors in one line."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.calculators.fd import calculate_numerical_stress
from harness_allegro_dream.foreign import ForeignModel
from harness_allegro_dream.guard import process_state
from harness_allegro_dream.potential import AllegroDreamPotential

from harness.errors import HarnessError

MODEL = {"_target_": "allegro.model.AllegroModel", "seed": 1, "model_dtype": "float64", "type_names": ["B", "N"],
         "r_max": 4.0, "l_max": 1, "num_layers": 1, "num_scalar_features": 8, "num_tensor_features": 2,
         "radial_chemical_embed": {"_target_": "allegro.nn.TwoBodyBesselScalarEmbed", "num_bessels": 4},
         "scalar_embed_mlp_hidden_layers_width": 8, "allegro_mlp_hidden_layers_width": 8,
         "readout_mlp_hidden_layers_width": 4, "avg_num_neighbors": 20.0}  # fmt: skip


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint as `nequip-train` writes it, of a random Allegro model."""
    import lightning
    from nequip.train import NequIPLightningModule
    from nequip.utils import get_current_code_versions
    from nequip.utils.global_state import set_global_state

    path = tmp_path_factory.mktemp("foreign") / "random.ckpt"
    target = "nequip.train.NequIPLightningModule"
    with process_state(torch.float64), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        set_global_state()
        info = {"versions": get_current_code_versions(verbose=False), "training_module": {"_target_": target}}
        module = NequIPLightningModule(MODEL, {"train": 1, "val": 1, "test": 1, "predict": 0}, info_dict=info)
        content = {"state_dict": module.state_dict(), "hyper_parameters": dict(module.hparams),
                   "pytorch-lightning_version": lightning.__version__, "epoch": 0, "global_step": 0}  # fmt: skip
        module.on_save_checkpoint(content)
        torch.save(content, path)
    return path


def _states() -> tuple[str, str, str]:
    """Of the random numbers of torch, NumPy and Python."""
    return str(torch.get_rng_state().tolist()), str(np.random.get_state()[1].tolist()), str(random.getstate())  # noqa: NPY002


def test_numbers_are_those_of_the_bare_backend(checkpoint: Path, bilayer: Callable[..., Atoms]) -> None:
    from nequip.integrations.ase import NequIPCalculator

    potential = AllegroDreamPotential(str(checkpoint), engine="eager")
    assert potential.provenance()["executes_code"] is True
    assert "dipole" not in potential.implemented_properties
    atoms = bilayer()
    here = _states()
    calculator = potential.calculator()
    energy, forces, stress = (calculator.get_property(p, atoms) for p in ("energy", "forces", "stress"))
    assert torch.get_default_dtype() == torch.float32
    assert _states() == here
    with process_state(torch.float64), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bare = NequIPCalculator._from_saved_model(checkpoint, chemical_species_to_atom_type_map=True)
        assert energy == pytest.approx(float(bare.get_potential_energy(atoms)), abs=1e-10)
        np.testing.assert_allclose(forces, bare.get_forces(atoms), atol=1e-10)
    atoms.calc = calculator
    np.testing.assert_allclose(stress, calculate_numerical_stress(atoms, eps=1e-5), atol=1e-9)  # periodic in the plane
    assert not any(isinstance(x, torch.Tensor) for x in calculator.results.values())


def test_foreign_elements_and_other_type_names(checkpoint: Path, bilayer: Callable[..., Atoms]) -> None:
    with pytest.raises(HarnessError, match=r"does not know|Choose a material"):
        AllegroDreamPotential(str(checkpoint), engine="eager").calculator().get_property("energy", Atoms("C"))
    swapped = AllegroDreamPotential(str(checkpoint), engine="eager", species={"B": "N", "N": "B"})
    assert swapped.elements == {"B", "N"}
    atoms = bilayer(1)
    other = atoms.copy()
    other.symbols = ["N" if s == "B" else "B" for s in atoms.symbols]
    plain = AllegroDreamPotential(str(checkpoint), engine="eager").calculator()
    assert swapped.calculator().get_property("energy", atoms) == pytest.approx(plain.get_property("energy", other))
    with pytest.raises(HarnessError, match="which is no element"):
        ForeignModel(checkpoint, "checkpoint", {"Bor": "B"})


@pytest.mark.parametrize("ending", ["ckpt", "nequip.zip", "nequip.pt2"])
def test_an_archive_of_something_else_is_one_line(tmp_path: Path, ending: str, bilayer: Callable[..., Any]) -> None:
    path = tmp_path / f"other.{ending}"
    torch.save({"weights": torch.zeros(3)}, path)
    with pytest.raises(HarnessError, match=rf"nequip cannot load 'other\.{ending}'") as caught:
        AllegroDreamPotential(str(path), engine="eager").calculator()
    assert "\n" not in str(caught.value)
