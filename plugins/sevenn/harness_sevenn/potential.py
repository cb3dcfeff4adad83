"""The potential ``sevenn``: weights out of the wheel, and calculators made of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import HarnessError, unknown_choice
from harness.potentials.universal import UniversalPotential, file_in_package

if TYPE_CHECKING:
    from harness_sevenn.calculator import SevennCalculator

__all__ = ["WEIGHTS", "SevennPotential"]

_MPTRJ = "PBE(+U) (MPtrj)"
#: Folder in the wheel, and level of theory by modal, None for weights that know one.
WEIGHTS: dict[str, tuple[str, dict[str | None, str]]] = {
    "7net-0": ("SevenNet_0__11Jul2024", {None: _MPTRJ}),
    "7net-0_22May2024": ("SevenNet_0__22May2024", {None: _MPTRJ}),
    "7net-l3i5": ("SevenNet_l3i5", {None: _MPTRJ}),
    "7net-mf-0": ("SevenNet_MF_0", {"PBE": "PBE(+U) (Materials Project)", "R2SCAN": "r2SCAN (Materials Project)"}),
}


class SevennPotential(UniversalPotential):
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
    implemented_properties = ("energy", "forces", "stress", "energies")
    dtypes = ("float32",)
    licence = "MIT"
    executes_code = True  # sevenn unpickles the file of its own wheel
    packages = ("harness-sevenn", "sevenn", "torch", "e3nn")

    def __init__(self, weights: str = "7net-0", modal: str | None = None) -> None:
        if weights not in WEIGHTS:
            raise unknown_choice("weights of sevenn", weights, WEIGHTS)
        levels = WEIGHTS[weights][1]
        if modal not in levels:
            choices = [name for name in levels if name is not None]
            if not choices:
                raise HarnessError(f"the weights {weights} have no modal.", "Leave potential.params.modal out.")
            raise unknown_choice(f"modal of {weights}", str(modal), choices, "Give potential.params.modal=NAME.")
        self.weights, self.modal = weights, modal

    @property
    def file(self) -> Path:
        """The file of weights in the wheel."""
        return file_in_package("sevenn", f"pretrained_potentials/{WEIGHTS[self.weights][0]}/*.pth")

    @property
    def form(self) -> str:
        """The network, its weights and which of their levels."""
        return f"SevenNet {self.weights}" + (f", {self.modal}" if self.modal else "")

    @property
    def level_of_theory(self) -> str:
        """That of the training set."""
        return WEIGHTS[self.weights][1][self.modal]

    def calculator(self, device: str = "cpu", dtype: str = "float32") -> SevennCalculator:
        """A fresh calculator."""
        from harness_sevenn.calculator import SevennCalculator

        return SevennCalculator(self.file, self.modal, device, dtype)
