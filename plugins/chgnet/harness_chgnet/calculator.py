"""ASE calculator over CHGNet, for any combination of periodic directions."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.stress import full_3x3_to_voigt_6_stress
from ase.units import GPa

from harness.potentials.backend import quiet, torch_device, torch_state
from harness.potentials.calculator import PotentialCalculator

__all__ = ["ChgnetCalculator", "enclosed"]

#: Å between images along open directions: beyond CHGNet's ranges of 6 Å (pairs) and 3 Å (angles).
_CLEARANCE = 13.0


def enclosed(atoms: Atoms) -> Atoms:
    """A copy that is periodic everywhere, with images along open directions out of reach of each other.

    CHGNet takes every cell as periodic in three directions, whatever `pbc` says.
    """
    box = atoms.copy()
    for axis in np.flatnonzero(~atoms.pbc):
        others = [box.cell[k] for k in range(3) if k != axis]
        normal = np.cross(*others) if all(v.any() for v in others) else np.eye(3)[axis]
        normal = normal / np.linalg.norm(normal)
        box.cell[axis] = normal * (np.ptp(box.positions @ normal) + _CLEARANCE)
    box.pbc = True
    return box


class ChgnetCalculator(PotentialCalculator):
    """Energy (eV), forces (eV/Å), stress (eV/Å³, over the cell as given), magnetic moments (μ_B).

    Parameters
    ----------
    file
        The weights.
    version
        Their name in chgnet.
    device, dtype
        ``cpu`` or ``cuda``; ``float32``, in which the weights were trained, or ``float64``.
    """

    implemented_properties = ["energy", "free_energy", "forces", "stress", "magmoms"]  # noqa: RUF012 (ASE's way)

    def __init__(self, file: Path, version: str, device: str = "cpu", dtype: str = "float64") -> None:
        super().__init__()
        self.dtype = dtype
        place = torch_device(device)
        with _state(dtype):
            import torch
            from chgnet.model import CHGNet

            # chgnet's own loader would unpickle whatever is there
            state = torch.load(file, map_location="cpu", weights_only=True)
            self.model = CHGNet.from_dict(state["model"], mlp_out_bias=version == "0.2.0", version=version)
            number = torch.get_default_dtype()
            self.model = self.model.to(place).to(number)
            # chgnet makes this layer's input single precision
            self.model.composition_model.fc.register_forward_pre_hook(lambda _, given: (given[0].to(number),))
            self.model.graph_converter.set_isolated_atom_response("ignore")

    def _compute(self, atoms: Atoms, properties: Collection[str]) -> dict[str, Any]:
        box = enclosed(atoms)
        with _state(self.dtype):
            from pymatgen.io.ase import AseAtomsAdaptor

            out = self.model.predict_structure(AseAtomsAdaptor.get_structure(box))
        found = {
            "energy": float(out["e"]) * len(atoms),
            "forces": np.asarray(out["f"], dtype=float),
            "magmoms": np.asarray(out["m"], dtype=float),
        }
        if atoms.cell.rank == 3:
            stress = np.asarray(out["s"], dtype=float) * GPa * (box.get_volume() / atoms.get_volume())
            found["stress"] = full_3x3_to_voigt_6_stress(stress)
        return found


@contextmanager
def _state(dtype: str) -> Iterator[None]:
    """A block in one number type, for torch and for chgnet, without chgnet's printing on standard output."""
    import torch

    number = getattr(torch, dtype)
    modules: list[Any] = [import_module(f"chgnet.{name}") for name in ("graph.converter", "model.model")]
    types = [module.TORCH_DTYPE for module in modules]  # fixed there: float32
    try:
        for module in modules:
            module.TORCH_DTYPE = number
        with torch_state(number), quiet():
            yield
    finally:
        for module, own in zip(modules, types, strict=True):
            module.TORCH_DTYPE = own
