"""Polarization of a structure: what the potential and the polarization model of a context offer together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase import Atoms

from harness.contracts.measurement import Arrays
from harness.contracts.task import Context


def offered(ctx: Context) -> frozenset[str]:
    """The properties of potential and polarization model together."""
    names = set(ctx.potential.implemented_properties)
    if ctx.polarization is not None:
        names |= set(ctx.polarization.implemented_properties)
    return frozenset(names)


def polarization(ctx: Context, atoms: Atoms, names: Sequence[str]) -> Arrays:
    """Those of `names` (``dipole``, ``charges``, ``atomic_dipoles``, …) that are offered.

    The polarization model comes first; what it lacks is asked of the potential, whose calculator may bring dipoles
    of its own.
    """
    model = ctx.polarization
    from_model = [n for n in names if model is not None and n in model.implemented_properties]
    results = dict(model.calculate(atoms, from_model)) if model is not None and from_model else {}
    native = [n for n in names if n not in results and n in ctx.potential.implemented_properties]
    if native:
        results |= {n: np.asarray(v) for n, v in ctx.engine.evaluate([atoms], native)[0].items()}
    return results
