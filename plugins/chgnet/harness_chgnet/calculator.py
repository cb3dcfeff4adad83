"""ASE calculator over CHGNet, for any combination of periodic directions."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.stress import full_3x3_to_voigt_6_stress
from ase.units import GPa

from harness.errors import HarnessError
from harness_chgnet.potential import weights_file

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


class ChgnetCalculator(Calculator):
    """Energy (eV), forces (eV/Å), stress (eV/Å³, over the cell as given), magnetic moments (μ_B).

    Parameters
    ----------
    weights
        Name of the weights in the wheel.
    device, dtype
        ``cpu`` or ``cuda``; ``float32``, in which the weights were trained, or ``float64``.
    """

    implemented_properties = ["energy", "free_energy", "forces", "stress", "magmoms"]  # noqa: RUF012 (ASE's way)

    def __init__(self, weights: str, device: str = "cpu", dtype: str = "float64") -> None:
        super().__init__()
        self.dtype = dtype
        import torch

        if device == "cuda" and not torch.cuda.is_available():
            raise HarnessError("torch finds no CUDA device here.", "Give device=cpu, or install torch for CUDA.")
        with _quietly(dtype):
            from chgnet.model import CHGNet

            # chgnet's own loader would unpickle whatever is there
            state = torch.load(weights_file(weights), map_location="cpu", weights_only=True)
            self.model = CHGNet.from_dict(state["model"], mlp_out_bias=weights == "0.2.0", version=weights).to(device)
            number = _number(dtype)
            self.model = self.model.to(number)
            # chgnet makes this layer's input single precision
            self.model.composition_model.fc.register_forward_pre_hook(lambda _, given: (given[0].to(number),))
            self.model.graph_converter.set_isolated_atom_response("ignore")

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        """ASE's interface; called when something changed."""
        super().calculate(atoms, properties, system_changes)
        atoms = self.atoms
        box = enclosed(atoms)
        with _quietly(self.dtype):
            from pymatgen.io.ase import AseAtomsAdaptor

            out = self.model.predict_structure(AseAtomsAdaptor.get_structure(box))
        energy = float(out["e"]) * len(atoms)
        self.results = {
            "energy": energy,
            "free_energy": energy,
            "forces": np.asarray(out["f"], dtype=float),
            "magmoms": np.asarray(out["m"], dtype=float),
        }
        if atoms.cell.rank == 3:
            stress = np.asarray(out["s"], dtype=float) * GPa * (box.get_volume() / atoms.get_volume())
            self.results["stress"] = full_3x3_to_voigt_6_stress(stress)


def _number(dtype: str) -> Any:
    import torch

    return {"float32": torch.float32, "float64": torch.float64}[dtype]


@contextlib.contextmanager
def _quietly(dtype: str) -> Iterator[None]:
    """A block in one number type, for torch and for chgnet, without chgnet's printing on standard output."""
    import torch

    number, kept = _number(dtype), torch.get_default_dtype()
    modules = [import_module(f"chgnet.{name}") for name in ("graph.converter", "model.model")]
    types = [module.TORCH_DTYPE for module in modules]  # fixed there: float32
    try:
        torch.set_default_dtype(number)
        for module in modules:
            module.TORCH_DTYPE = number
        with (
            torch.random.fork_rng(devices=[]),  # random weights are drawn before those of the file replace them
            contextlib.redirect_stdout(io.StringIO()),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.set_default_dtype(kept)
        for module, own in zip(modules, types, strict=True):
            module.TORCH_DTYPE = own
