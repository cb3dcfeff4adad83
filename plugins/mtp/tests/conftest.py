"""Structures and small random potentials for the MTP tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import graphene

pytest.importorskip("motep")


@pytest.fixture
def sheet() -> Callable[..., Atoms]:
    """Rattled hBN monolayer; periodic in the plane."""

    def make(n: int = 3, m: int = 2, rattle: float = 0.08, seed: int = 1) -> Atoms:
        atoms = graphene(formula="BN", a=2.511, size=(n, m, 1), vacuum=8.0)
        atoms.pbc = (True, True, False)
        atoms.rattle(rattle, seed=seed)
        return atoms

    return make


@pytest.fixture
def random_data() -> Callable[..., Any]:
    """A potential with random coefficients: physical invariances hold for any."""

    def make(level: int = 8, seed: int = 0, cutoff: float = 4.0) -> Any:
        from harness_mtp.templates import template

        data = template(level, 2, cutoff, 1.0, 6)
        data.species = [5, 7]
        data.initialize(np.random.default_rng(seed))
        return data

    return make


@pytest.fixture
def model_file(tmp_path: Path, random_data: Callable[..., Any]) -> Path:
    """A valid ``.mtp`` on disk that names its species."""
    from harness_mtp import mtpfile

    path = tmp_path / "random.mtp"
    mtpfile.write(path, random_data(), ["B", "N"])
    return path
