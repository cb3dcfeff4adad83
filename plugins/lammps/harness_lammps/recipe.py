"""What LAMMPS is told before the first force call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ase import units as ase_units
from ase.data import atomic_masses, atomic_numbers

__all__ = ["UNITS", "Recipe"]

#: eV in one unit of energy of the unit systems of LAMMPS whose length is the ångström.
UNITS = {"metal": 1.0, "real": ase_units.kcal / ase_units.mol}


@dataclass(frozen=True)
class Recipe:
    """Commands that define the interaction, and what the atoms carry.

    Attributes
    ----------
    species
        Element of each LAMMPS type, in order.
    pair_style, pair_coeff
        Arguments of these commands.
    units
        A key of `UNITS`.
    atom_style
        LAMMPS' name of what the atoms carry.
    charges
        Charge of each element, e; elements not named have none.
    masses
        Of elements that shall not have the standard one; energies do not depend on them.
    before, after
        Commands before ``pair_style`` (when the atoms are there), and after ``pair_coeff``.
    """

    species: Sequence[str]
    pair_style: str
    pair_coeff: Sequence[str]
    units: str = "metal"
    atom_style: str = "atomic"
    charges: Mapping[str, float] = field(default_factory=dict)
    masses: Mapping[str, float] = field(default_factory=dict)
    before: Sequence[str] = ()
    after: Sequence[str] = ()

    def commands(self) -> list[str]:
        """All that follows the creation of the box and its atoms."""
        mass = [self.masses.get(s, float(atomic_masses[atomic_numbers[s]])) for s in self.species]
        return [
            *(f"mass {i + 1} {m:.10g}" for i, m in enumerate(mass)),
            *self.before,
            f"pair_style {self.pair_style}",
            *(f"pair_coeff {line}" for line in self.pair_coeff),
            *self.after,
        ]
