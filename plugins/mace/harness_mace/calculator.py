"""ASE calculator over a MACE energy model."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from ase import Atoms
from ase.stress import full_3x3_to_voigt_6_stress

from harness.potentials.backend import torch_device, torch_state
from harness.potentials.calculator import PotentialCalculator
from harness_mace.backend import torch_dtype
from harness_mace.graph import graph

__all__ = ["MaceCalculator"]


class MaceCalculator(PotentialCalculator):
    """Energy (eV), energies per atom, forces (eV/Å), stress (eV/Å³; cells with three vectors only).

    The stress is the virial over the volume of the cell as given, also along open directions. Energies of free atoms,
    thousands of times larger than what matters, are added in double precision, so that ``float32`` keeps its digits.

    Parameters
    ----------
    model
        A MACE energy model; becomes the calculator's own.
    elements
        Chemical symbols of its types.
    device, dtype
        ``cpu`` or ``cuda``; ``float64`` or ``float32``.
    head
        Index of the readout, for models of several levels of theory.
    """

    implemented_properties = ["energy", "free_energy", "energies", "forces", "stress"]  # noqa: RUF012 (ASE's way)

    def __init__(
        self, model: Any, elements: Sequence[str], device: str = "cpu", dtype: str = "float64", head: int = 0
    ) -> None:
        super().__init__()
        self.elements, self.dtype, self.head = list(elements), dtype, head
        self.device = torch_device(device)
        table = model.atomic_energies_fn.atomic_energies
        self._free_atoms = np.atleast_2d(table.detach().cpu().double().numpy())[head].copy()
        table.zero_()
        with torch_state(torch_dtype(dtype)):
            self.model = model.to(device=self.device, dtype=torch_dtype(dtype)).eval()
        for parameter in self.model.parameters():
            parameter.requires_grad_(False)

    @property
    def cutoff(self) -> float:
        """Range of one layer of the model, Å."""
        return float(self.model.r_max)

    def _compute(self, atoms: Atoms, properties: Collection[str]) -> dict[str, Any]:
        has_volume = atoms.cell.rank == 3
        with torch_state(torch_dtype(self.dtype)):
            data = graph(atoms, self.elements, self.cutoff, self.device)
            data["head"] += self.head
            free = self._free_atoms[data["node_attrs"].argmax(dim=1).cpu().numpy()]
            out = self.model(data, compute_force=True, compute_stress=has_volume)
        energies = out["node_energy"].detach().cpu().double().numpy() + free
        found = {
            "energy": float(energies.sum()),
            "energies": energies,
            "forces": out["forces"].detach().cpu().double().numpy(),
        }
        if has_volume:
            stress = out["stress"][0].detach().cpu().double().numpy()
            found["stress"] = full_3x3_to_voigt_6_stress(stress)
        return found
