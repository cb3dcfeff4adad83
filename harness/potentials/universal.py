"""Universal potentials: networks for most elements whose weights come with a Python package."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from ase.calculators.calculator import BaseCalculator
from ase.data import chemical_symbols

from harness.errors import HarnessError
from harness.registry.files import sha256
from harness.registry.provenance import package_versions

__all__ = ["MPTRJ_ELEMENTS", "UniversalPotential", "file_in_package"]

#: Elements with examples in MPtrj (Deng et al., Nature Machine Intelligence 5, 1031 (2023)).
MPTRJ_ELEMENTS = frozenset(chemical_symbols[1:95]) - {"Po", "At", "Rn", "Fr", "Ra"}


class UniversalPotential(ABC):
    """A potential whose weights are a file of an installed package.

    A subclass sets the class attributes and gives the file, the calculator, the form and the level of theory.

    Attributes
    ----------
    name, implemented_properties, elements, devices, dtypes
        As for any potential.
    licence
        Of the weights.
    executes_code
        Whether reading the file can run code that it contains, as a pickle can.
    packages
        Distributions whose versions decide the numbers.
    """

    name: str
    implemented_properties: Sequence[str]
    elements: frozenset[str] | None = MPTRJ_ELEMENTS
    devices: Sequence[str] = ("cpu", "cuda")
    dtypes: Sequence[str]
    licence: ClassVar[str]
    executes_code: ClassVar[bool]
    packages: ClassVar[Sequence[str]]

    @property
    @abstractmethod
    def file(self) -> Path:
        """The file of weights; HarnessError where the package does not hold it."""

    @property
    @abstractmethod
    def form(self) -> str:
        """What the potential is, in a few words, with its weights."""

    @property
    @abstractmethod
    def level_of_theory(self) -> str:
        """What the labels of the weights were calculated with."""

    @abstractmethod
    def calculator(self, device: str = "cpu", dtype: str = "float64") -> BaseCalculator:
        """A fresh ASE calculator."""

    def provenance(self) -> dict[str, Any]:
        """Weights and their hash, level of theory, versions."""
        file = self.file
        return {
            "form": self.form,
            "level_of_theory": self.level_of_theory,
            "licence": self.licence,
            "model": {"file": file.name, "sha256": sha256(file), "executes_code": self.executes_code},
            "executes_code": self.executes_code,
            "versions": package_versions(*self.packages),
        }


def file_in_package(package: str, pattern: str) -> Path:
    """A file of an installed package, found without importing it and without downloading anything.

    Parameters
    ----------
    package
        Import name, which is that of the distribution too.
    pattern
        Path inside the package, with wildcards.

    Raises
    ------
    HarnessError
        When the package does not hold it.
    """
    spec = find_spec(package)
    places = spec.submodule_search_locations if spec is not None else None
    found = sorted(Path(places[0]).glob(pattern)) if places else []
    if not found:
        raise HarnessError(
            f"the installed {package} does not hold its weights '{pattern}'.",
            f"Type: pip install --force-reinstall {package}",
        )
    return found[0]
