"""The potential ``mtp``: a model file, its species, and calculators made of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ase.data import atomic_numbers, chemical_symbols

from harness.errors import HarnessError, unknown
from harness.files import resolve_model, sha256
from harness_mtp import mtpfile

if TYPE_CHECKING:
    from harness_mtp.calculator import MTPCalculator

__all__ = ["ENGINES", "MTPPotential", "sidecar"]

ENGINES = ("numba", "cext")


def sidecar(model: Path) -> Path:
    """The file of facts beside a model: species, errors, settings of the fit."""
    return model.with_suffix(".json")


class MTPPotential:
    """Any ``.mtp`` of MLIP-2 or MLIP-3.

    Parameters
    ----------
    model
        The file.
    species
        Chemical symbol of each MTP type, in the file's order. None: as the facts beside the model
        (``<model>.json``, key ``species``) or its ``potential_tag`` say.
    engine
        ``numba``: the kernel of this package (the fast one); ``cext``: motep's C engine.

    Raises
    ------
    HarnessError
        When the file is not a whole trained MTP, or the species are not known.
    """

    name = "mtp"
    implemented_properties: Sequence[str] = ("energy", "forces", "stress", "energies")

    def __init__(self, model: str, species: Sequence[str] | None = None, engine: str = "numba") -> None:
        if engine not in ENGINES:
            raise unknown("engine of mtp", str(engine), ENGINES)
        self.engine = engine
        self.path = resolve_model(model, package="harness_mtp")
        self.data = mtpfile.read(self.path)
        self.facts = _facts(sidecar(self.path))
        self.species = self._species(species)
        self.data.species = [atomic_numbers[s] for s in self.species]
        self.elements: frozenset[str] | None = frozenset(self.species)

    def _species(self, given: Sequence[str] | None) -> list[str]:
        n = self.data.species_count
        mend = f"Give potential.params.species=[...] with {n} element{'s' * (n > 1)} in the order of the file."
        found = given or self.facts.get("species") or mtpfile.species_of_tag(self.data)
        if not found:
            raise HarnessError(f"'{self.path.name}' does not say which elements its {n} species are.", mend)
        symbols = [chemical_symbols[s] if isinstance(s, int) else str(s) for s in found]
        for symbol in symbols:
            if symbol not in atomic_numbers:
                raise unknown("element", symbol, chemical_symbols[1:], mend)
        if len(symbols) != n or len(set(symbols)) != n:
            raise HarnessError(f"'{self.path.name}' has {n} species, not {', '.join(symbols)}.", mend)
        return symbols

    def calculator(self, device: str = "cpu", dtype: str = "float64") -> MTPCalculator:
        """A fresh calculator; it runs on the CPU in double precision."""
        from harness_mtp.calculator import MTPCalculator
        from harness_mtp.grade import ActiveSet

        return MTPCalculator(self.data, self.engine, ActiveSet.beside(self.path))

    def provenance(self) -> dict[str, Any]:
        """Model file and hash, level of theory and errors of its fit, versions."""
        versions = {"harness-mtp": _version("harness-mtp"), "motep": _version("motep"), "numba": _version("numba"),
                    "vesin": _version("vesin")}  # fmt: skip
        return {
            "form": "moment tensor potential (Shapeev 2016)",
            "model": {"file": self.path.name, "sha256": sha256(self.path)},
            "species": self.species,
            "engine": self.engine,
            "cutoff": float(self.data.radial_basis.max),
            "level_of_theory": self.facts.get("level_of_theory"),
            "licence": self.facts.get("licence"),
            "fit": self.facts,
            "versions": versions,
        }


def _facts(path: Path) -> dict[str, Any]:
    """The facts beside a model; empty when there are none."""
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise HarnessError(f"the facts beside the model, '{path}', cannot be read: {error}.",
                           "Restore or remove the file.") from error  # fmt: skip
    return content if isinstance(content, dict) else {}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "source tree"
