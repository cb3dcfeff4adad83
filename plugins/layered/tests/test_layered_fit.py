"""The interlayer fit recovers known parameters, and the shipped one is what it says."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from harness_layered import fit, fit_lj
from harness_layered.lennard_jones import LennardJones
from harness_layered.potential import InterlayerLJ, LayeredPotential

from harness.data.dataset import Dataset
from harness.errors import HarnessError
from harness.fitting import parity_plot

TRUE = {5: (0.0030, 3.10), 7: (0.0060, 3.35)}


def _label(atoms: Atoms, name: str) -> Atoms:
    atoms.info["name"] = name
    copy = atoms.copy()
    copy.calc = LennardJones(TRUE)
    results = {k: copy.calc.get_property(k, copy) for k in ("energy", "forces", "stress")}
    results["energy"] += -100.0 * len(atoms)
    atoms.calc = SinglePointCalculator(atoms, **results)
    return atoms


@pytest.fixture
def frames(stack: Callable[..., Atoms]) -> list[Atoms]:
    """Labels from known parameters on rigid bilayers, and their monolayer."""
    made = [_label(stack(1, 1, 1, rattle=0.0), "scan-mono2-000")]
    for k, distance in enumerate((2.9, 3.1, 3.3, 3.5, 3.9, 4.5)):
        for shift in range(2):
            atoms = stack(1, 1, 2, distance, rattle=0.0)
            atoms.positions[2:, 1] += shift * 2.511 / np.sqrt(3)
            made.append(_label(atoms, f"curve-bilayer4-{2 * k + shift:03d}"))
    return made


@pytest.fixture
def bench(frames: list[Atoms]) -> Dataset:
    return Dataset.of("bench", {"energies": {"train": frames, "test": frames}})


@pytest.fixture
def progress() -> Callable[..., Any]:
    return lambda description, total: nullcontext(SimpleNamespace(update=lambda n=1, note="": None))


def test_the_fit_recovers_known_parameters(tmp_path: Path, bench: Dataset, progress: Any) -> None:
    report = fit_lj.fit(bench, tmp_path, {"model": "m.json"}, 0, progress)
    found = json.loads((tmp_path / "m.json").read_text())["elements"]
    for symbol, z in (("B", 5), ("N", 7)):
        assert (found[symbol]["epsilon"], found[symbol]["sigma"]) == pytest.approx(TRUE[z], rel=1e-3)
    assert report["errors"]["train"]["phi_rmse_meV_per_cell"] < 1e-2
    assert report["potential"] == {"name": "lj", "params": {"model": str(tmp_path / "m.json")}}
    assert {p.name for p in tmp_path.iterdir()} == {"m.json", "m_parity.npz", "m_parity.png", "m_curve.png"}
    assert str(tmp_path) not in (tmp_path / "m.json").read_text()


def test_the_sum_is_judged_on_whole_bilayers(tmp_path: Path, bench: Dataset, progress: Any) -> None:
    """With the true interlayer model and an intralayer one that gives nothing, only the constant is wrong."""
    model = tmp_path / "true.json"
    table = {s: {"epsilon": TRUE[z][0], "sigma": TRUE[z][1]} for s, z in (("B", 5), ("N", 7))}
    model.write_text(json.dumps({"elements": table, "cutoff": 12.0}))
    made = {"name": "lj", "params": {"model": str(model)}}
    report = fit.fit(bench, tmp_path, {"intralayer": made}, 0, progress, {"lj": {"potential": made}})
    assert report["errors"]["test"]["force_z_rmse_meV_per_A"] < 1e-9
    assert report["errors"]["test"]["energy_rmse_meV_per_atom"] == pytest.approx(1e5, rel=1e-6)
    reference, found = parity_plot.load(tmp_path / "bn_bilayer_layered_parity.npz")[0]["test"].flat("forces")
    np.testing.assert_allclose(found, reference, atol=1e-12)
    assert report["data"]["sha256"] == bench.sha256 and report["level_of_theory"] == "PBE-D3(BJ)"


def test_a_data_set_without_rigid_bilayers_is_refused(frames: list[Atoms]) -> None:
    with pytest.raises(HarnessError, match="no rigid bilayers"):
        fit_lj.interlayer_frames(Dataset.of("bench", {"energies": {"train": frames[:1]}}), "train")


@pytest.mark.parametrize(
    ("model", "level", "binding", "distance"),
    [("bn_bilayer_lj.json", "PBE-D3(BJ)", -0.0937, 3.345), ("bn_bilayer_lj_d2.json", "PBE-D2", -0.1407, 3.086)],
)
def test_the_shipped_models_bind_as_dft_does(model: str, level: str, binding: float, distance: float) -> None:
    """Energy (eV per cell) and distance (Å) of AB in DFT; the shipped parameters within the residual they state."""
    potential = InterlayerLJ(model)
    assert potential.provenance()["level_of_theory"] == level
    residual = potential.provenance()["fit"]["errors"]["train"]["phi_rmse_meV_per_cell"] * 1e-3
    a = 2.511
    phi = []
    distances = np.linspace(2.9, 3.8, 46)
    for d in distances:
        atoms = Atoms("BNBN", cell=[[a, 0, 0], [-a / 2, a * 3**0.5 / 2, 0], [0, 0, 30]], pbc=(True, True, False))
        atoms.set_scaled_positions([[0, 0, 0], [1 / 3, 2 / 3, 0], [1 / 3, 2 / 3, 0], [2 / 3, 1 / 3, 0]])
        atoms.positions[2:, 2] += d
        atoms.calc = potential.calculator()
        phi.append(atoms.get_potential_energy())
    assert min(phi) == pytest.approx(binding, abs=2 * residual)
    assert distances[int(np.argmin(phi))] == pytest.approx(distance, abs=0.1)


@pytest.mark.parametrize(("suffix", "level"), [("", "PBE-D3(BJ)"), ("_d2", "PBE-D2")])
def test_mtp_and_lj_ship_together(suffix: str, level: str) -> None:
    pytest.importorskip("harness_mtp")
    potential = LayeredPotential(
        {"name": "mtp", "params": {"model": f"bn_bilayer{suffix}.mtp"}},
        {"name": "lj", "params": {"model": f"bn_bilayer_lj{suffix}.json"}},
    )
    assert potential.provenance()["level_of_theory"] == level
    assert potential.elements == {"B", "N"}
