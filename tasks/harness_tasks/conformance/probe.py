"""What all conformance checks share: evaluation, precision, and the list of lines that grows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ase import Atoms

from harness.contracts.measurement import About, Check
from harness.contracts.task import Context
from harness.errors import HarnessError

#: What a backend may throw at a structure that it cannot do. A time-out and Ctrl-C are not among them.
MISHAPS = (ArithmeticError, AssertionError, AttributeError, LookupError, OSError, RuntimeError, TypeError, ValueError)
#: Smallest force and virial per atom that tolerances are taken relative to, eV/Å and eV.
SMALL = 0.1
#: Roundings of a total energy, in units of the last place: summation over atoms, pairs and layers of a network.
ROUNDINGS = 4.0
#: Displacements by which the coarseness of the energy is found: how many, and their standard deviation, Å.
GRAINS, TINY = 8, 1e-5
#: Energy per atom below which rounding is not counted, eV: inside a potential larger numbers cancel.
CANCELLED = 10.0


@dataclass(frozen=True, slots=True)
class Precision:
    """Steps and tolerances that follow from the number type.

    Attributes
    ----------
    epsilon
        Relative spacing of the numbers.
    step
        Root mean square displacement of a coordinate in finite differences, Å: large enough for rounding of the
        energy, small enough for the truncation of a five-point formula.
    strain
        Strain in finite differences.
    slope
        Error of a derivative, relative to its root mean square.
    same
        Difference of what has to be the same: of forces relative to their root mean square.
    energy
        The same for energies, eV per atom, beside the rounding of the total.
    charge
        Error of a Born charge, e.
    sheet
        Error of a sheet polarization, pC/m.
    """

    name: str
    epsilon: float
    step: float
    strain: float
    slope: float
    same: float
    energy: float
    charge: float
    sheet: float


PRECISIONS = {
    "float64": Precision("float64", 2.3e-16, 0.005, 0.002, 1e-4, 1e-6, 1e-7, 5e-4, 1e-3),
    "float32": Precision("float32", 1.2e-7, 0.015, 0.005, 1e-3, 5e-4, 1e-5, 2e-3, 1e-2),
}


@dataclass(frozen=True, slots=True)
class Values:
    """Answers of a potential for one structure: eV, eV/Å, and the virial V σ (3, 3) in eV where stress is offered."""

    energy: float
    forces: np.ndarray
    virial: np.ndarray | None

    @property
    def n(self) -> int:
        """Number of atoms."""
        return len(self.forces)

    @property
    def force(self) -> float:
        """Root mean square force component, at least `SMALL`, eV/Å."""
        return max(float(np.sqrt(np.mean(self.forces**2))), SMALL)

    @property
    def pull(self) -> float:
        """Root mean square virial component per atom, at least `SMALL`, eV."""
        return SMALL if self.virial is None else max(float(np.sqrt(np.mean(self.virial**2))) / self.n, SMALL)


@dataclass(slots=True)
class Probe:
    """One potential under examination.

    Attributes
    ----------
    checks
        The lines so far.
    absent
        Line or group of lines -> why it was not checked.
    wrong
        Numbers that were not finite, among all that the potential answered.
    altered
        Structures that an evaluation changed.
    grain
        Rounding of the energy that was seen, eV per atom; see `find_grain`.
    about
        Which model the lines that are added now speak of.
    """

    ctx: Context
    rng: np.random.Generator
    checks: list[Check] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    wrong: int = 0
    altered: int = 0
    grain: float = np.inf
    about: About = "potential"

    @property
    def precision(self) -> Precision:
        """Of the run's number type."""
        return PRECISIONS[str(self.ctx.device.get("dtype", "float64"))]

    @property
    def has_stress(self) -> bool:
        """Whether the potential offers stress."""
        return "stress" in self.ctx.potential.implemented_properties

    def evaluate(self, atoms: Atoms, calculator: Any = None) -> Values:
        """Energy, forces and virial, by the engine or by another calculator."""
        names = ["energy", "forces"] + ["stress"] * bool(self.has_stress and atoms.cell.rank == 3)
        handed = atoms.copy()
        if calculator is None:
            results = self.ctx.engine.evaluate([handed], names)[0]
        else:
            results = {name: calculator.get_property(name, handed) for name in sorted(names, reverse=True)}
        if not _same_structure(handed, atoms):
            self.altered += 1
        forces = np.array(results["forces"], dtype=float)
        virial = None
        if results.get("stress") is not None:
            virial = tensor(np.asarray(results["stress"], dtype=float)) * atoms.get_volume()
        values = Values(float(results["energy"]), forces, virial)
        parts = [np.array([values.energy]), forces] + ([] if virial is None else [virial])
        self.wrong += sum(int((~np.isfinite(part)).sum()) for part in parts)
        return values

    def energy(self, atoms: Atoms) -> float:
        """The energy alone, eV."""
        value = float(self.ctx.engine.evaluate([atoms], ["energy"])[0]["energy"])
        self.wrong += not np.isfinite(value)
        return value

    def rounding(self, values: Values) -> float:
        """What rounding and the potential's own noise can do to a total energy, eV."""
        unit = ROUNDINGS * self.precision.epsilon
        own = unit * max(abs(values.energy), CANCELLED * values.n)
        own = min(own, max(ROUNDINGS * self.grain, unit * CANCELLED) * values.n)
        return own + self.ctx.noise.energy * values.n

    def find_grain(self, atoms: Atoms, values: Values) -> None:
        """See how coarse the energy is: what tiny displacements do beside F·u.

        A potential that adds large energies of free atoms in double precision is finer than its total energy would
        allow, and gets the tighter tolerance. A noisy one cannot loosen it: `rounding` never exceeds what follows from
        the total energy.
        """
        seen = []
        for _ in range(GRAINS):
            moved = atoms.copy()
            step = self.rng.normal(scale=TINY, size=atoms.positions.shape)
            moved.positions += step
            seen.append(self.energy(moved) - values.energy + float((values.forces * step).sum()))
        self.grain = float(np.max(np.abs(seen))) / values.n

    def add(self, name: str, value: float, tolerance: float, unit: str, reason: str) -> None:
        """One line.

        Parameters
        ----------
        name
            Of the line.
        value, tolerance
            In `unit`; the line passes when the magnitude of `value` is not above `tolerance`.
        unit
            As in `Quantity`.
        reason
            What is compared, and where the tolerance comes from.
        """
        self.checks.append(Check(name, float(value), float(tolerance), unit, reason, self.about))

    def attempt(self, names: str | Sequence[str], measure: Callable[[], None]) -> None:
        """Measure lines; what the potential refuses is not offered, and any other exception is a line that fails."""
        names = [names] if isinstance(names, str) else list(names)
        try:
            measure()
        except HarnessError as error:
            self.leave_out(names, str(error))
        except MISHAPS as error:
            first = str(error).splitlines()[0] if str(error) else ""
            done = {check.name for check in self.checks}
            for name in names:
                if name not in done:
                    self.add(name, np.nan, 0.0, "1", f"it must not raise {type(error).__name__}: {first}"[:300])

    def leave_out(self, names: Iterable[str], why: str) -> None:
        """Say that lines were not checked."""
        done = {check.name for check in self.checks}
        self.absent |= dict.fromkeys([name for name in names if name not in done], why)

    def same(self, name: str, got: Values, expected: Values, what: str, stress: bool = False) -> None:
        """Two or three lines: energy per atom, forces and, if wanted, virial per atom have to be the same.

        `what` says why, as the beginning of the reason.

        Parameters
        ----------
        name
            With which the names of the lines begin.
        got, expected
            What to compare.
        what
            Why they have to be the same; the beginning of the reason.
        stress
            Whether virials are compared.
        """
        p, n = self.precision, expected.n
        rounding = self.rounding(expected) + self.rounding(got) * n / got.n
        self.add(
            f"{name}_energy",
            (got.energy / got.n - expected.energy / n),
            p.energy + rounding / n,
            "eV",
            f"{what}; per atom, {p.name}: {p.energy:.0e} eV and the rounding of |E| = {abs(expected.energy):.3g} eV, "
            f"{rounding / n:.0e} eV",
        )
        self.add(
            f"{name}_forces",
            largest(got.forces - expected.forces),
            p.same * expected.force + self.ctx.noise.forces,
            "eV/A",
            f"{what}; {p.name}: {p.same:.0e} of the rms force {expected.force:.2g} eV/Å",
        )
        if stress and got.virial is not None and expected.virial is not None:
            self.add(
                f"{name}_stress",
                largest(got.virial / got.n - expected.virial / n),
                p.same * expected.pull + rounding / n + self.ctx.noise.stress,
                "eV",
                f"{what}; virial V σ per atom, {p.name}: {p.same:.0e} of its rms {expected.pull:.2g} eV",
            )


def largest(array: np.ndarray) -> float:
    """Largest magnitude; nan when a number is missing."""
    return float(np.abs(array).max(initial=0.0))


def tensor(voigt: np.ndarray) -> np.ndarray:
    """A symmetric tensor (3, 3) from ASE's six Voigt components."""
    return voigt[[0, 5, 4, 5, 1, 3, 4, 3, 2]].reshape(3, 3)


def _same_structure(a: Atoms, b: Atoms) -> bool:
    return (
        np.array_equal(a.positions, b.positions)
        and np.array_equal(a.cell.array, b.cell.array)
        and np.array_equal(a.pbc, b.pbc)
        and np.array_equal(a.numbers, b.numbers)
    )
