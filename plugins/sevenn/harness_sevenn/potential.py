"""The potential ``sevenn``: weights out of the wheel, and calculators made of them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ase.data import chemical_symbols

from harness.errors import HarnessError, unknown
from harness.registry.files import sha256
from harness.registry.provenance import package_versions

if TYPE_CHECKING:
    from harness_sevenn.calculator import SevennCalculator

__all__ = ["WEIGHTS", "SevennPotential", "weights_file"]

_MPTRJ = "PBE(+U) (MPtrj)"
#: Folder in the wheel, and level of theory by modal, None for weights that know one.
WEIGHTS: dict[str, tuple[str, dict[str | None, str]]] = {
    "7net-0": ("SevenNet_0__11Jul2024", {None: _MPTRJ}),
    "7net-0_22May2024": ("SevenNet_0__22May2024", {None: _MPTRJ}),
    "7net-l3i5": ("SevenNet_l3i5", {None: _MPTRJ}),
    "7net-mf-0": ("SevenNet_MF_0", {"PBE": "PBE(+U) (Materials Project)", "R2SCAN": "r2SCAN (Materials Project)"}),
}
#: Without examples in the training set.
_UNSEEN = frozenset({"Po", "At", "Rn", "Fr", "Ra"})


class SevennPotential:
    """SevenNet (Park et al., J. Chem. Theory Comput. 20, 4857 (2024)) with weights of its wheel.

    Parameters
    ----------
    weights
        One of `WEIGHTS`.
    modal
        Which of their levels of theory, for weights that know several.

    Raises
    ------
    HarnessError
        For weights or a modal that there are not.
    """

    name = "sevenn"
    implemented_properties: Sequence[str] = ("energy", "forces", "stress", "energies")
    elements: frozenset[str] | None = frozenset(chemical_symbols[1:95]) - _UNSEEN
    devices = ("cpu", "cuda")
    dtypes = ("float32",)

    def __init__(self, weights: str = "7net-0", modal: str | None = None) -> None:
        if weights not in WEIGHTS:
            raise unknown("weights of sevenn", weights, WEIGHTS)
        levels = WEIGHTS[weights][1]
        if modal not in levels:
            choices = [name for name in levels if name is not None]
            if not choices:
                raise HarnessError(f"the weights {weights} have no modal.", "Leave potential.params.modal out.")
            raise unknown(f"modal of {weights}", str(modal), choices, "Give potential.params.modal=NAME.")
        self.weights, self.modal = weights, modal

    def calculator(self, device: str = "cpu", dtype: str = "float32") -> SevennCalculator:
        """A fresh calculator."""
        from harness_sevenn.calculator import SevennCalculator

        return SevennCalculator(weights_file(self.weights), self.modal, device, dtype)

    def provenance(self) -> dict[str, Any]:
        """Weights and their hash, level of theory, versions."""
        file = weights_file(self.weights)
        return {
            "form": f"SevenNet {self.weights}" + (f", {self.modal}" if self.modal else ""),
            "level_of_theory": WEIGHTS[self.weights][1][self.modal],
            "licence": "MIT",
            "model": {"file": f"{file.parent.name}/{file.name}", "sha256": sha256(file), "executes_code": True},
            "executes_code": True,  # sevenn unpickles the file of its own wheel
            "versions": package_versions("harness-sevenn", "sevenn", "torch", "e3nn"),
        }


def weights_file(weights: str) -> Path:
    """The file in the installed package, found without importing it, so that nothing is ever downloaded.

    Raises
    ------
    HarnessError
        When the package does not hold it.
    """
    spec = find_spec("sevenn")
    places = spec.submodule_search_locations if spec is not None else None
    folder = WEIGHTS[weights][0]
    found = sorted((Path(places[0]) / "pretrained_potentials" / folder).glob("*.pth")) if places else []
    if not found:
        raise HarnessError(f"the installed sevenn does not hold {weights}.", "Install sevenn==0.13.0 anew.")
    return found[0]
