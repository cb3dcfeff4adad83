"""Forces and stress against finite differences of the energy, and smoothness along paths.

A derivative is compared along random directions in which all atoms, or all strain components, move at once: every
component takes part in every line, and rounding counts less than when one coordinate moves.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms

from harness_tasks.conformance.probe import Probe, Values, largest
from harness_tasks.conformance.structures import Path, deform, in_plane, out_of_plane, symmetric

#: A five-point derivative sums the roundings of four energies with these weights, over the step.
NOISE = math.sqrt(2 * (8 / 12) ** 2 + 2 * (1 / 12) ** 2)
#: Sixth differences of a unit step reach this; those of a smooth function vanish with the sixth power of the step.
STEP_IN_SIXTH = 10.0
#: Jump over tolerance from which on a stretch of a path is sampled again, how many stretches are at most, how much
#: finer, and how often its intervals are halved then: a kink of the force vanishes there, a jump does not.
SUSPICIOUS, STRETCHES, FINER, HALVINGS = 0.7, 150, 8, 16
#: A finite difference that disagrees is repeated with a step so many times shorter.
SHORTER = 10
#: Jump of the energy that is allowed, eV per atom.
JUMP = 2e-5


Scan = tuple[np.ndarray, np.ndarray]


def slope(function: Callable[[float], Any], step: float) -> Any:
    """Five-point derivative at 0 of a number or an array; its error is step⁴ f⁽⁵⁾ / 30."""
    near = function(step) - function(-step)
    return (8 * near - (function(2 * step) - function(-2 * step))) / (12 * step)


def forces(probe: Probe, name: str, atoms: Atoms, values: Values, directions: int) -> None:
    """One line: largest difference of −F·d and dE/dd over random unit directions d of all coordinates.

    Parameters
    ----------
    probe
        Collects the lines.
    name
        Of the line.
    atoms, values
        The structure, and what the model gives for it.
    directions
        Number of random directions.
    """
    step = probe.precision.step * math.sqrt(3 * len(atoms))
    tolerance = probe.precision.slope * values.force + NOISE * probe.rounding(values) / step
    tolerance += probe.ctx.noise.forces
    error = 0.0
    for _ in range(directions):
        direction = probe.rng.normal(size=atoms.positions.shape)
        direction /= np.linalg.norm(direction)
        expected = -float((values.forces * direction).sum())

        def along(t: float, d: np.ndarray = direction) -> float:
            return probe.energy(_moved(atoms, t * d))

        error = _worse(error, _difference(probe, along, expected, step, tolerance))
    probe.add(
        name,
        error,
        tolerance,
        "eV/A",
        f"F = −dE/dr; {probe.precision.slope:.0e} of the rms force {values.force:.2g} eV/Å, and the rounding "
        f"of |E| = {abs(values.energy):.3g} eV ({probe.precision.name}, {probe.rounding(values):.0e} eV)",
    )


def stress(
    probe: Probe,
    name: str,
    atoms: Atoms,
    values: Values,
    directions: int,
    draw: Callable[[np.random.Generator], np.ndarray] = symmetric,
) -> None:
    """One line: largest difference of V σ:e and dE/de per atom over random unit strains e.

    Parameters
    ----------
    probe
        Collects the lines.
    name
        Of the line.
    atoms, values
        The structure, and what the model gives for it.
    directions
        Number of random strains.
    draw
        Makes a random strain, (3, 3).
    """
    assert values.virial is not None
    step, error = probe.precision.strain, 0.0
    tolerance = probe.precision.slope * values.pull + NOISE * probe.rounding(values) / step / len(atoms)
    tolerance += probe.ctx.noise.stress
    for _ in range(directions):
        direction = draw(probe.rng)
        expected = float((values.virial * direction).sum()) / len(atoms)

        def along(t: float, d: np.ndarray = direction) -> float:
            return probe.energy(_strained(atoms, t * d)) / len(atoms)

        error = _worse(error, _difference(probe, along, expected, step, tolerance))
    probe.add(
        name,
        error,
        tolerance,
        "eV",
        f"V σ = dE/dε, per atom; {probe.precision.slope:.0e} of its rms {values.pull:.2g} eV, and the rounding "
        f"of |E| = {abs(values.energy):.3g} eV ({probe.precision.name}, {probe.rounding(values):.0e} eV)",
    )


def _difference(
    probe: Probe, function: Callable[[float], float], expected: float, step: float, tolerance: float
) -> float:
    """Slope of a function less the expected one.

    Where it is too large, a shorter step decides: a kink of the slope within the step (a cut-off like the square of the
    distance) counts less there, a wrong derivative does not.
    """
    error = slope(function, step) - expected
    if abs(error) > tolerance and probe.precision.name == "float64":
        return float(min(error, slope(function, step / SHORTER) - expected, key=abs))
    return float(error)


def derivative_lines(probe: Probe, kind: str, atoms: Atoms) -> None:
    """Forces and stress of one kind of structure: ``bulk``, ``slab_ttf`` or ``slab_ttt``."""
    values = probe.evaluate(atoms)
    directions = probe.ctx.params.directions
    forces(probe, f"forces_{kind}", atoms, values, directions)
    if values.virial is None:
        return
    if kind == "bulk":
        stress(probe, "stress_bulk", atoms, values, directions)
    else:
        stress(probe, f"stress_{kind}", atoms, values, directions, in_plane)
        stress(probe, f"stress_z_{kind}", atoms, values, max(1, directions // 2), out_of_plane)


def smoothness(probe: Probe, name: str, path: Path, points: int) -> None:
    """Two lines: the largest jump of the energy per atom and of a force along `path`.

    A jump stands out in sixth differences, where a smooth function leaves next to nothing. A stretch where they come
    near the tolerance is sampled again and halved towards the jump: neither curvature nor a kink of the force (an
    energy that ends at its cut-off like the square of the distance) is mistaken for a jump.

    Parameters
    ----------
    probe
        Collects the lines.
    name
        With which the names of the lines begin.
    path
        The structure as a function of one coordinate.
    points
        Number of samples.
    """
    where = np.linspace(0, 1, points)
    coarse = _scan(probe, path, where)
    probe.arrays[f"{name}_energy"] = coarse[0][:, 0]
    values = probe.evaluate(path(0.5))
    noise = 3 * probe.rounding(values) / values.n
    relative = max(10 * probe.precision.same, probe.precision.slope)
    limits = JUMP + noise, relative * values.force + probe.ctx.noise.forces
    jump = _Search(probe, path, limits).largest(where, coarse)
    probe.add(
        f"{name}_energy",
        jump[0],
        limits[0],
        "eV",
        f"jump per atom; {JUMP:.0e} eV is 1 % of what it takes to slide a layer, and rounding",
    )
    probe.add(
        f"{name}_forces",
        jump[1],
        limits[1],
        "eV/A",
        f"jump of a force component; {relative:.0e} of the rms force {values.force:.2g} eV/Å",
    )


@dataclass(slots=True)
class _Search:
    """Looks for the largest jumps along a path; where one is suspected, with finer steps and then by halving."""

    probe: Probe
    path: Path
    limits: tuple[float, float]
    left: int = STRETCHES

    def largest(self, where: np.ndarray, found: Scan, finest: bool = False) -> np.ndarray:
        """Largest jumps (2,) of energy and forces between the points `where`; of one that fails, the first found."""
        rows, seen = np.stack([_jumps(part) for part in found], axis=1), np.zeros(2)
        while self.left:
            # How much worse a failing line gets elsewhere is not asked: a slow potential with many jumps takes hours.
            rows[:, seen > self.limits] = 0.0
            suspicion = np.nan_to_num(rows / np.array(self.limits), nan=np.inf)
            i, column = np.unravel_index(int(np.argmax(suspicion)), suspicion.shape)
            if suspicion[i, column] <= SUSPICIOUS:
                break
            self.left -= 1
            if finest:  # a jump in one of the two intervals in the middle of the six is largest in this difference
                component = int(np.argmax(np.abs(np.diff(found[column][i : i + 7], 6, axis=0))))
                for k in (i + 2, i + 3):
                    left, right = (tuple(part[m] for part in found) for m in (k, k + 1))
                    again = self._halved(where[k], where[k + 1], left, right, int(column), component)
                    seen = np.maximum(seen, again)
            else:
                step = (where[1] - where[0]) / FINER
                finer = where[i + 2] + step * np.arange(-3, 2 * FINER + 4)
                seen = np.maximum(seen, self.largest(finer, _scan(self.probe, self.path, finer), finest=True))
            rows[max(0, i - 1) : i + 2] = 0.0
        return np.asarray(np.maximum(seen, rows.max(axis=0)))

    def _halved(self, a: float, b: float, left: Any, right: Any, column: int, component: int) -> np.ndarray:
        """What is left of the differences (2,) between two points when the interval is halved towards a jump."""
        for _ in range(HALVINGS):
            middle = 0.5 * (a + b)
            energy, forces = _scan(self.probe, self.path, np.array([middle]))
            centre = energy[0], forces[0]
            steps = [abs(y[column][component] - x[column][component]) for x, y in ((left, centre), (centre, right))]
            if steps[0] > steps[1]:
                b, right = middle, centre
            else:
                a, left = middle, centre
        return np.array([largest(y - x) for x, y in zip(left, right, strict=True)])


def _scan(probe: Probe, path: Path, where: np.ndarray) -> Scan:
    """Energy per atom (n, 1) and forces (n, 3N) along a path."""
    answers = [probe.evaluate(path(float(t))) for t in where]
    return (
        np.array([[a.energy / a.n] for a in answers]),
        np.array([a.forces.ravel() for a in answers]),
    )


def _jumps(rows: np.ndarray) -> np.ndarray:
    """Sixth differences (n - 6,) of the rows, the largest of each row, in units of the step that would make them."""
    return np.asarray(np.abs(np.diff(rows, 6, axis=0)).max(axis=1) / STEP_IN_SIXTH)


def _moved(atoms: Atoms, displacement: np.ndarray) -> Atoms:
    moved = atoms.copy()
    moved.positions += displacement
    return moved


def _strained(atoms: Atoms, strain: np.ndarray) -> Atoms:
    strained = atoms.copy()
    deform(strained, strain)
    return strained


def _worse(a: float, b: float) -> float:
    """The larger magnitude; nan wins."""
    return largest(np.array([a, b]))
