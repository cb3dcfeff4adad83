"""The sum of a potential inside each layer and one between the layers, as an ASE calculator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import BaseCalculator, Calculator, all_changes

from harness.engine.calculators import evaluate_moved
from harness_layered.layers import LayerMemory

__all__ = ["LayeredCalculator"]

_SUMMED = ("energy", "free_energy", "forces", "stress")
#: Passed on from the calculators inside the layers, on request: how far they extrapolate.
_GRADES = ("extrapolation_grade", "extrapolation_grades")


class LayeredCalculator(Calculator):
    """Energy, forces and stress of ``sum over layers intralayer(layer) + interlayer(all)``.

    Each layer is handed to a calculator of its own, as a structure that holds only its atoms: so any potential is
    restricted to its layer, whatever its range, and layers may be bent by more than their distance. Each of these
    calculators keeps its own neighbour list.

    Parameters
    ----------
    intralayer
        Makes a calculator; called once per layer.
    interlayer
        Calculator that sees all atoms with their layers in ``atoms.arrays["layer"]``; None for none.
    """

    def __init__(self, intralayer: Callable[[], BaseCalculator], interlayer: BaseCalculator | None) -> None:
        super().__init__()
        self._make = intralayer
        self._interlayer = interlayer
        self._memory = LayerMemory()
        self._of: np.ndarray | None = None
        self._parts: list[tuple[np.ndarray, Atoms]] = []
        self._whole: Atoms | None = None
        probe = intralayer()
        both = set(probe.implemented_properties)
        if interlayer is not None:
            both &= set(interlayer.implemented_properties)
        self.implemented_properties = [name for name in _SUMMED if name in both]
        self.implemented_properties += [name for name in _GRADES if name in probe.implemented_properties]
        self._spare: list[BaseCalculator] = [probe]

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        """ASE's interface; called when something changed."""
        super().calculate(atoms, properties, system_changes)
        atoms = self.atoms
        layers, changes = self._memory.layers(atoms), list(system_changes)
        if self._of is None or not np.array_equal(layers, self._of) or "numbers" in system_changes:
            self._split(atoms, layers)
            changes = list(all_changes)
        wanted = set(properties).difference(_GRADES) | {"energy"}
        if "forces" in self.implemented_properties:
            wanted.add("forces")  # every caller moves atoms next
        if atoms.cell.rank < 3:
            wanted.discard("stress")
        results: dict[str, Any] = {name: 0.0 for name in wanted if name != "forces"}
        forces = np.zeros((len(atoms), 3))
        asked = sorted(wanted)
        pieces = list(self._parts)
        if self._interlayer is not None and self._whole is not None and len(self._parts) > 1:
            pieces.append((np.arange(len(atoms)), self._whole))
        for index, part in pieces:
            part.positions[:] = atoms.positions[index]
            part.cell[:] = atoms.cell.array
            part.pbc[:] = atoms.pbc
            known = evaluate_moved(part.calc, part, asked, changes)
            for name in results:
                results[name] = results[name] + known[name]
            if "forces" in wanted:
                forces[index] += known["forces"]
        if "forces" in wanted:
            results["forces"] = forces
        results.setdefault("free_energy", results["energy"])
        if not set(_GRADES).isdisjoint(properties):
            results |= self._grades(len(atoms))
        self.results = results

    def _grades(self, count: int) -> dict[str, Any]:
        """Largest extrapolation grade, and that of each atom, inside its layer."""
        grades = np.zeros(count)
        for index, part in self._parts:
            grades[index] = part.calc.get_property("extrapolation_grades", part)
        return {"extrapolation_grade": float(grades.max(initial=0.0)), "extrapolation_grades": grades}

    def _split(self, atoms: Atoms, layers: np.ndarray) -> None:
        """One structure per layer, each with a calculator of its own."""
        self._of = layers.copy()
        calculators = [part.calc for _, part in self._parts] + self._spare
        self._parts, self._spare = [], []
        for number in np.unique(layers):
            index = np.flatnonzero(layers == number)
            part = Atoms(atoms.numbers[index], atoms.positions[index], cell=atoms.cell, pbc=atoms.pbc)
            part.calc = calculators.pop() if calculators else self._make()
            self._parts.append((index, part))
        self._whole = None
        if self._interlayer is not None:
            self._whole = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
            self._whole.set_array("layer", layers.astype(int))
            self._whole.calc = self._interlayer
