"""Local polarization of a moiré bilayer: maps, winding numbers, response to field and mismatch.

docs/tasks/polarization_pattern.md has the definitions.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from ase import Atoms

from harness.contracts.material import Material, Need
from harness.contracts.measurement import Arrays, Measurement
from harness.contracts.observable import Observable
from harness.contracts.record import Record
from harness.contracts.task import Context
from harness_tasks.moire.cells import twisted
from harness_tasks.polarization_pattern.observables import OBSERVABLES
from harness_tasks.polarization_pattern.params import PatternParams
from harness_tasks.polarization_pattern.protocol import PatternProtocol


class PolarizationPattern:
    """Polarization of a moiré bilayer, place by place, and how often it wraps the sphere."""

    name: ClassVar[str] = "polarization_pattern"
    version: ClassVar[int] = 1
    requires: ClassVar[frozenset[str]] = frozenset({"energy", "forces", "dipole"})
    needs: ClassVar[frozenset[Need]] = frozenset({Need.TWO_LAYERS, Need.HONEYCOMB_LAYERS})
    Params: ClassVar[type] = PatternParams
    observables: ClassVar[tuple[Observable, ...]] = OBSERVABLES

    def structure(self, material: Material, params: PatternParams) -> Atoms:
        """The rigid twisted cell."""
        return twisted(material, params.n).atoms

    def measure(self, ctx: Context) -> Measurement:
        """Structure by structure; a pattern that is finished stays in the checkpoint."""
        return PatternProtocol(ctx).measure()

    def figures(self, record: Record, arrays: Arrays, folder: Path) -> list[Path]:
        """The maps."""
        from harness_tasks.polarization_pattern.figures import draw

        return draw(record, arrays, folder)
