"""The potential ``chgnet``: weights out of the wheel, and calculators made of them."""

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
    from harness_chgnet.calculator import ChgnetCalculator

__all__ = ["LEVELS", "ChgnetPotential", "weights_file"]

#: What the labels of each set of weights were calculated with, as chgnet's documentation says.
LEVELS = {
    "0.3.0": "PBE(+U) (MPtrj)",
    "0.2.0": "PBE(+U) (MPtrj)",
    "r2scan": "r2SCAN (MP-r2SCAN)",
}
#: Without examples in the training set.
_UNSEEN = frozenset({"Po", "At", "Rn", "Fr", "Ra"})


class ChgnetPotential:
    """CHGNet (Deng et al., Nature Machine Intelligence 5, 1031 (2023)) with the weights of its wheel.

    Parameters
    ----------
    weights
        ``0.3.0``, ``0.2.0`` or ``r2scan``.

    Raises
    ------
    HarnessError
        For weights that the wheel does not have.
    """

    name = "chgnet"
    implemented_properties: Sequence[str] = ("energy", "forces", "stress", "magmoms")
    elements: frozenset[str] | None = frozenset(chemical_symbols[1:95]) - _UNSEEN
    devices = ("cpu", "cuda")
    dtypes = ("float64", "float32")

    def __init__(self, weights: str = "0.3.0") -> None:
        if str(weights) not in LEVELS:
            raise unknown("weights of chgnet", str(weights), LEVELS)
        self.weights = str(weights)

    def calculator(self, device: str = "cpu", dtype: str = "float64") -> ChgnetCalculator:
        """A fresh calculator."""
        from harness_chgnet.calculator import ChgnetCalculator

        return ChgnetCalculator(self.weights, device, dtype)

    def provenance(self) -> dict[str, Any]:
        """Weights and their hash, level of theory, versions."""
        file = weights_file(self.weights)
        return {
            "form": f"CHGNet {self.weights}",
            "level_of_theory": LEVELS[self.weights],
            "licence": "BSD-3-Clause",
            "model": {"file": file.name, "sha256": sha256(file), "executes_code": False},
            "versions": package_versions("harness-chgnet", "chgnet", "torch"),
        }


def weights_file(weights: str) -> Path:
    """The file in the installed package, found without importing it.

    Raises
    ------
    HarnessError
        When the package does not hold it.
    """
    spec = find_spec("chgnet")
    places = spec.submodule_search_locations if spec is not None else None
    found = sorted((Path(places[0]) / "pretrained" / weights).glob("*.tar")) if places else []
    if not found:
        raise HarnessError(f"the installed chgnet does not hold its weights {weights}.", "Install chgnet==0.4.2 anew.")
    return found[0]
