"""Ask an ASE calculator about atoms that are known to have moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ase import Atoms
from ase.calculators.calculator import BaseCalculator, Calculator


def ask(
    calculator: BaseCalculator, atoms: Atoms, properties: Sequence[str], changes: Sequence[str] = ("positions",)
) -> Mapping[str, Any]:
    """The `properties` of `atoms`, and whatever else came along; arrays are the calculator's own.

    ASE's ``get_property`` compares the atoms with those before, each time it is called, which in dynamics costs more
    than the integrator. Here the caller knows what changed since the last answer.
    """
    if isinstance(calculator, Calculator):
        calculator.reset()
        calculator.calculate(atoms, list(properties), list(changes))
        return calculator.results
    return {name: calculator.get_property(name, atoms) for name in properties}
