"""Units and polarization of sheets: what several tasks need of the context."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase import Atoms

from harness.contracts.measurement import Arrays
from harness.contracts.task import Context

#: eV/Å² in N/m, e/Å in pC/m and e Å in C m: the elementary charge in SI.
N_PER_M = 16.02176634
PC_PER_M = 1602.176634


def area(atoms: Atoms) -> float:
    """Area of the cell's first two vectors, Å²."""
    return float(np.linalg.norm(np.cross(atoms.cell[0], atoms.cell[1])))


def sheet_stress(stress: np.ndarray, atoms: Atoms) -> np.ndarray:
    """Stress times the height of the cell, eV/Å²; six Voigt components like `stress` (eV/Å³)."""
    return np.asarray(stress) * atoms.get_volume() / area(atoms)


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
