"""The default engine: counting, relaxation with every optimiser, what is held."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import Calculator
from ase.calculators.emt import EMT
from harness_tasks.oracles.plate import PlatePotential
from harness_tasks.structures.cells import rectangular

from harness.contracts.engine import OPTIMIZERS, Optimizer
from harness.engine.ase import ASEEngine
from harness.engine.calculators import CountedCalculator
from harness.errors import HarnessError
from harness.registry.lookup import build_material

SHEET = {"symbols": ["B", "N"], "layers": 1, "a": 1.45 * 3**0.5, "vacuum": 20.0}


def copper() -> Atoms:
    atoms = bulk("Cu", cubic=True).repeat(2)
    atoms.rattle(0.08, seed=3)
    return atoms


def test_counts_evaluations_and_not_questions() -> None:
    calculator = CountedCalculator(EMT())
    atoms = copper()
    atoms.calc = calculator
    atoms.get_forces()
    atoms.get_forces()
    atoms.get_potential_energy()
    assert calculator.calls == 1
    atoms.positions[0, 0] += 0.01
    atoms.get_potential_energy()
    assert calculator.calls == 2


def test_passes_the_calculators_own_arrays_on() -> None:
    inner = PlatePotential().calculator()
    atoms = rectangular(build_material(SHEET), 2, 2)
    atoms.calc = CountedCalculator(inner)
    atoms.get_potential_energy()
    assert atoms.calc.results is inner.results
    assert atoms.calc.implemented_properties is inner.implemented_properties


def test_evaluate_returns_each_structure_and_leaves_it_alone() -> None:
    engine = ASEEngine(EMT())
    structures = [copper(), bulk("Cu", cubic=True)]
    before = [a.positions.copy() for a in structures]
    results = engine.evaluate(structures, ["energy", "forces", "stress"])
    assert [r["forces"].shape for r in results] == [(32, 3), (4, 3)]
    assert results[0]["energy"] / 32 > results[1]["energy"] / 4
    assert all(a.calc is None and (a.positions == b).all() for a, b in zip(structures, before, strict=True))
    assert engine.force_calls == 2


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_finds_the_crystal(optimizer: Optimizer) -> None:
    engine = ASEEngine(EMT())
    atoms = copper()
    end = engine.relax(atoms, fmax=1e-4, optimizer=optimizer)
    perfect = engine.evaluate([bulk("Cu", cubic=True).repeat(2)], ["energy"])[0]["energy"]
    assert end.converged
    assert end.fmax <= 1e-4
    assert end.optimizer == optimizer
    assert engine.evaluate([atoms], ["energy"])[0]["energy"] == pytest.approx(perfect, abs=1e-6)
    assert end.force_calls <= engine.force_calls


def test_held_atoms_stay_and_constraints_come_back() -> None:
    atoms = copper()
    start = atoms.positions.copy()
    held = np.arange(len(atoms)) < 5
    end = ASEEngine(EMT()).relax(atoms, fmax=1e-3, fixed=held)
    assert end.converged
    assert (atoms.positions[held] == start[held]).all()
    assert np.abs(atoms.positions[~held] - start[~held]).max() > 0.01
    assert atoms.constraints == []
    assert atoms.calc is None


def test_cell_relaxes_where_told_and_nowhere_else() -> None:
    engine = ASEEngine(EMT())
    atoms = bulk("Cu", cubic=True)
    atoms.set_cell(atoms.cell.array * [[1.03], [1.02], [1.01]], scale_atoms=True)
    height = atoms.cell[2, 2]
    end = engine.relax(atoms, fmax=1e-3, cell=(1, 1, 0, 0, 0, 0))
    stress = engine.evaluate([atoms], ["stress"])[0]["stress"]
    assert end.converged
    assert atoms.cell[2, 2] == pytest.approx(height)
    assert np.abs(stress[:2]).max() < 1e-4
    assert abs(stress[2]) > 1e-3


class Noisy(Calculator):
    """A spring whose energy lies, so that every line search fails."""

    implemented_properties = ("energy", "forces")

    def calculate(self, atoms: Atoms | None = None, properties: object = None, system_changes: object = ()) -> None:
        super().calculate(atoms)
        assert atoms is not None
        self.results = {
            "energy": 1e3 * len(str(atoms.positions)) + atoms.positions.sum() * 1e3,
            "forces": -atoms.positions,
        }


def test_fire_takes_over_after_a_failed_line_search() -> None:
    atoms = Atoms("Cu4", positions=np.random.default_rng(0).normal(size=(4, 3)) + np.arange(4)[:, None])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        end = ASEEngine(Noisy()).relax(atoms, fmax=1e-3, optimizer="precon_lbfgs")
    assert end.optimizer == "precon_lbfgs+fire"
    assert end.converged
    assert np.abs(atoms.positions).max() < 1e-3


class Exploding(Noisy):
    """Infinite once an atom leaves the neighbourhood of its place."""

    def calculate(self, atoms: Atoms | None = None, properties: object = None, system_changes: object = ()) -> None:
        super().calculate(atoms)
        assert atoms is not None
        self.results = {"energy": -atoms.positions.sum(), "forces": np.ones_like(atoms.positions)}
        if atoms.positions.max() > 6:
            self.results = {"energy": np.nan, "forces": np.full_like(atoms.positions, np.nan)}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_an_explosion_ends_the_relaxation(optimizer: Optimizer) -> None:
    atoms = Atoms("Cu4", positions=np.random.default_rng(0).normal(size=(4, 3)) + np.arange(4)[:, None])
    engine = ASEEngine(Exploding())
    end = engine.relax(atoms, fmax=1e-3, max_steps=10_000, optimizer=optimizer)
    assert not end.converged
    assert np.isnan(end.fmax)
    assert end.force_calls < 200
    assert np.isnan(engine.evaluate([atoms], ["energy"])[0]["energy"])  # told, not hidden


def test_sheet_preconditioner_saves_most_of_the_calls_on_a_ripple() -> None:
    """A long ripple of a sheet is soft as q⁴; both find flat, one of them soon."""
    calls, energies = {}, {}
    for optimizer in ("sheet_lbfgs", "precon_lbfgs"):
        atoms = rectangular(build_material(SHEET), 1, 18)
        y = atoms.positions[:, 1]
        atoms.positions[:, 2] += 0.5 * np.sin(2 * np.pi * y / atoms.cell[1, 1])
        engine = ASEEngine(PlatePotential().calculator())
        end = engine.relax(atoms, fmax=1e-5, max_steps=2000, optimizer=optimizer)
        assert end.converged
        calls[optimizer] = end.force_calls
        energies[optimizer] = engine.evaluate([atoms], ["energy"])[0]["energy"]
    assert calls["sheet_lbfgs"] < 0.5 * calls["precon_lbfgs"]
    assert energies["sheet_lbfgs"] == pytest.approx(0, abs=1e-6)


def test_unknown_words_are_told_with_their_neighbour() -> None:
    engine = ASEEngine(EMT())
    with pytest.raises(HarnessError, match="Did you mean 'precon_lbfgs'"):
        engine.relax(copper(), fmax=0.1, optimizer="precon_lbgfs")  # type: ignore[arg-type]
    with pytest.raises(HarnessError, match="unknown ensemble 'npt'"):
        engine.dynamics(copper(), ensemble="npt", temperature=1, seed=[0])  # type: ignore[arg-type]


@pytest.mark.parametrize("optimizer", ["stack_lbfgs", "sheet_lbfgs"])
def test_a_relaxation_goes_on_to_the_same_bits(optimizer: Optimizer) -> None:
    sheet = rectangular(build_material(SHEET), 3, 3)
    sheet.rattle(0.05, seed=1)
    whole, part = sheet.copy(), sheet.copy()
    stored: list[tuple[np.ndarray, dict[str, np.ndarray]]] = []

    class Cut(Exception):
        pass

    def observe(atoms: Atoms, state: Callable[[], dict[str, np.ndarray]]) -> None:
        stored.append((atoms.positions.copy(), {k: np.array(v) for k, v in state().items()}))
        if len(stored) == 5:
            raise Cut

    end = ASEEngine(PlatePotential().calculator()).relax(whole, fmax=1e-6, optimizer=optimizer)
    engine = ASEEngine(PlatePotential().calculator())
    with pytest.raises(Cut):
        engine.relax(part, fmax=1e-6, optimizer=optimizer, observe=observe)
    before = engine.force_calls
    part.positions, memory = stored[-1]
    assert (part.positions != whole.positions).any()
    engine.relax(part, fmax=1e-6, optimizer=optimizer, memory=memory)
    assert (part.positions == whole.positions).all()
    assert engine.force_calls == end.force_calls
    assert engine.force_calls > before


def test_stack_is_the_sheet_without_what_couples_planes_and_heights() -> None:
    from harness.engine.preconditioners import Sheet, Stack

    atoms = rectangular(build_material(SHEET | {"layers": 2, "stacking": "AB", "distance": 3.3}), 3, 2)
    whole, parts = Sheet(), Stack()
    for precon in (whole, parts):
        precon.make_precon(atoms)
    vector = np.random.default_rng(0).normal(size=3 * len(atoms))
    assert parts.Pdot(parts.solve(vector)) == pytest.approx(vector, abs=1e-8)
    heights = np.zeros((len(atoms), 3))
    heights[:, 2] = vector[: len(atoms)]
    both = [precon.Pdot(heights.ravel()).reshape(-1, 3) for precon in (whole, parts)]
    assert both[1][:, 2] == pytest.approx(both[0][:, 2])
    assert (both[1][:, :2] == 0).all() and np.abs(both[0][:, :2]).max() > 1e-3
