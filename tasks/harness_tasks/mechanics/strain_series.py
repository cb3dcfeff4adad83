"""Strained cells with clamped and with relaxed ions; nothing is evaluated twice, nor what symmetry supplies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ase import Atoms

from harness.contracts.task import Stage
from harness.materials.symmetry import Operation, operations
from harness_tasks.mechanics.force_constants import Newton, force_constants
from harness_tasks.mechanics.virial import Answer, strained, tensor, voigt

Ask = Callable[[Atoms], Answer]
#: Newton steps per strained cell.
MOST_STEPS = 30
#: Atoms this close to the highest or lowest one belong to the outermost plane, Å.
PLANE = 0.5


@dataclass(frozen=True, slots=True)
class Point:
    """One strained structure.

    Attributes
    ----------
    strain
        Six Voigt components.
    virial
        ∂E/∂ε, eV, six components.
    moved
        Displacements (natoms, 3) of the ions beyond the strain, Å; zero for clamped ions.
    left
        Largest force left along free directions, eV/Å; 0 for clamped ions, where nothing was asked.
    """

    strain: np.ndarray
    energy: float
    virial: np.ndarray
    forces: np.ndarray
    moved: np.ndarray
    left: float

    def turned(self, operation: Operation) -> Point:
        """The same point seen through a symmetry operation."""
        return Point(
            _turned(self.strain, operation, strain=True),
            self.energy,
            _turned(self.virial, operation, strain=False),
            operation.vectors(self.forces),
            operation.vectors(self.moved),
            self.left,
        )


@dataclass(slots=True)
class Series:
    """Strained copies of one `base` structure.

    Parameters
    ----------
    base
        Relaxed structure.
    ask
        Energy, forces and virial of a structure.
    stage
        Keeps finished points.
    fmax
        Of the relaxed ions, eV/Å.
    displacement
        Of the force constants, Å.
    """

    base: Atoms
    ask: Ask
    stage: Stage
    fmax: float
    displacement: float
    group: list[Operation] = field(init=False)
    constants: np.ndarray = field(init=False)
    _points: dict[str, list[Point]] = field(init=False)
    _response: np.ndarray | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._points = {
            kind: [Point(**entry) for entry in self.stage.sequence(kind)] for kind in ("clamped", "relaxed", "held")
        }
        self.group = operations(self.base)
        rest = self.clamped(np.zeros(6)).forces
        if "constants" not in self.stage:
            matrix = force_constants(self.base, self.group, self._forces, self.displacement, rest)
            self.stage.keep("constants", {"matrix": matrix})
        self.constants = self.stage["constants"]["matrix"]

    @property
    def planes(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Masks of the highest and of the lowest atomic plane; None for a sheet one plane thick."""
        z = self.base.positions[:, 2]
        if self.base.pbc[2] or np.ptp(z) < 2 * PLANE:
            return None
        return z > z.max() - PLANE, z < z.min() + PLANE

    @property
    def thickness(self) -> float:
        """Distance of the outermost atomic planes, Å; 0 for a sheet one plane thick."""
        if self.planes is None:
            return 0.0
        z = self.base.positions[:, 2]
        return float(z[self.planes[0]].mean() - z[self.planes[1]].mean())

    def newton(self, held: bool = False) -> Newton:
        """Newton steps that keep the outermost planes at their mean heights when `held`."""
        directions = np.zeros((0, self.constants.shape[0]))
        if held and self.planes is not None:
            top, bottom = self.planes
            stretch = np.zeros((len(self.base), 3))
            stretch[:, 2] = top / top.sum() - bottom / bottom.sum()
            directions = stretch.reshape(1, -1)
        return Newton(self.constants, directions)

    def clamped(self, strain: Sequence[float] | np.ndarray) -> Point:
        """Every atom follows the strain."""
        wanted = np.asarray(strain, dtype=float)
        found = self._known("clamped", wanted)
        if found is None:
            answer = self.ask(strained(self.base, wanted))
            nothing = np.zeros((len(self.base), 3))
            found = Point(wanted, answer.energy, answer.virial, answer.forces, nothing, 0.0)
            self._keep("clamped", found)
        return found

    def relaxed(self, strain: Sequence[float] | np.ndarray, held: bool = False) -> Point:
        """Ions at rest in the strained cell; `held` keeps the mean heights of the outermost planes.

        The height of a sheet that is not held follows by itself.
        """
        wanted = np.asarray(strain, dtype=float)
        kind = "held" if held else "relaxed"
        found = self._known(kind, wanted)
        if found is None:
            found = self._relax(wanted, held)
            self._keep(kind, found)
        return found

    def internal_strain(
        self, strain: Sequence[float] | np.ndarray, held: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """Displacements (natoms, 3) and change of the virial (6,) that linear response predicts, per unit of `strain`.

        From clamped points at ±`strain` and the force constants: no relaxation enters.
        """
        wanted = np.asarray(strain, dtype=float)
        up, down = self.clamped(wanted), self.clamped(-wanted)
        size = float(np.abs(wanted).max())
        newton = self.newton(held)
        pull = (up.forces - down.forces) / (2 * size)
        moved = newton.answer(pull)
        return moved, -np.array([each.ravel() @ moved.ravel() for each in self._pulls()])

    def known(self, kind: str) -> list[Point]:
        """Points that were evaluated: ``clamped``, ``relaxed`` or ``held``."""
        return list(self._points[kind])

    def structure(self, point: Point) -> Atoms:
        """The structure of `point`."""
        atoms = strained(self.base, point.strain)
        atoms.positions += point.moved
        return atoms

    def _pulls(self) -> np.ndarray:
        """∂F/∂ε at clamped ions, (6, natoms, 3), for the strains that were measured; zero for others."""
        pulls = np.zeros((6, len(self.base), 3))
        for component in range(6):
            for point in self._points["clamped"]:
                others = np.delete(point.strain, component)
                if point.strain[component] > 0 and not others.any():
                    opposite = self.clamped(-point.strain)
                    pulls[component] = (point.forces - opposite.forces) / (2 * point.strain[component])
                    break
        return pulls

    def _relax(self, strain: np.ndarray, held: bool) -> Point:
        newton = self.newton(held)
        point = self.clamped(strain)
        moved, forces = np.zeros_like(point.forces), point.forces
        answer = Answer(point.energy, point.forces, point.virial)
        best = (newton.left(forces), moved, answer)
        for _ in range(MOST_STEPS):
            if best[0] <= self.fmax:
                break
            step = newton.step(forces)
            atoms = strained(self.base, strain)
            moved = moved + step
            atoms.positions += moved
            answer = self.ask(atoms)
            newton.learn(step, forces, answer.forces)
            forces = answer.forces
            left = newton.left(forces)
            if not np.isfinite(left):
                break
            if left < best[0]:
                best = (left, moved, answer)
        left, moved, answer = best
        return Point(strain, answer.energy, answer.virial, answer.forces, moved, left)

    def _forces(self, atoms: Atoms, key: str) -> np.ndarray:
        """Those of a displaced structure; each one that is done stays done."""
        name = f"displaced {key}"
        if name not in self.stage:
            self.stage.keep(name, {"forces": self.ask(atoms).forces})
        return np.asarray(self.stage[name]["forces"])

    def _known(self, kind: str, strain: np.ndarray) -> Point | None:
        for point in self._points[kind]:
            if np.allclose(point.strain, strain, rtol=0, atol=1e-12):
                return point
            for operation in self.group[1:]:
                if np.allclose(_turned(point.strain, operation, strain=True), strain, rtol=0, atol=1e-9):
                    return point.turned(operation)
        return None

    def _keep(self, kind: str, point: Point) -> None:
        entry: dict[str, Any] = {name: getattr(point, name) for name in Point.__slots__}
        self._points[kind].append(point)
        self.stage.append(kind, entry)


def _turned(six: np.ndarray, operation: Operation, strain: bool) -> np.ndarray:
    if strain:
        return voigt(operation.tensor(tensor(six)))
    shears = np.array([1, 1, 1, 2, 2, 2])
    return np.asarray(voigt(operation.tensor(tensor(six * shears))) / shears)
