"""Parts of the task `coercive_field`: the force of a field, rates, maps, and settings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms, units
from harness_tasks.coercive_field.analysis import Models, of_path
from harness_tasks.coercive_field.params import CoerciveFieldParams
from harness_tasks.coercive_field.path_model import PathModel
from harness_tasks.coercive_field.ramps import plans
from harness_tasks.coercive_field.rates import expected_field
from harness_tasks.coercive_field.registry_map import Periodic, Surface
from harness_tasks.coercive_field.switching import Axes, SlidingPath
from harness_tasks.coercive_field.task import CoerciveField
from harness_tasks.oracles.cosine import CosinePolarization, CosinePotential
from harness_tasks.structures.bilayers import UPPER, bilayer
from harness_tasks.structures.registries import AB, BA, make_grid, registry_operations
from omegaconf import OmegaConf

from harness.engine.field import FieldForce, balanced_charges, field_force
from harness.errors import UnsupportedError
from harness.materials.needs import check_needs
from harness.records.references import read_references
from harness.registry.lookup import build_material
from harness.registry.parameters import build_params
from harness.testing.trial import TrialContext

from .sliding_layers import DENG, MATERIAL

CELL = bilayer(MATERIAL, BA, 3.35).cell.array[:2, :2]


class Leaky(CosinePolarization):
    """Born charges that break the acoustic sum rule, as those of learned models do."""

    def calculate(
        self, atoms: Atoms, properties: Sequence[str], field: Sequence[float] = (0.0, 0.0, 0.0)
    ) -> dict[str, np.ndarray]:
        found = super().calculate(atoms, properties, field)
        if "born_effective_charges" in found:
            found["born_effective_charges"] = found["born_effective_charges"] + 0.3 * np.arange(9).reshape(3, 3)
        return found


def context(polarization: Any, **params: Any) -> TrialContext:
    task = CoerciveField()
    return TrialContext(task, CosinePotential(), polarization, MATERIAL, task.Params(**params))


def test_force_of_a_field_is_the_slope_of_its_work() -> None:
    """Index order: F_ib = Σ_a E_a ∂P_a/∂u_ib. The transpose, which many codes print, would not slide the layers."""
    atoms = bilayer(MATERIAL, (0.57, 0.40), 3.4)
    atoms.rattle(0.03, seed=2)
    field = np.array([0.3, -0.2, -1.5])
    polar = CosinePolarization()
    charges = polar.calculate(atoms, ["born_effective_charges"])["born_effective_charges"]
    found = field_force(charges, field)
    for i, axis in np.ndindex(4, 3):
        work = []
        for step in (1e-4, -1e-4):
            moved = atoms.copy()
            moved.positions[i, axis] += step
            work.append(field @ polar.calculate(moved, ["dipole"])["dipole"])
        assert found[i, axis] == pytest.approx((work[0] - work[1]) / 2e-4, abs=1e-8)
    vertical = np.array([0.0, 0.0, -1.5])
    slip = field_force(charges, vertical)[UPPER, :2].sum(axis=0)
    transposed = field_force(charges.transpose(0, 2, 1), vertical)[UPPER, :2].sum(axis=0)
    assert np.linalg.norm(slip) > 1e-3
    assert np.linalg.norm(slip - transposed) > 0.5 * np.linalg.norm(slip)


def test_a_uniform_field_pushes_no_sheet_as_a_whole() -> None:
    atoms = bilayer(MATERIAL, (0.57, 0.40), 3.4)
    field = np.array([0.3, -0.2, -1.5])
    assert np.abs(field_force(balanced_charges(Leaky().calculate, atoms), field).sum(axis=0)).max() < 1e-12
    right = field_force(balanced_charges(CosinePolarization().calculate, atoms), field)
    assert field_force(balanced_charges(Leaky().calculate, atoms), field) == pytest.approx(right, abs=1e-12)


def test_old_born_charges_are_compared_with_new_ones() -> None:
    atoms = bilayer(MATERIAL, BA + 0.4 * (AB - BA), 3.35)
    slide = (AB - BA) @ atoms.cell.array[:2]
    slide /= np.linalg.norm(slide)
    weights = np.zeros((4, 3))
    weights[UPPER] = slide
    other = bilayer(MATERIAL, BA, 3.35)
    field = np.array([0.0, 0.0, -1.0])
    pull = FieldForce(CosinePolarization().calculate, lambda step: field, 4, weights, other)
    for step in range(9):
        acting = pull(atoms, step)
        atoms.positions[UPPER] += 0.01 * slide
    assert pull.evaluations == 3 and len(pull.errors) == 2
    fresh = field_force(balanced_charges(CosinePolarization().calculate, atoms), field)
    assert (weights * acting).sum() != pytest.approx((weights * fresh).sum(), rel=1e-3)
    old, new = pull.errors[0]
    assert 0.001 < abs(old / new - 1) < 0.2


def test_periodic_map_has_the_slopes_of_what_it_interpolates() -> None:
    waves = np.linalg.inv(CELL) @ np.array([[1, 0, -1], [0, 1, 1]]) * 2 * np.pi  # (2, 3)

    def known(places: np.ndarray) -> np.ndarray:
        return np.stack([np.cos(places @ waves).sum(axis=-1), np.sin(places @ waves).sum(axis=-1)], axis=-1)

    share = np.stack(np.meshgrid(np.arange(6), np.arange(6), indexing="ij"), axis=-1) / 6
    smooth = Periodic(known(share @ CELL), CELL)
    places = np.array([[0.3, 0.1], [-2.0, 4.2]])
    for axis in range(2):
        step = 1e-5 * np.eye(2)[axis]
        assert smooth.slopes(places)[:, axis] == pytest.approx(
            (known(places + step) - known(places - step)) / 2e-5, abs=1e-6
        )


def test_layers_take_the_path_that_is_nearest_to_the_field() -> None:
    """First star of cosines, rigid layers: V = C f and p⊥ = p g, so that E⊥,c = C / 3 p for a small in-plane field."""
    share = np.stack(np.meshgrid(np.arange(6), np.arange(6), indexing="ij"), axis=-1) / 6
    stacks = [bilayer(MATERIAL, t, 3.35) for t in share.reshape(-1, 2)]
    potential, polar = CosinePotential().calculator(), CosinePolarization()
    energy = np.array([potential.get_property("energy", atoms) for atoms in stacks]).reshape(6, 6)
    dipole = np.array([polar.calculate(atoms, ["dipole"])["dipole"] for atoms in stacks]).reshape(6, 6, 3)
    slip = np.append((AB - BA) @ CELL, 0.0)
    slip /= np.linalg.norm(slip)
    surface = Surface(energy, dipole, CELL, Axes(slip, 1.0, -1.0))
    found = surface.beside(0.1, 5.0)
    assert found.sector == (pytest.approx(120), pytest.approx(7.5))
    assert (found.directions[found.angles > 60] > 0).all() and len(set(found.directions[found.angles > 60])) == 1
    assert (np.diff(found.fields[found.angles < 60]) > 0).all() and (np.diff(found.fields[found.angles > 60]) < 0).all()
    t = np.linspace(-0.5, 0.5, 13)
    path = [bilayer(MATERIAL, 0.5 * (AB + BA) + s * (AB - BA), 3.35) for s in t]
    dipoles = np.array([polar.calculate(atoms, ["dipole"])["dipole"] for atoms in path])
    energies = np.array([potential.get_property("energy", atoms) for atoms in path])
    model = PathModel.fit(t * 2.511 / math.sqrt(3), energies, -dipoles @ slip, dipoles[:, 2], 4)
    assert model.vertical_field() == pytest.approx(0.03 / (3 * 3.2e-3), rel=2e-3)  # of V'' and p⊥'' at BA, exactly
    assert found.fields[0] == pytest.approx(model.coercive_field(0.1), rel=0.02)


def test_rates_agree_with_brownian_layers() -> None:
    """Langevin dynamics of rigid layers on the published path, 9 cells at 100 K, in a ramp."""
    cells, mass, temperature, friction, ramp, parallel = 9, 12.41, 100.0, 0.002, 1e-4, 0.2
    heat, inertia = units.kB * temperature, cells * mass
    rng = np.random.default_rng(1)
    n, step = 200, 8.0
    x, v = np.full(n, DENG.start), rng.normal(0, math.sqrt(heat / inertia), n)
    energy, along, across = DENG.slopes
    keep = math.exp(-friction * step)
    kick = math.sqrt(heat / inertia * (1 - keep**2))
    passed, field = np.full(n, np.nan), 0.0

    def pull(x: np.ndarray) -> np.ndarray:
        x = np.clip(x, 1.5 * DENG.start, 0.1)
        return -cells * (energy(x) - parallel * along(x) + field * across(x)) / inertia

    a, half = pull(x), 0.5 * step * units.fs
    for number in range(20_000):  # it ends long before
        v += half * a
        x += half * v
        v = keep * v + kick * rng.normal(size=n)
        x += half * v
        field = max(number - 500, 0) * step * ramp
        a = pull(x)
        v += half * a
        passed[np.isnan(passed) & (x >= 0)] = field
        if np.isfinite(passed).all():
            break
    mean, low, high = expected_field(DENG, parallel, cells, mass, temperature, ramp, 0.0, 3.0, friction)
    assert np.mean(passed) == pytest.approx(mean, abs=0.12)
    assert np.quantile(passed, [0.025, 0.975]) == pytest.approx((low, high), abs=0.35)
    assert mean < DENG.coercive_field(parallel)


def test_colder_larger_and_faster_means_a_higher_field() -> None:
    def field(cells: int = 9, temperature: float = 100.0, ramp: float = 1e-4) -> float:
        return expected_field(DENG, 0.0, cells, 12.41, temperature, ramp, 0.0, 3.5)[0]

    assert field(temperature=300.0) < field() < field(temperature=10.0) < DENG.vertical_field()
    assert field() < field(cells=100)
    assert field() < field(ramp=1e-3)


def test_layers_that_are_not_polar_are_refused() -> None:
    for change, words in (({"stacking": "AA'"}, "parallel layers"), ({"layers": 1}, "two layers")):
        material = build_material({**MATERIAL.source.parameters, **change})
        with pytest.raises(UnsupportedError, match=words):
            check_needs("coercive_field", CoerciveField.needs, material)


def test_published_constants_give_the_published_numbers() -> None:
    path = files("harness_tasks") / "reference" / "coercive_field.toml"
    references = read_references(path, "coercive_field", CoerciveField.observables)
    found = of_path(Models.of(_published_course(), 4))
    for reference in references:
        for name in ("e4", "p2", "p3", "p4", "coercive_field_model"):
            if reference.concerns(name):
                assert float(found[name].value) == pytest.approx(float(reference.quantity.value), rel=2e-3)  # type: ignore[arg-type]
                assert found[name].unit == reference.quantity.unit


def _published_course() -> SlidingPath:
    t = np.linspace(-0.725, 0.725, 13)
    energy, along, across = (curve(t) for curve in DENG.curves)
    return SlidingPath(t, energy, along, across, np.zeros((13, 4, 3)), Axes(np.array([1.0, 0, 0]), 1.0, 1.0))


@pytest.mark.parametrize(("profile", "atoms"), [("quick", 36), ("standard", 144), ("paper", 900)])
def test_profiles_are_valid(profile: str, atoms: int) -> None:
    file = Path(__file__).parents[2] / "conf" / "task" / "coercive_field" / f"{profile}.yaml"
    values = OmegaConf.to_container(OmegaConf.load(file))["params"]  # type: ignore[call-overload, index]
    params = build_params(CoerciveFieldParams, values, "task 'coercive_field'")
    assert 4 * params.size**2 == atoms
    assert (
        (params.born_every == 1) == (params.ensemble == "nose_hoover") == (params.step == 0.05) == (profile == "paper")
    )
    todo = list(plans(params, DENG))
    assert {plan.kind for plan in todo} == ({"ramp", "steps"} if profile == "paper" else {"ramp"})
    assert len({plan.name for plan in todo}) == len(todo)


def test_maps_are_interpolated_with_the_symmetry_of_the_layers() -> None:
    """A rough map with many harmonics: turned by 120° about BA nothing changes, at the registries all is as given."""
    rng = np.random.default_rng(3)
    grid = make_grid(6, registry_operations(MATERIAL, antiparallel=False))
    values = grid.energies(rng.normal(size=len(grid.nodes)))
    smooth = Periodic(values[..., None], CELL)
    places = BA @ CELL + rng.normal(size=(5, 2))
    c, s = -0.5, math.sqrt(0.75)
    turn = np.array([[c, s], [-s, c]])
    turned = BA @ CELL + (places - BA @ CELL) @ turn
    assert smooth.slopes(turned)[..., 0] == pytest.approx(smooth.slopes(places)[..., 0] @ turn, abs=1e-9)
    assert np.abs(smooth.slopes((BA @ CELL)[None])).max() < 1e-9
    start, end = np.array([1, 2]) / 6 @ CELL, np.array([5, 2]) / 6 @ CELL
    share = (np.arange(4000) + 0.5) / 4000
    rise = smooth.slopes(start + share[:, None] * (end - start))[..., 0] @ (end - start)
    assert rise.mean() == pytest.approx(values[5, 2] - values[1, 2], abs=1e-4)
