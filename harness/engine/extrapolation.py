"""How far a potential extrapolated in a run, where its calculator can say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.contracts.measurement import Check, Measurement
from harness.contracts.observable import EXTRAPOLATION_GRADE
from harness.contracts.quantity import Quantity

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import BaseCalculator

PROPERTY = EXTRAPOLATION_GRADE.key
#: Above this grade a structure lies so far from the training set that its numbers should not be trusted
#: (E. V. Podryabinkin and A. V. Shapeev, Comput. Mater. Sci. 140, 171 (2017)).
TRUSTED = 10.0


def grade_of(calculator: BaseCalculator, atoms: Atoms) -> float | None:
    """The extrapolation grade of `atoms`; None where the calculator knows none."""
    if PROPERTY not in calculator.implemented_properties:
        return None
    return float(calculator.get_property(PROPERTY, atoms))


def grade_frames(calculator: BaseCalculator, measurement: Measurement) -> None:
    """Add the largest extrapolation grade over the structures of a measurement to its observables and checks.

    Calculators that offer the property ``extrapolation_grade`` are asked once for each structure, after everything
    was measured; the others are left alone.
    """
    if PROPERTY not in getattr(calculator, "implemented_properties", ()):
        return
    grades = [
        float(calculator.get_property(PROPERTY, atoms)) for frames in measurement.frames.values() for atoms in frames
    ]
    if not grades:
        return
    worst = max(grades)
    measurement.observables[PROPERTY] = Quantity(
        worst, EXTRAPOLATION_GRADE.unit, n=len(grades), method="largest over the record's structures"
    )
    measurement.checks.append(
        Check(PROPERTY, worst, TRUSTED, "1", "beyond it, structures lie far from the training set of the potential")
    )
