"""Asking an ASE calculator: with every evaluation counted, and about atoms that are known to have moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import BaseCalculator, Calculator


class CountedCalculator(BaseCalculator):
    """Passes every request on and counts the evaluations; copies no array.

    An evaluation is counted when the calculator says that what was asked for is not known yet.
    """

    def __init__(self, calculator: BaseCalculator) -> None:
        self.inner = calculator
        self.calls = 0
        self.strict = False  # raise FloatingPointError for an energy or a force that is not a number
        self.parameters = getattr(calculator, "parameters", {})

    @property
    def implemented_properties(self) -> Sequence[str]:
        """Those of the calculator inside."""
        names: Sequence[str] = self.inner.implemented_properties
        return names

    @property
    def results(self) -> dict[str, Any]:
        """Those of the calculator inside."""
        results: dict[str, Any] = self.inner.results
        return results

    def get_property(self, name: str, atoms: Atoms | None = None, allow_calculation: bool = True) -> Any:
        """The property `name`, from the calculator inside."""
        if allow_calculation and self.inner.calculation_required(atoms, [name]):
            self.calls += 1
        value = self.inner.get_property(name, atoms, allow_calculation)
        if self.strict and name in ("energy", "forces") and not np.isfinite(value).all():
            raise FloatingPointError(f"{name} is not finite")
        return value

    def calculate(self, atoms: Atoms, properties: Sequence[str], system_changes: Sequence[str]) -> None:
        """Evaluate `properties`, whether known or not."""
        self.calls += 1
        self.inner.calculate(atoms, properties, system_changes)

    def calculation_required(self, atoms: Atoms, properties: Sequence[str]) -> bool:
        """Whether one of `properties` would have to be evaluated."""
        return bool(self.inner.calculation_required(atoms, properties))


def evaluate_moved(
    calculator: BaseCalculator, atoms: Atoms, properties: Sequence[str], changes: Sequence[str] = ("positions",)
) -> Mapping[str, Any]:
    """The `properties` of `atoms`, which differ by `changes` from those that `calculator` was asked about last.

    ASE's ``get_property`` compares the atoms with those before each time it is called, which in dynamics costs more
    than the integrator. Here the caller knows what changed.

    Parameters
    ----------
    calculator
        ASE's.
    atoms
        The structure; not copied.
    properties
        ASE's names.
    changes
        What differs from the last call, as ASE names it, e.g. ``positions``, ``cell``.

    Returns
    -------
    Mapping
        ASE's names; also what else the calculator found along the way. The arrays are the calculator's own.
    """
    if isinstance(calculator, Calculator):
        calculator.reset()
        calculator.calculate(atoms, list(properties), list(changes))
        results: Mapping[str, Any] = calculator.results
        return results
    return {name: calculator.get_property(name, atoms) for name in properties}
