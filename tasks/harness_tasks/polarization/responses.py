"""Dipole, charges and their derivatives of a structure, from whoever offers them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase import Atoms

from harness.contracts.engine import Engine
from harness.contracts.measurement import Arrays
from harness.contracts.potential import PolarizationModel, Potential
from harness.contracts.task import Context


class Responses:
    """Properties of a polarization model; what it lacks is asked of the potential, which may bring dipoles of its own.

    Parameters
    ----------
    engine
        Evaluates `potential`.

    Attributes
    ----------
    offered
        Names of all properties of both.
    """

    def __init__(self, model: PolarizationModel | None, potential: Potential, engine: Engine) -> None:
        self._model, self._engine = model, engine
        self._of_model = frozenset(() if model is None else model.implemented_properties)
        self.offered = self._of_model | frozenset(potential.implemented_properties)

    @classmethod
    def of(cls, ctx: Context) -> Responses:
        """Of a run."""
        return cls(ctx.polarization, ctx.potential, ctx.engine)

    def __call__(self, atoms: Atoms, names: Sequence[str], field: Sequence[float] = (0.0, 0.0, 0.0)) -> Arrays:
        """Those of `names` (``dipole``, ``charges``, ``atomic_dipoles``, …) that are offered.

        Units are those of `harness.contracts.potential.PolarizationModel`; only the model answers to `field` (V/Å).
        """
        from_model = [name for name in names if name in self._of_model]
        found: Arrays = {}
        if self._model is not None and from_model:
            found |= self._model.calculate(atoms, from_model, field)
        native = [name for name in names if name not in found and name in self.offered]
        if native:
            found |= {name: np.asarray(value) for name, value in self._engine.evaluate([atoms], native)[0].items()}
        return found
