"""A GAP fitted in seconds, and structures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import graphene
from ase.calculators.lj import LennardJones
from ase.calculators.singlepoint import SinglePointCalculator

pytest.importorskip("quippy")

SMALL = {
    "pairs": {"sparse": 12, "cutoff": 4.0},
    "near": {"sparse": 30, "n_max": 4, "l_max": 3, "cutoff": 3.5, "atom_sigma": 0.5},
    "far": None,
    "force_sigma": [0.3, 0.01],
}


class Frames:
    """Labelled monolayers in the form of `harness.data.dataset.Dataset`: a soft pair potential stands in for DFT."""

    dispersion = "d3bj"
    level_of_theory = "PBE-D3(BJ)"

    def __init__(self) -> None:
        self._frames = [_labelled(seed) for seed in range(16)]

    def frames(self, split: str, kind: str = "energies") -> list[Atoms]:
        return {"train": self._frames[:10], "validation": self._frames[10:13], "test": self._frames[13:]}[split]

    def facts(self) -> dict[str, Any]:
        return {"folder": "made", "sha256": "0" * 64}


def _labelled(seed: int) -> Atoms:
    rng = np.random.default_rng(seed)
    atoms = graphene("BN", a=2.51, size=(2, 2, 1), vacuum=8.0)
    atoms.pbc = (True, True, False)
    strain = np.eye(3)
    strain[:2, :2] += 0.02 * rng.normal(size=(2, 2))
    atoms.set_cell(atoms.cell @ strain, scale_atoms=True)
    atoms.positions += rng.normal(scale=0.05, size=atoms.positions.shape)
    atoms.calc = LennardJones(sigma=1.3, epsilon=0.3, rc=3.5, ro=2.5, smooth=True)
    results = {
        "energy": atoms.get_potential_energy() - 5.0 * len(atoms),
        "forces": atoms.get_forces(),
        "stress": atoms.get_stress(),
    }
    atoms.info["name"] = f"mono8-{seed:03d}"
    atoms.calc = SinglePointCalculator(atoms, **results)
    return atoms


class Bar:
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.done = 0.0

    def update(self, n: float = 1, note: str = "") -> None:
        self.done += n
        self.notes.append(note)


@pytest.fixture(scope="session")
def frames() -> Frames:
    return Frames()


@pytest.fixture(scope="session")
def fitted(tmp_path_factory: pytest.TempPathFactory, frames: Frames) -> tuple[Path, dict[str, Any], Bar]:
    """Folder of a small fit, its facts, and what its progress bar was told."""
    from harness_gap.fit import fit

    bar = Bar()

    @contextmanager
    def progress(description: str, total: float) -> Iterator[Bar]:
        yield bar
        assert bar.done == total

    out = tmp_path_factory.mktemp("gap")
    facts = fit(frames, out, SMALL, 0, progress)  # type: ignore[arg-type]
    return out, facts, bar


@pytest.fixture
def small(fitted: tuple[Path, dict[str, Any], Bar]) -> Path:
    return fitted[0] / "bn_bilayer.xml"


@pytest.fixture
def calculator(small: Path) -> Any:
    from harness.registry.lookup import build_potential

    return build_potential("gap", {"model": str(small)}).calculator()


@pytest.fixture
def sheet() -> Callable[..., Atoms]:
    """Rattled hBN monolayer; periodic in the plane."""

    def make(n: int = 2, rattle: float = 0.05, seed: int = 1) -> Atoms:
        atoms = graphene("BN", a=2.51, size=(n, n, 1), vacuum=8.0)
        atoms.pbc = (True, True, False)
        atoms.rattle(rattle, seed=seed)
        return atoms

    return make
