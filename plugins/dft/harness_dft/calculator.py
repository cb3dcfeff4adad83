"""The DFT level as an ASE calculator."""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from harness.potentials.calculator import PotentialCalculator
from harness_dft.dispersion import dispersion
from harness_dft.ground_state import ground_state
from harness_dft.settings import Settings


class DFTCalculator(PotentialCalculator):
    """Energy, forces and stress by pw.x, one self-consistent run for each structure.

    Point symmetry spares k-points: AB takes 11 s of a processor instead of 27, with the same energy to 1e-9 eV.

    ``stress`` refers to the volume of the cell of `atoms`; times the cell height it is the sheet stress. The height
    of the cell in which pw.x works is chosen by `Settings.height` and does not matter to the result.

    Parameters
    ----------
    settings
        The level of theory.
    dispersion
        ``"d3bj"`` or ``"none"``.
    scratch
        Folder for the runs; the system's own when None. Each run is removed when it ends.
    """

    implemented_properties = ["energy", "forces", "stress"]  # noqa: RUF012

    def __init__(self, settings: Settings, dispersion: str = "d3bj", scratch: str | None = None) -> None:
        super().__init__()
        self.settings = settings
        self.dispersion = dispersion
        self.scratch = scratch

    def _compute(self, atoms: Atoms, properties: Collection[str]) -> dict[str, Any]:
        """All three properties, which pw.x always gives.

        Raises
        ------
        HarnessError
            When a program or data set is missing, or the structure is not a closed-shell sheet.
        RuntimeError
            When pw.x does not converge.
        """
        with tempfile.TemporaryDirectory(prefix="pw-", dir=self.scratch) as work:
            state = ground_state(atoms, self.settings, Path(work), symmetry=True)
        # A cell without a third vector has no volume to refer a stress to; then that of the calculation is meant.
        own = float(np.abs(atoms.cell[2, 2]))
        height = own if own > 0 else float(state.sheet.cell[2, 2])
        sheet = state.sheet.copy()
        sheet.cell[2] = (0.0, 0.0, height)
        energy, forces, stress = dispersion(sheet, self.dispersion)
        return {
            "energy": state.energy + energy,
            "forces": state.forces + forces,
            "stress": state.sheet_stress / height + stress,
        }
