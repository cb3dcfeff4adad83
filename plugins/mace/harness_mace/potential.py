"""The potential ``mace``: a model file, and calculators made of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, unknown_choice
from harness.registry.files import resolve_model, sha256
from harness.registry.provenance import facts_beside
from harness_mace.backend import DTYPES, versions
from harness_mace.modelfile import executes_code, load, read_architecture

if TYPE_CHECKING:
    from harness_mace.calculator import MaceCalculator

__all__ = ["MacePotential", "file_provenance"]


class MacePotential:
    """A MACE energy model.

    Parameters
    ----------
    model
        A ``.mace`` file, or a ``.model`` of mace, which is a pickle: loading it runs whatever code it contains.
    head
        Which of a model's levels of theory; None for the only one.

    Raises
    ------
    HarnessError
        When the file is no whole MACE model of energies.
    """

    name = "mace"
    implemented_properties: Sequence[str] = ("energy", "forces", "stress", "energies")
    devices = ("cpu", "cuda")
    dtypes = DTYPES

    def __init__(self, model: str, head: str | None = None) -> None:
        self.path = resolve_model(model, package="harness_mace")
        self.facts = facts_beside(self.path)
        self.head = 0
        if executes_code(self.path):
            found, elements = load(self.path)
            self.head = _head(found, head, self.path.name)
            energetic = hasattr(found, "atomic_energies_fn")
            self.form = type(found).__name__
        else:
            architecture = read_architecture(self.path)
            elements, energetic = list(architecture.elements), architecture.kind == "energy"
            self.form = "ScaleShiftMACE"
        if not energetic:
            raise HarnessError(f"'{self.path.name}' is a MACE dipole model and has no energy.",
                               "Give it as polarization=mace_dipole polarization.params.model=FILE.")  # fmt: skip
        self.elements: frozenset[str] | None = frozenset(elements)

    def calculator(self, device: str = "cpu", dtype: str = "float64") -> MaceCalculator:
        """A fresh calculator."""
        from harness_mace.calculator import MaceCalculator

        model, elements = load(self.path)
        return MaceCalculator(model, elements, device, dtype, self.head)

    def provenance(self) -> dict[str, Any]:
        """Model file and hash, level of theory and errors of its fit, versions."""
        return {"form": f"MACE ({self.form})"} | file_provenance(self.path, self.facts)


def file_provenance(path: Path, known: dict[str, Any]) -> dict[str, Any]:
    """What is the same for energy and dipole models."""
    return {
        "model": {"file": path.name, "sha256": sha256(path), "executes_code": executes_code(path)},
        "executes_code": executes_code(path),
        "level_of_theory": known.get("level_of_theory"),
        "licence": known.get("licence"),
        "fit": known,
        "versions": versions(),
    }


def _head(model: Any, wanted: str | None, file: str) -> int:
    """Index of a readout by its name."""
    heads = [str(head) for head in getattr(model, "heads", None) or ["Default"]]
    if wanted is None and len(heads) > 1:
        raise HarnessError(f"'{file}' has the heads {', '.join(heads)}.", "Give potential.params.head=NAME.")
    if wanted is not None and wanted not in heads:
        raise unknown_choice("head", wanted, heads)
    return heads.index(wanted) if wanted is not None else 0
