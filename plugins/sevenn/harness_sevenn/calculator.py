"""ASE calculator over SevenNet that leaves torch as it was and gives a stress where there is a volume."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes

from harness.errors import HarnessError

__all__ = ["SevennCalculator"]


class SevennCalculator(Calculator):
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
        import torch

        if device == "cuda" and not torch.cuda.is_available():
            raise HarnessError("torch finds no CUDA device here.", "Give device=cpu, or install torch for CUDA.")
        if dtype != "float32":
            raise HarnessError(f"SevenNet computes in float32, not {dtype}.", "Give device.dtype=float32.")
        with _quietly():
            from sevenn.calculator import SevenNetCalculator

            self.inner = SevenNetCalculator(model=str(file), modal=modal, device=device)

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        """ASE's interface; called when something changed."""
        super().calculate(atoms, properties, system_changes)
        atoms = self.atoms
        with _quietly():
            self.inner.calculate(atoms)
        out: dict[str, Any] = self.inner.results
        self.results = {
            "energy": float(out["energy"]),
            "free_energy": float(out["energy"]),
            "energies": np.asarray(out["energies"], dtype=float),
            "forces": np.asarray(out["forces"], dtype=float),
        }
        if atoms.cell.rank == 3:
            self.results["stress"] = np.asarray(out["stress"], dtype=float)


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Single precision as torch's default for a block; sevenn's warnings and printing kept away."""
    import torch

    kept = torch.get_default_dtype()
    with torch.random.fork_rng(devices=[]):
        torch.set_default_dtype(torch.float32)
        try:
            with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        finally:
            torch.set_default_dtype(kept)
