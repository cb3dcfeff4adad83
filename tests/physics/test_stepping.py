"""The steppers on harmonic wells, whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms, units
from scipy import stats

from harness.engine.steppers import Langevin, NoseHoover, degrees_of_freedom, make_stepper, thermal_velocities
from harness.errors import HarnessError

N, STIFFNESS, TEMPERATURE = 400, 4.0, 300.0  # independent atoms; eV/Å²; K
VARIANCE = units.kB * TEMPERATURE / STIFFNESS


def atoms() -> Atoms:
    return Atoms("B" * (N // 2) + "N" * (N // 2), positions=np.zeros((N, 3)))


def run(stepper: object, x: np.ndarray, v: np.ndarray, steps: int, keep: list[np.ndarray], every: int = 20) -> None:
    stepper.temperature = TEMPERATURE  # type: ignore[attr-defined]
    rng = np.random.default_rng(1)
    inverse = 1 / atoms().get_masses()[:, None]
    a = -STIFFNESS * x * inverse
    for number in range(steps):
        stepper.begin(x, v, a, rng)  # type: ignore[attr-defined]
        a = -STIFFNESS * x * inverse
        stepper.end(v, a)  # type: ignore[attr-defined]
        if number % every == 0:
            keep.append(np.concatenate([x, v]))


@pytest.mark.parametrize("timestep", [1.0, 8.0])
def test_langevin_samples_the_well_exactly(timestep: float) -> None:
    """BAOAB has Boltzmann's positions in a harmonic well at any stable step; 8 fs are a fifth of a period."""
    stepper = make_stepper("langevin", atoms(), timestep, 20.0)
    x = np.random.default_rng(0).normal(size=(N, 3)) * np.sqrt(VARIANCE)
    v = thermal_velocities(atoms(), TEMPERATURE, np.random.default_rng(2))
    keep: list[np.ndarray] = []
    run(stepper, x, v, 2000, keep, every=50)
    places = np.array(keep)[2:, :N]
    assert np.mean(places**2) == pytest.approx(VARIANCE, rel=0.03)  # some 20,000 independent values: 1 %
    assert stats.kstest(places[-1].ravel() / np.sqrt(VARIANCE), "norm").pvalue > 1e-4
    masses = atoms().get_masses()[:, None]
    if timestep == 1.0:
        kinetic = [np.mean(masses[half] * np.array(keep)[2:, N:][:, half] ** 2) / units.kB for half in halves()]
        assert kinetic == pytest.approx([TEMPERATURE, TEMPERATURE], rel=0.03)


def halves() -> tuple[slice, slice]:
    return slice(0, N // 2), slice(N // 2, N)


def test_langevin_is_reversible_in_equilibrium() -> None:
    """Detailed balance: going from low to high places and back is equally frequent, and time has no arrow."""
    stepper = make_stepper("langevin", atoms(), 2.0, 20.0)
    x = np.random.default_rng(0).normal(size=(N, 3)) * np.sqrt(VARIANCE)
    keep: list[np.ndarray] = []
    run(stepper, x, thermal_velocities(atoms(), TEMPERATURE, np.random.default_rng(2)), 2000, keep, every=5)
    place = np.array(keep)[:, :N] / np.sqrt(VARIANCE)
    before, after = place[:-1].ravel(), place[1:].ravel()
    arrow = np.mean(before**3 * after - before * after**3)  # zero for a reversible process
    noise = (before**3 * after - before * after**3).std() / np.sqrt(len(before) / 10)
    assert abs(arrow) < 4 * noise
    forth, back = np.sum((before < 0) & (after > 1)), np.sum((before > 1) & (after < 0))
    assert abs(int(forth) - int(back)) < 4 * np.sqrt(forth + back)


def test_constant_energy_is_held_to_the_second_order() -> None:
    drifts = []
    for timestep in (0.5, 1.0, 2.0):
        stepper = make_stepper("nve", atoms(), timestep, 1.0)
        x = np.random.default_rng(0).normal(size=(N, 3)) * np.sqrt(VARIANCE)
        v = thermal_velocities(atoms(), TEMPERATURE, np.random.default_rng(2))
        keep: list[np.ndarray] = []
        run(stepper, x, v, round(400 / timestep), keep, every=1)
        states = np.array(keep)
        energy = 0.5 * STIFFNESS * (states[:, :N] ** 2).sum(axis=(1, 2))
        energy += 0.5 * (atoms().get_masses()[:, None] * states[:, N:] ** 2).sum(axis=(1, 2))
        drifts.append(energy.std() / energy.mean())
    assert drifts[0] < 1e-4
    assert drifts[2] / drifts[1] == pytest.approx(4, rel=0.3)
    assert drifts[1] / drifts[0] == pytest.approx(4, rel=0.3)


def test_weak_damping_is_the_limit_of_constant_energy() -> None:
    start = np.random.default_rng(0).normal(size=(N, 3)) * np.sqrt(VARIANCE)
    ends = []
    for stepper in (make_stepper("nve", atoms(), 1.0, 1.0), Langevin(atoms().get_masses(), 1.0, 1e15)):
        x, v = start.copy(), thermal_velocities(atoms(), TEMPERATURE, np.random.default_rng(2))
        run(stepper, x, v, 100, [])
        ends.append(x)
    assert np.abs(ends[0] - ends[1]).max() < 1e-5


def test_nose_hoover_chain_keeps_its_energy_and_the_temperature() -> None:
    masses = atoms().get_masses()
    stepper = NoseHoover(masses, 1.0, 50.0, 3 * N)
    x = np.random.default_rng(0).normal(size=(N, 3)) * np.sqrt(VARIANCE) * 1.5  # too hot: it has to cool
    v = thermal_velocities(atoms(), TEMPERATURE, np.random.default_rng(2))
    conserved, kinetic = [], []
    for _ in range(60):
        keep: list[np.ndarray] = []
        run(stepper, x, v, 50, keep)
        twice = (masses[:, None] * v**2).sum()
        conserved.append(0.5 * twice + 0.5 * STIFFNESS * (x**2).sum() + stepper.energy)
        kinetic.append(twice / (3 * N * units.kB))
    assert np.ptp(conserved) < 2e-3 * conserved[0]
    assert np.mean(kinetic[20:]) == pytest.approx(TEMPERATURE, rel=0.05)


def test_state_goes_on_to_the_same_bits() -> None:
    for name in ("langevin", "nose_hoover"):
        x, v = np.zeros((N, 3)), thermal_velocities(atoms(), TEMPERATURE, np.random.default_rng(2))
        first, second = (make_stepper(name, atoms(), 1.0, 50.0) for _ in range(2))
        run(first, x, v, 30, [])
        second.restore({key: value.copy() for key, value in first.state().items()})
        other = x.copy(), v.copy()
        run(first, x, v, 30, [])
        run(second, *other, 30, [])
        assert np.array_equal(x, other[0]) and np.array_equal(v, other[1])


def test_held_atoms_stay_and_the_rest_has_no_drift() -> None:
    held = np.arange(N) < 10
    v = thermal_velocities(atoms(), TEMPERATURE, np.random.default_rng(2), held)
    x, a = np.zeros((N, 3)), np.zeros((N, 3))
    for name in ("langevin", "nose_hoover"):
        stepper = make_stepper(name, atoms(), 1.0, 50.0, held)
        stepper.temperature = TEMPERATURE
        for _ in range(5):
            stepper.begin(x, v, a, np.random.default_rng(0))
            stepper.end(v, a)
    assert not x[held].any() and x[~held].any()
    free = thermal_velocities(atoms(), TEMPERATURE, np.random.default_rng(2))
    assert np.abs((atoms().get_masses()[:, None] * free).sum(axis=0)).max() < 1e-10


def test_bad_names_and_times_are_refused() -> None:
    with pytest.raises(HarnessError, match=r"(?s)langevn.*langevin"):
        make_stepper("langevn", atoms(), 1.0, 100.0)
    with pytest.raises(HarnessError, match="must be positive"):
        make_stepper("langevin", atoms(), 0.0, 100.0)


@pytest.mark.parametrize(("ensemble", "missing"), [("nve", 3), ("nose_hoover", 3), ("langevin", 0)])
def test_degrees_of_freedom_are_those_that_share_the_kinetic_energy(ensemble: str, missing: int) -> None:
    """Mean kinetic energy of four atoms in a common well, against 3N or 3N - 3 halves of kT."""
    four = Atoms("B4", positions=np.zeros((4, 3)))
    assert degrees_of_freedom(ensemble, 4) == 12 - missing
    assert degrees_of_freedom(ensemble, 4, np.arange(4) == 0) == 9
    stepper = make_stepper(ensemble, four, 2.0, 20.0)
    rng, kinetic = np.random.default_rng(1), []
    for start in range(400):
        v = thermal_velocities(four, TEMPERATURE, np.random.default_rng(start))
        x, stepper.temperature = (
            np.random.default_rng(1000 + start).normal(size=(4, 3)) * np.sqrt(VARIANCE),
            TEMPERATURE,
        )
        x -= x.mean(axis=0)
        a = -STIFFNESS * (x - x.mean(axis=0)) / four.get_masses()[:, None]
        for step in range(100):
            stepper.begin(x, v, a, rng)
            a = -STIFFNESS * (x - x.mean(axis=0)) / four.get_masses()[:, None]
            stepper.end(v, a)
            if step >= 50 and step % 10 == 0:
                kinetic.append((four.get_masses()[:, None] * v**2).sum())
    assert np.mean(kinetic) / (units.kB * TEMPERATURE) == pytest.approx(12 - missing, rel=0.08)
