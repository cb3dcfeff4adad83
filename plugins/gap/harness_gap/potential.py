"""The potential ``gap``: a model file, and calculators made of it."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.registry.files import resolve_model
from harness.registry.provenance import facts_beside, package_versions
from harness_gap import gapfile

if TYPE_CHECKING:
    from harness_gap.calculator import GAPCalculator

__all__ = ["GAPPotential", "load"]


class GAPPotential:
    """Any GAP that ``gap_fit`` wrote.

    Parameters
    ----------
    model
        The ``.xml``; its files of sparse points have to lie beside it, plain or packed with xz.

    Raises
    ------
    HarnessError
        When it is not a whole GAP.
    """

    name = "gap"
    implemented_properties: Sequence[str] = ("energy", "forces", "stress", "energies")

    def __init__(self, model: str) -> None:
        self.path = resolve_model(model, package="harness_gap")
        self.file = gapfile.read(self.path)
        self.facts = facts_beside(self.path)
        self.elements: frozenset[str] | None = self.file.elements

    def calculator(self, device: str = "cpu", dtype: str = "float64") -> GAPCalculator:
        """A fresh calculator; it runs on the CPU in double precision."""
        from harness_gap.calculator import GAPCalculator

        return GAPCalculator(load(self.file), self.elements)

    def provenance(self) -> dict[str, Any]:
        """Model files and hashes, descriptors, level of theory and errors of the fit, versions."""
        hashes = self.file.hashes()
        return {
            "form": "Gaussian approximation potential (Bartók, Payne, Kondor, Csányi 2010)",
            "model": {"file": self.path.name, "sha256": hashes[self.path.name]},
            "sparse_points": {name: digest for name, digest in hashes.items() if name != self.path.name},
            "label": self.file.label,
            "descriptors": list(self.file.descriptors),
            "species": sorted(self.elements) if self.elements is not None else None,
            "level_of_theory": self.facts.get("level_of_theory"),
            "licence": self.facts.get("licence"),
            "fit": self.facts,
            "versions": package_versions("harness-gap", "quippy-ase"),
        }


def load(file: gapfile.GAPFile) -> Any:
    """quippy's potential.

    Raises
    ------
    HarnessError
        With QUIP's own words.
    """
    with contextlib.redirect_stdout(io.StringIO()):
        from quippy.potential import Potential

    here = Path.cwd()
    with gapfile.unpacked(file) as xml:
        try:
            return Potential(param_filename=str(xml))
        except RuntimeError as error:
            said = str(error).encode("ascii", "ignore").decode().splitlines()[0][:200]
            raise HarnessError(f"QUIP refuses '{file.path.name}': {said}.",
                               "Give a GAP that gap_fit wrote.") from error  # fmt: skip
        finally:
            os.chdir(here)  # QUIP goes to the folder of the XML, and after an error stays there
