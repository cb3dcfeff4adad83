"""The potential ``allegro_dream``: a model file, what it knows, and calculators made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, unknown_choice
from harness.registry.files import resolve_model, sha256
from harness.registry.provenance import facts_beside, package_versions

if TYPE_CHECKING:
    from ase.calculators.calculator import BaseCalculator

__all__ = ["AllegroDreamPotential"]


class AllegroDreamPotential:
    """A model of this plugin, with polarization; or any model of NequIP or Allegro, without.

    Parameters
    ----------
    model
        ``.safetensors`` of this plugin's fit, or NequIP's ``.nequip.zip`` (package), ``.ckpt`` (checkpoint) or
        ``.nequip.pt2`` (compiled).
    engine
        ``compiled``: by AOTInductor at the first use, kept in the cache folder; without a compiler uncompiled, with a
        warning. ``eager``: uncompiled. ``auto``: compiled when it is in the cache already, or as soon as the run has
        cost about as much as a compilation does.
    species
        For models of NequIP whose type names are not chemical symbols: symbol -> type name.

    Raises
    ------
    HarnessError
        When the file is of no such kind.
    """

    name = "allegro_dream"
    devices: Sequence[str] = ("cpu", "cuda")

    def __init__(self, model: str, engine: str = "auto", species: Mapping[str, str] | None = None) -> None:
        from harness_allegro_dream import foreign, modelfile
        from harness_allegro_dream.calculator import ENGINES

        if engine not in ENGINES:
            raise unknown_choice("engine of allegro_dream", str(engine), ENGINES)
        self.kernel = engine
        self.path = resolve_model(model, package="harness_allegro_dream")
        self.kind = foreign.kind_of(self.path)
        self.facts = facts_beside(self.path)
        self.dtypes: Sequence[str] = ("float64", "float32") if self.kind == "own" else ("float64",)
        self.implemented_properties: Sequence[str] = ("energy", "forces", "stress", "energies")
        if self.kind == "own":
            if species:
                raise HarnessError("potential.params.species is for models of NequIP; this one names its elements.",
                                   "Leave it out.")  # fmt: skip
            self.hyper = modelfile.header(self.path)
            self.elements: frozenset[str] | None = frozenset(self.hyper.type_names)
            self.implemented_properties += ("dipole", "atomic_dipoles", "born_effective_charges")
        else:
            self.foreign = foreign.ForeignModel(self.path, self.kind, dict(species or {}))
            self.elements = self.foreign.elements

    def calculator(self, device: str = "cpu", dtype: str = "float64") -> BaseCalculator:
        """A fresh calculator. Models of NequIP keep the number type that they were made with."""
        if self.kind != "own":
            return self.foreign.calculator(device, self.kernel)
        from harness_allegro_dream.calculator import AllegroDreamCalculator

        return AllegroDreamCalculator(self.path, self.hyper, device, dtype, self.kernel)

    def provenance(self) -> dict[str, Any]:
        """Model file and hash, level of theory and errors of its fit, versions."""
        from harness_allegro_dream.compiled import compiler

        own = self.kind == "own"
        form = "Allegro with a polarization head" if own else f"model of NequIP or Allegro ({self.kind})"
        return {
            "form": form,
            "model": {"file": self.path.name, "sha256": sha256(self.path)},
            "engine": self.kernel if compiler() or self.kind == "compiled" else "eager (there is no C++ compiler)",
            "executes_code": not own,
            **({"hyperparameters": self.hyper.as_dict()} if own else {}),
            "level_of_theory": self.facts.get("level_of_theory"),
            "licence": self.facts.get("licence"),
            "fit": self.facts,
            "versions": package_versions("harness-allegro-dream", "torch", "nequip", "nequip-allegro", "e3nn"),
        }  # fmt: skip
