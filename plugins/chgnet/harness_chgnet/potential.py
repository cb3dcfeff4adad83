"""The potential ``chgnet``: weights out of the wheel, and calculators made of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import unknown_choice
from harness.potentials.universal import UniversalPotential, file_in_package

if TYPE_CHECKING:
    from harness_chgnet.calculator import ChgnetCalculator

__all__ = ["LEVELS", "ChgnetPotential"]

#: What the labels of each set of weights were calculated with, as chgnet's documentation says.
LEVELS = {
    "0.3.0": "PBE(+U) (MPtrj)",
    "0.2.0": "PBE(+U) (MPtrj)",
    "r2scan": "r2SCAN (MP-r2SCAN)",
}


class ChgnetPotential(UniversalPotential):
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
    implemented_properties = ("energy", "forces", "stress", "magmoms")
    dtypes = ("float64", "float32")
    licence = "BSD-3-Clause"
    executes_code = False
    packages = ("harness-chgnet", "chgnet", "torch")

    def __init__(self, weights: str = "0.3.0") -> None:
        if str(weights) not in LEVELS:
            raise unknown_choice("weights of chgnet", str(weights), LEVELS)
        self.weights = str(weights)

    @property
    def file(self) -> Path:
        """The file of weights in the wheel."""
        return file_in_package("chgnet", f"pretrained/{self.weights}/*.tar")

    @property
    def form(self) -> str:
        """The network and its weights."""
        return f"CHGNet {self.weights}"

    @property
    def level_of_theory(self) -> str:
        """That of the training set."""
        return LEVELS[self.weights]

    def calculator(self, device: str = "cpu", dtype: str = "float64") -> ChgnetCalculator:
        """A fresh calculator."""
        from harness_chgnet.calculator import ChgnetCalculator

        return ChgnetCalculator(self.file, self.weights, device, dtype)
