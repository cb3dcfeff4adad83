"""The shipped model: whole, documented, and right about hBN where its data are."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.fd import calculate_numerical_forces
from scipy.optimize import minimize_scalar

from harness.registry.files import models_folder
from harness.registry.lookup import build_potential


@pytest.fixture(scope="module")
def potential() -> object:
    return build_potential("gap", {})


def cell(a: float = 2.511, distance: float | None = None, registry: float = 1 / 3) -> Atoms:
    """Primitive sheet, or two of them."""
    places = [[0, 0, 0.3], [1 / 3, 2 / 3, 0.3]]
    if distance is not None:
        places += [[registry, 2 * registry, 0.3 + distance / 25], [registry + 1 / 3, 2 * (registry + 1 / 3), 0.3 + distance / 25]]  # fmt: skip  # noqa: E501
    edges = [[a, 0, 0], [-a / 2, a * 3**0.5 / 2, 0], [0, 0, 25]]
    return Atoms("BN" * (len(places) // 2), scaled_positions=places, cell=edges, pbc=(1, 1, 0))


def test_provenance(potential: object) -> None:
    facts = potential.provenance()  # type: ignore[attr-defined]
    folder = models_folder("harness_gap")
    assert folder is not None
    for name, digest in {facts["model"]["file"]: facts["model"]["sha256"], **facts["sparse_points"]}.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert facts["level_of_theory"] == "PBE-D3(BJ)" and facts["licence"] == "MIT"
    assert facts["fit"]["data"]["folder"] == "hbn" and len(facts["fit"]["data"]["sha256"]) == 64
    assert set(facts["fit"]["errors"]) == {"train", "validation", "test"}
    assert facts["fit"]["settings"]["tried"] and facts["species"] == ["B", "N"]


def test_models_are_small_and_name_no_machine() -> None:
    folder = models_folder("harness_gap")
    assert folder is not None
    assert sum(path.stat().st_size for path in folder.iterdir()) < 2e6
    for path in (*folder.glob("*.json"), *folder.glob("*.xml")):
        assert str(Path.home()) not in path.read_text() and "tmp/" not in path.read_text()


def test_lattice_and_layers_of_hbn(potential: object) -> None:
    """DFT of the same level: a = 2.511 Å; AB 3.35 Å apart, AA above it."""
    calc = potential.calculator()  # type: ignore[attr-defined]

    def energy(atoms: Atoms) -> float:
        atoms.calc = calc
        return atoms.get_potential_energy()

    best = minimize_scalar(lambda a: energy(cell(a)), bounds=(2.47, 2.55), method="bounded").x
    assert best == pytest.approx(2.511, abs=0.006)
    depth, where = {}, {}
    for name, registry in (("AA", 0.0), ("AB", 1 / 3)):
        found = minimize_scalar(lambda d, r=registry: energy(cell(2.511, d, r)), bounds=(3.1, 3.8), method="bounded")
        depth[name], where[name] = found.fun, found.x
    assert depth["AB"] < depth["AA"] and where["AB"] < where["AA"]
    assert where["AB"] == pytest.approx(3.35, abs=0.12)


def test_forces_are_derivatives(potential: object) -> None:
    atoms = cell(distance=3.3).repeat((2, 1, 1))
    atoms.rattle(0.05, seed=2)
    atoms.calc = potential.calculator()  # type: ignore[attr-defined]
    np.testing.assert_allclose(atoms.get_forces(), calculate_numerical_forces(atoms, 1e-4), atol=1e-5)
