"""Models of NequIP and Allegro in NequIP's own formats: energy, forces, stress.

All three formats execute code when they are loaded: packages and checkpoints are pickles, compiled models are machine
code. They are loaded only because the user named the file.
"""

from __future__ import annotations

import sys
import warnings
import zipfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from ase import Atoms
from ase.data import atomic_numbers

from harness.errors import HarnessError
from harness.potentials.backend import torch_state
from harness.potentials.calculator import PotentialCalculator
from harness_allegro_dream import compiled
from harness_allegro_dream.guard import process_state

__all__ = ["KINDS", "ForeignCalculator", "ForeignModel", "kind_of"]

#: Endings of model files, and what they are.
KINDS = {".safetensors": "own", ".nequip.zip": "package", ".ckpt": "checkpoint", ".nequip.pt2": "compiled"}


def kind_of(path: Path) -> str:
    """What a model file is, by its name.

    Raises
    ------
    HarnessError
        For any other ending, and for an archive that is not whole.
    """
    for ending, kind in KINDS.items():
        if path.name.endswith(ending):
            if kind != "own" and not zipfile.is_zipfile(path):
                raise HarnessError(f"'{path.name}' is not a whole {kind} file of NequIP.", "Make or copy it again.")
            return kind
    hint = f"It takes {', '.join(KINDS)}."
    if path.name.endswith(".pth"):
        hint += " TorchScript is gone from torch 2.10 on: compile the checkpoint with `nequip-compile` again."
    raise HarnessError(f"'{path.name}' is no model that allegro_dream can run.", hint)


class ForeignModel:
    """A package, checkpoint or compiled model.

    Parameters
    ----------
    species
        Chemical symbol -> type name of the model; empty when the type names are the symbols.
    """

    def __init__(self, path: Path, kind: str, species: Mapping[str, str]) -> None:
        self.path, self.kind, self.species = path, kind, dict(species)
        for symbol in self.species:
            if symbol not in atomic_numbers:
                raise HarnessError(f"potential.params.species names '{symbol}', which is no element.",
                                   "Give {symbol: type}.")  # fmt: skip
        self.elements = frozenset(self.species) or None

    def calculator(self, device: str, engine: str) -> ForeignCalculator:
        """A fresh calculator.

        Raises
        ------
        HarnessError
            When nequip cannot load the file.
        """
        from nequip.integrations.ase import NequIPCalculator

        load: Callable[..., Any] = NequIPCalculator.from_compiled_model
        path: Path | None = self.path
        if self.kind != "compiled":
            path = self._compiled(device, engine == "compiled") if engine != "eager" else None
            if path is None:
                load, path = NequIPCalculator._from_saved_model, self.path
        try:
            with process_state(torch.float64), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                inner = load(str(path), device=device, chemical_species_to_atom_type_map=self.species or True)
        except Exception as error:  # whatever a pickle or a loader throws
            reason = " ".join(str(error).split())[:300]
            raise HarnessError(f"nequip cannot load '{self.path.name}': {type(error).__name__}: {reason}",
                               "It has to come from nequip 0.7 or newer, with type names that are elements "
                               "(else give potential.params.species).") from error  # fmt: skip
        return ForeignCalculator(inner, self.path.name)

    def _compiled(self, device: str, make: bool) -> Path | None:
        """The model compiled for ASE from the cache, or made now; None where neither is."""

        def command(out: Path) -> list[str]:
            return [sys.executable, "-m", "nequip.scripts.compile", str(self.path), str(out), "--mode", "aotinductor",
                    "--target", "ase", "--device", device]  # fmt: skip

        entry = compiled.cache_entry(self.path, "ase", device, "own", ".nequip.pt2")
        return entry if entry.is_file() or (make and compiled.ensure(entry, command)) else None


class ForeignCalculator(PotentialCalculator):
    """NequIP's calculator with torch's global state kept as it was, and errors in one line."""

    implemented_properties = ["energy", "free_energy", "energies", "forces", "stress"]  # noqa: RUF012 (ASE's way)

    def __init__(self, inner: Any, file: str) -> None:
        super().__init__()
        self.inner, self.file = inner, file

    def _compute(self, atoms: Atoms, properties: Collection[str]) -> dict[str, Any]:
        try:
            with torch_state(torch.float64):  # a compiled model returns nan under float32
                self.inner.calculate(atoms, list(properties))
        except KeyError as error:
            hint = "Choose a material of its elements, or give potential.params.species."
            raise HarnessError(f"the model '{self.file}' does not know {error}.", hint) from error
        found = {k: float(v) if k.endswith("energy") else v for k, v in self.inner.results.items()}
        if atoms.cell.rank < 3:
            found.pop("stress", None)
        return found
