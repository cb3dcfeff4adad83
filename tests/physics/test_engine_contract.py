"""Engines that need no backend pass the contract that every engine must pass."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import BaseCalculator
from ase.calculators.emt import EMT
from harness_tasks.oracles.cosine import CosinePolarization, CosinePotential
from harness_tasks.structures.bilayers import bilayer
from harness_tasks.structures.registries import AB

from harness.contracts.engine import BringsEngine, Engine
from harness.engine.ase import ASEEngine, make_engine
from harness.engine.field import FieldEngine
from harness.testing.engine import EngineContract
from harness.testing.free_atoms import FreeAtoms

from .rigid_layers import MATERIAL


class TestCopper(EngineContract):
    """The default engine in a crystal."""

    timestep = 2.0

    def engine(self) -> Engine:
        return ASEEngine(self.calculator())

    def calculator(self) -> BaseCalculator:
        return EMT()

    def atoms(self) -> Atoms:
        return bulk("Cu", cubic=True).repeat(2)


class TestNoField(EngineContract):
    """An engine in a field of zero is the default engine, for layers that slide."""

    temperature = 100.0

    def engine(self) -> Engine:
        bare = ASEEngine(self.calculator())
        return FieldEngine(bare, CosinePolarization().calculate, np.zeros(3))

    def calculator(self) -> BaseCalculator:
        return CosinePotential().calculator()

    def atoms(self) -> Atoms:
        return bilayer(MATERIAL, AB, 3.35).repeat((2, 2, 1))


class OwnEngine(FreeAtoms):
    """A potential that brings an engine."""

    class Named(ASEEngine):
        """The default engine under another name."""

        @property
        def name(self) -> str:
            """Of this engine."""
            return "own"

    def engine(self, calculator: BaseCalculator) -> Engine:
        return self.Named(calculator)


def test_a_potential_may_bring_its_engine() -> None:
    own, plain = OwnEngine(), FreeAtoms()
    assert isinstance(own, BringsEngine) and not isinstance(plain, BringsEngine)
    assert make_engine(own, own.calculator()).name == "own"
    assert make_engine(plain, plain.calculator()).name == "ase"
