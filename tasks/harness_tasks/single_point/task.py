"""Energy, forces, stress and dipole of the primitive cell: one evaluation, no relaxation.

The plainest task: the static reference for DFT, and a measure of what a run costs beside its physics.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
from ase import Atoms

from harness.contracts.material import Material, Need
from harness.contracts.measurement import Arrays, Measurement
from harness.contracts.observable import Observable
from harness.contracts.quantity import Quantity
from harness.contracts.record import Record
from harness.contracts.task import Context
from harness.materials.sheets import area, sheet_stress
from harness.units import N_PER_M, PC_PER_M
from harness_tasks.polarization.responses import Responses
from harness_tasks.single_point import observables as declared
from harness_tasks.single_point.params import SinglePointParams


class SinglePoint:
    """One evaluation of the material as it is given."""

    name: ClassVar[str] = "single_point"
    version: ClassVar[int] = 1
    requires: ClassVar[frozenset[str]] = frozenset({"energy", "forces"})
    needs: ClassVar[frozenset[Need]] = frozenset()
    Params: ClassVar[type] = SinglePointParams
    observables: ClassVar[tuple[Observable, ...]] = declared.OBSERVABLES

    def structure(self, material: Material, params: SinglePointParams) -> Atoms:
        """The primitive cell, repeated."""
        return material.atoms.repeat((*params.repeat, 1))

    def measure(self, ctx: Context) -> Measurement:
        """Energy per atom; forces; sheet stress and sheet dipole where they are offered."""
        names = ["energy", "forces"] + ["stress"] * ("stress" in ctx.potential.implemented_properties)
        with ctx.clock("evaluation"):
            results = ctx.engine.evaluate([ctx.atoms], names)[0]
        forces = np.asarray(results["forces"])
        observables = {
            **declared.ENERGY.of(Quantity(results["energy"] / len(ctx.atoms), "eV")),
            **declared.LARGEST_FORCE.of(Quantity(float(np.linalg.norm(forces, axis=1).max()), "eV/A")),
        }
        arrays = {"forces": forces}
        if "stress" in results:
            stress = sheet_stress(results["stress"], ctx.atoms) * N_PER_M
            for label, component in (("xx", 0), ("yy", 1), ("xy", 5)):
                observables |= declared.STRESS.of(Quantity(float(stress[component]), "N/m"), component=label)
        responses = Responses.of(ctx)
        if "dipole" in responses.offered:
            with ctx.clock("polarization"):
                dipole = responses(ctx.atoms, ["dipole"])["dipole"]
            across = Quantity(float(dipole[2]) / area(ctx.atoms) * PC_PER_M, "pC/m")
            observables |= declared.SHEET_DIPOLE.of(across)
        return Measurement(observables, arrays, {"structure": [ctx.atoms.copy()]})

    def figures(self, record: Record, arrays: Arrays, folder: Path) -> list[Path]:
        """None: there is nothing to draw."""
        return []
