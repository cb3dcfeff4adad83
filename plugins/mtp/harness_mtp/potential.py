"""The potential ``mtp``: a model file, its species, and calculators made of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ase.data import atomic_numbers, chemical_symbols

from harness.errors import HarnessError, unknown_choice
from harness.registry.files import resolve_model, sha256
from harness.registry.provenance import facts_beside, package_versions
from harness_mtp import mtpfile

if TYPE_CHECKING:
    from harness_mtp.calculator import MTPCalculator

__all__ = ["ENGINES", "MTPPotential"]

ENGINES = ("numba", "cext")


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
            raise unknown_choice("engine of mtp", str(engine), ENGINES)
        self.kernel = engine
        self.path = resolve_model(model, package="harness_mtp")
        self.data = mtpfile.read(self.path)
        self.facts = facts_beside(self.path)
        self.species = self._species(species)
        self.data.species = [atomic_numbers[s] for s in self.species]
        self.elements: frozenset[str] | None = frozenset(self.species)

    def _species(self, given: Sequence[str] | None) -> list[str]:
        n = self.data.species_count
        hint = f"Give potential.params.species=[...] with {n} element{'s' * (n > 1)} in the order of the file."
        found = given or self.facts.get("species") or mtpfile.species_of_tag(self.data)
        if not found:
            raise HarnessError(f"'{self.path.name}' does not say which elements its {n} species are.", hint)
        symbols = [chemical_symbols[s] if isinstance(s, int) else str(s) for s in found]
        for symbol in symbols:
            if symbol not in atomic_numbers:
                raise unknown_choice("element", symbol, chemical_symbols[1:], hint)
        if len(symbols) != n or len(set(symbols)) != n:
            raise HarnessError(f"'{self.path.name}' has {n} species, not {', '.join(symbols)}.", hint)
        return symbols

    def calculator(self, device: str = "cpu", dtype: str = "float64") -> MTPCalculator:
        """A fresh calculator; it runs on the CPU in double precision."""
        from harness_mtp.calculator import MTPCalculator
        from harness_mtp.grade import ActiveSet

        return MTPCalculator(self.data, self.kernel, ActiveSet.beside(self.path))

    def provenance(self) -> dict[str, Any]:
        """Model file and hash, level of theory and errors of its fit, versions."""
        return {
            "form": "moment tensor potential (Shapeev 2016)",
            "model": {"file": self.path.name, "sha256": sha256(self.path)},
            "species": self.species,
            "engine": self.kernel,
            "cutoff": float(self.data.radial_basis.max),
            "level_of_theory": self.facts.get("level_of_theory"),
            "licence": self.facts.get("licence"),
            "fit": self.facts,
            "versions": package_versions("harness-mtp", "motep", "numba", "vesin"),
        }
