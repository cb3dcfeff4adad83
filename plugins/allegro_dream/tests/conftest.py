"""Structures and small random models for the tests of allegro_dream."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import graphene

pytest.importorskip("allegro")

SMALL: dict[str, Any] = {"r_max": 5.0, "l_max": 1, "num_scalar_features": 8, "num_tensor_features": 2, "mlp_width": 8,
                         "readout_width": 4, "num_bessels": 4, "avg_num_neighbors": 30.0}  # fmt: skip


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Small tensors are slower on several threads, and much slower on a busy machine."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture
def bilayer() -> Callable[..., Atoms]:
    """Rattled AB bilayer of hBN, periodic in the plane."""

    def make(n: int = 2, rattle: float = 0.08, seed: int = 1, gap: float = 3.3) -> Atoms:
        bottom = graphene(formula="BN", a=2.511, size=(n, n, 1), vacuum=8.0)
        top = bottom.copy()
        top.positions += (0.0, 2.511 / np.sqrt(3), gap)
        atoms = bottom + top
        atoms.set_cell([*bottom.cell.array[:2], [0.0, 0.0, 25.0]])
        atoms.pbc = (True, True, False)
        atoms.rattle(rattle, seed=seed)
        return atoms

    return make


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with random weights: symmetries and derivatives hold for any."""
    from harness_allegro_dream import modelfile
    from harness_allegro_dream.network import Hyperparameters, build

    hyper = Hyperparameters(type_names=("B", "N"), energy_references=(-80.0, -270.0), **SMALL)
    path = tmp_path_factory.mktemp("model") / "random.safetensors"
    modelfile.save(path, build(hyper, "float64", seed=3))
    return path


@pytest.fixture
def calculator(model_file: Path) -> Callable[..., Any]:
    """Its calculator, uncompiled unless asked for."""
    from harness_allegro_dream import modelfile
    from harness_allegro_dream.calculator import AllegroDreamCalculator

    def make(**settings: Any) -> Any:
        return AllegroDreamCalculator(model_file, modelfile.header(model_file), **{"engine": "eager", **settings})

    return make
