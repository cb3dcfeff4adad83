"""ASE calculator over SevenNet that leaves torch as it was and gives a stress where there is a volume."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from harness.errors import HarnessError
from harness.potentials.backend import quiet, torch_device, torch_state
from harness.potentials.calculator import PotentialCalculator

__all__ = ["SevennCalculator"]


class SevennCalculator(PotentialCalculator):
    """Energy (eV), energies per atom, forces (eV/Å), stress (eV/Å³; cells with three vectors only).

    Parameters
    ----------
    file
        The checkpoint.
    modal
        Level of theory, for checkpoints that know several.
    device, dtype
        ``cpu`` or ``cuda``; ``float32`` only.
    """

    implemented_properties = ["energy", "free_energy", "energies", "forces", "stress"]  # noqa: RUF012 (ASE's way)

    def __init__(self, file: Path, modal: str | None = None, device: str = "cpu", dtype: str = "float32") -> None:
        super().__init__()
        place = torch_device(device)
        if dtype != "float32":
            raise HarnessError(f"SevenNet computes in float32, not {dtype}.", "Give device.dtype=float32.")
        with _state():
            from sevenn.calculator import SevenNetCalculator

            self.inner = SevenNetCalculator(model=str(file), modal=modal, device=place)

    def _compute(self, atoms: Atoms, properties: Collection[str]) -> dict[str, Any]:
        with _state():
            self.inner.calculate(atoms)
        out: dict[str, Any] = self.inner.results
        found = {
            "energy": float(out["energy"]),
            "energies": np.asarray(out["energies"], dtype=float),
            "forces": np.asarray(out["forces"], dtype=float),
        }
        if atoms.cell.rank == 3:
            found["stress"] = np.asarray(out["stress"], dtype=float)
        return found


@contextmanager
def _state() -> Iterator[None]:
    """Single precision as torch's default for a block; sevenn's warnings and printing kept away."""
    import torch

    with torch_state(torch.float32), quiet():
        yield
