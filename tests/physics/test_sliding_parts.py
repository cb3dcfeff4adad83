"""Parts of the task `sliding`: the oracle against itself, symmetry, noise, integrals, and its settings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from harness_tasks.interlayer.task import Interlayer
from harness_tasks.oracles.cosine import CosinePolarization, CosinePotential
from harness_tasks.sliding.task import Sliding
from harness_tasks.sliding_path.track import integrate, noise
from harness_tasks.structures.bilayers import bilayer
from harness_tasks.structures.registries import make_grid, registry_operations, smooth
from omegaconf import OmegaConf

from harness.registry.lookup import build_material
from harness.registry.parameters import build_params

MATERIAL = build_material({
    "name": "bn_bilayer", "symbols": ["B", "N"], "layers": 2, "stacking": "AB",
    "a": 2.511, "distance": 3.35, "vacuum": 25.0,
})  # fmt: skip
COSINE, POLAR = CosinePotential(), CosinePolarization()


@pytest.mark.parametrize("antiparallel", [False, True])
def test_oracle_derivatives_are_those_of_its_energy_and_dipole(antiparallel: bool) -> None:
    atoms = bilayer(MATERIAL, (0.2, 0.37), 3.4, antiparallel=antiparallel)
    atoms.rattle(0.05, seed=1)
    atoms.calc = COSINE.calculator()
    forces = atoms.get_forces()
    born = POLAR.calculate(atoms, ["born_effective_charges"])["born_effective_charges"]
    for i, axis in np.ndindex(4, 3):
        energies, dipoles = [], []
        for sign in (1, -1):
            moved = atoms.copy()
            moved.positions[i, axis] += sign * 1e-4
            moved.calc = COSINE.calculator()
            energies.append(moved.get_potential_energy())
            dipoles.append(POLAR.calculate(moved, ["dipole"])["dipole"])
        assert forces[i, axis] == pytest.approx((energies[1] - energies[0]) / 2e-4, abs=1e-6)
        assert born[i, :, axis] == pytest.approx((dipoles[0] - dipoles[1]) / 2e-4, abs=1e-8)


def test_oracle_does_not_care_about_wrapping_and_supercells() -> None:
    atoms = bilayer(MATERIAL, (0.2, 0.37), 3.4)
    large = atoms.copy()
    large.wrap()
    large = large.repeat((2, 3, 1))
    atoms.calc, large.calc = COSINE.calculator(), COSINE.calculator()
    assert large.get_potential_energy() == pytest.approx(6 * atoms.get_potential_energy())
    dipoles = [POLAR.calculate(each, ["dipole"])["dipole"] for each in (atoms, large)]
    assert dipoles[1] == pytest.approx(6 * dipoles[0])


@pytest.mark.parametrize(("antiparallel", "representatives"), [(False, 7), (True, 10)])
def test_symmetry_spreads_energy_and_polarization(antiparallel: bool, representatives: int) -> None:
    """Every registry of the grid, calculated, is what its representative and the operation make of it."""
    grid = make_grid(6, registry_operations(MATERIAL, antiparallel))
    assert len(grid.nodes) == representatives

    def at(t: Sequence[float] | np.ndarray) -> tuple[float, np.ndarray]:
        atoms = bilayer(MATERIAL, t, 3.35, antiparallel=antiparallel)
        atoms.calc = COSINE.calculator()
        return atoms.get_potential_energy(), POLAR.calculate(atoms, ["dipole"])["dipole"]

    found = [at(t) for t in grid.registries]
    energies = grid.energies(np.array([e for e, _ in found]))
    dipoles = grid.polarizations(np.array([p for _, p in found]))
    for i, j in np.ndindex(6, 6):
        energy, dipole = at((i / 6, j / 6))
        assert energies[i, j] == pytest.approx(energy, abs=1e-9)
        assert dipoles[i, j] == pytest.approx(dipole, abs=1e-9)
    assert smooth(energies, 13)[5, 7] == pytest.approx(at((5 / 12, 7 / 12))[0], abs=1e-9)


def test_noise_widens_the_interval_of_the_barrier() -> None:
    s = np.linspace(0, 1, 9)
    clean = np.sin(np.pi * s) ** 2
    assert noise(clean, 1) == pytest.approx(0, abs=1e-12)
    rng = np.random.default_rng(1)
    widths = [noise(clean + rng.normal(0, 0.1, 9), 1) for _ in range(400)]
    assert np.sqrt(np.mean(np.square(widths))) == pytest.approx(2.776 * 0.1, rel=0.1)


def test_integral_of_born_charges_along_a_curve() -> None:
    """One charge 2 e that moves on a circle, and one whose charge grows: p = ∫ Z du."""
    s = np.linspace(0, 1, 17)
    circle = np.stack([np.cos(s), np.sin(s), s**2], axis=1)
    positions = np.stack([circle, np.stack([s, 0 * s, 0 * s], axis=1)], axis=1)
    born = np.zeros((17, 2, 3, 3))
    born[:, 0] = 2 * np.eye(3)
    born[:, 1, 0, 0] = s**2
    expected = 2 * (circle - circle[0]) + np.stack([s**3 / 3, 0 * s, 0 * s], axis=1)
    assert integrate(born, positions, s) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("profile", ["quick", "standard", "paper"])
@pytest.mark.parametrize("task", [Sliding, Interlayer])
def test_profiles_are_valid(task: type, profile: str) -> None:
    file = Path(__file__).parents[2] / "conf" / "task" / task.name / f"{profile}.yaml"  # type: ignore[attr-defined]
    params = build_params(task.Params, OmegaConf.to_container(OmegaConf.load(file))["params"], task.name)  # type: ignore
    assert params.relax_cell == (profile != "quick")
    assert len(task().structure(MATERIAL, params)) == 4
