"""The polarization model ``mace_dipole``: a MACE model of atomic dipoles, and Born charges as its derivative."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ase import Atoms
from ase.units import Debye

from harness.contracts.measurement import Arrays
from harness.errors import HarnessError, unknown_choice
from harness.potentials.backend import torch_device, torch_state
from harness.registry.files import resolve_model
from harness.registry.provenance import facts_beside
from harness_mace.backend import torch_dtype
from harness_mace.graph import graph
from harness_mace.modelfile import executes_code, load
from harness_mace.potential import file_provenance

__all__ = ["UNITS", "MaceDipole", "gradients"]

#: e Å in the unit of a model's dipoles.
UNITS = {"eA": 1.0, "debye": Debye}


def gradients(dipole: Any, positions: Any, keep: bool = False) -> Any:
    """Derivatives of total dipoles, (graphs, 3), by positions, (N, 3): shape (N, 3, 3), dipole first.

    Parameters
    ----------
    keep
        Whether the result can be differentiated again, as a fit to Born charges has to.
    """
    import torch

    # atoms of one graph do not reach another, so the sum over graphs mixes nothing
    rows = [
        torch.autograd.grad(dipole[:, a].sum(), positions, retain_graph=True, create_graph=keep)[0] for a in range(3)
    ]
    return torch.stack(rows, dim=1)


class MaceDipole:
    """Dipoles p_i of the atoms from their surroundings, their sum, and Born charges Z_i = dP/dr_i by autograd.

    P depends on differences of positions only, so the Born charges of all atoms add up to zero. There are no charges
    in it: P is free of the branches of a polarization, and independent of the origin.

    Parameters
    ----------
    model
        A ``.mace`` file, or a ``.model`` of mace, which is a pickle: loading it runs whatever code it contains.
    unit
        Of the model's dipoles: ``eA``, ``debye`` (mace's own). None: ``eA`` for ``.mace``, ``debye`` for ``.model``.
    device, dtype
        ``cpu`` or ``cuda``; ``float64`` or ``float32``.

    Raises
    ------
    HarnessError
        When the file is no whole MACE model of dipoles.
    """

    name = "mace_dipole"
    implemented_properties: Sequence[str] = ("dipole", "atomic_dipoles", "born_effective_charges", "energy", "forces")

    def __init__(self, model: str, unit: str | None = None, device: str = "cpu", dtype: str = "float64") -> None:
        self.path = resolve_model(model, package="harness_mace")
        if unit is not None and unit not in UNITS:
            raise unknown_choice("unit of a dipole", unit, UNITS)
        self.unit = unit or ("debye" if executes_code(self.path) else "eA")
        self.dtype, self.device = dtype, torch_device(device)
        self.facts = facts_beside(self.path)
        found, elements = load(self.path)
        if type(found).__name__ != "AtomicDipolesMACE":
            raise HarnessError(f"'{self.path.name}' is a {type(found).__name__}, not a MACE model of atomic dipoles.",
                               "Give the file of an AtomicDipolesMACE.")  # fmt: skip
        self._types = elements
        self.elements: frozenset[str] | None = frozenset(elements)
        self._model = found.to(device=self.device, dtype=torch_dtype(dtype)).eval()
        for parameter in self._model.parameters():
            parameter.requires_grad_(False)

    def calculate(self, atoms: Atoms, properties: Sequence[str], field: Sequence[float] = (0.0, 0.0, 0.0)) -> Arrays:
        """The named properties of `atoms`.

        ``energy`` and ``forces`` are what `field` (V/Å) adds to first order: -P·E, and Σ_a E_a Z[i, a, :].

        Raises
        ------
        HarnessError
            For a property that there is not.
        """
        for name in properties:
            if name not in self.implemented_properties:
                raise unknown_choice("property of mace_dipole", name, self.implemented_properties)
        vector = np.asarray(field, dtype=float)
        scale = UNITS[self.unit]
        with torch_state(torch_dtype(self.dtype)):
            data = graph(atoms, self._types, float(self._model.r_max), self.device)
            out = self._model(data)
            values: Arrays = {
                "dipole": scale * out["dipole"][0].detach().cpu().double().numpy(),
                "atomic_dipoles": scale * out["atomic_dipoles"].detach().cpu().double().numpy(),
            }
            if not {"born_effective_charges", "forces"}.isdisjoint(properties):
                born = gradients(out["dipole"], data["positions"]).cpu().double().numpy()
                values["born_effective_charges"] = scale * born
                values["forces"] = np.einsum("a,iab->ib", vector, values["born_effective_charges"])
        values["energy"] = np.asarray(-(values["dipole"] @ vector))
        return {name: values[name] for name in properties}

    def provenance(self) -> dict[str, Any]:
        """Model file and hash, level of theory and errors of its fit, versions."""
        return {"form": "MACE (AtomicDipolesMACE)", "unit": self.unit} | file_provenance(self.path, self.facts)
