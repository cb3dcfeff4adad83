"""ASE calculator over `harness_lammps.session.Session`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, TypeVar

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, chemical_symbols
from ase.geometry import find_mic

from harness.errors import HarnessError
from harness.materials.layers import assign_layers
from harness.potentials.calculator import PotentialCalculator
from harness_lammps.box import Box
from harness_lammps.recipe import Recipe
from harness_lammps.session import Session

__all__ = ["LammpsCalculator"]

#: Displacement between calls, Å, up to which atoms stay in the layer they were in: less than a third of a bond.
SAME_LAYER = 0.5

S = TypeVar("S", bound=Session)


class LammpsCalculator(PotentialCalculator):
    """Energy (eV), energies per atom, forces (eV/Å), stress (eV/Å³ over the cell of the structure, where it has one).

    Parameters
    ----------
    recipe
        The interaction; or a function that returns it for a structure and its molecule ids (N,).
    molecules
        Where molecule ids come from: ``layers`` for `harness.materials.layers.assign_layers`, the name of an array of
        whole numbers that the structure carries, or None for none.
    """

    implemented_properties = ["energy", "free_energy", "energies", "forces", "stress"]  # noqa: RUF012 (ASE's way)

    def __init__(
        self, recipe: Recipe | Callable[[Atoms, np.ndarray | None], Recipe], molecules: str | None = None
    ) -> None:
        super().__init__()
        self._recipe = recipe
        self._molecules = molecules
        self._session: Session | None = None
        self._last: Atoms | None = None

    def _compute(self, atoms: Atoms, properties: Collection[str]) -> dict[str, Any]:
        """Results for one structure; HarnessError with LAMMPS' own words."""
        if not np.isfinite(atoms.positions).all():  # LAMMPS would stop; an optimiser wants to hear of it
            return {"energy": np.nan, "forces": np.full((len(atoms), 3), np.nan)}
        try:
            return self._answer(atoms, "energies" in properties)
        except Exception:
            self.close()  # after an error the instance may be in any state
            raise

    def _answer(self, atoms: Atoms, per_atom: bool) -> dict[str, Any]:
        session, box = self._prepared(atoms)
        found = session.evaluate(atoms.positions, box, per_atom)
        self._last = atoms  # a copy already, and no one else's
        derivative = -found.pop("virial")
        return {**found, "strain_derivative": derivative}

    def _prepared(self, atoms: Atoms) -> tuple[Session, Box | None]:
        """An instance that has these atoms, and the box when it is not the one that it has."""
        last, session = self._last, self._session
        if session is not None and last is not None and _same_atoms(atoms, last):
            same_cell = np.array_equal(atoms.cell.array, last.cell.array)
            known = self._molecules is None or (same_cell and _near(atoms, last)) or self._still(atoms, session)
            if known and same_cell:
                return session, None
            box = Box.around(atoms)
            if known and session.can_take(box):
                return session, box
        box = Box.around(atoms)
        self.close()
        self._session = self.session(atoms, box)
        return self._session, box

    def _still(self, atoms: Atoms, session: Session) -> bool:
        """Whether another structure has the layers, and the recipe, that the session was made for."""
        ids = self._ids(atoms)
        same = session.molecules is not None and np.array_equal(ids, session.molecules)
        return same and self._recipe_for(atoms, ids) == session.recipe

    def _recipe_for(self, atoms: Atoms, ids: np.ndarray | None) -> Recipe:
        return self._recipe(atoms, ids) if callable(self._recipe) else self._recipe

    def session(self, atoms: Atoms, box: Box, kind: type[S] = Session) -> S:  # type: ignore[assignment]
        """A fresh instance of LAMMPS with the interaction of this calculator.

        Parameters
        ----------
        atoms
            The structure.
        box
            Around it.
        kind
            Class of the instance.

        Raises
        ------
        HarnessError
            For an element that the interaction does not know, and with LAMMPS' own words when it refuses the recipe.
        """
        ids = None if self._molecules is None else self._ids(atoms)
        recipe = self._recipe_for(atoms, ids)
        types = np.zeros(len(chemical_symbols), dtype=int)
        types[[atomic_numbers[s] for s in recipe.species]] = np.arange(1, len(recipe.species) + 1)
        mine = types[atoms.numbers]
        if not mine.all():
            wrong = chemical_symbols[int(atoms.numbers[int(np.argmin(mine))])]
            known = ", ".join(recipe.species)
            raise HarnessError(f"the potential does not know the element {wrong}; it knows {known}.",
                               "Choose a material of these elements, or another potential.")  # fmt: skip
        return kind(recipe, mine, box, atoms.positions, ids)

    def _ids(self, atoms: Atoms) -> np.ndarray:
        if self._molecules == "layers":
            return assign_layers(atoms) + 1
        if self._molecules not in atoms.arrays:
            raise HarnessError(f"the structure carries no array '{self._molecules}' of molecule ids.",
                               "Give potential.params.molecules=layers, or structures that have it.")  # fmt: skip
        return np.asarray(atoms.arrays[self._molecules], dtype=int)

    def close(self) -> None:
        """Give LAMMPS' memory back; the next call starts anew."""
        if self._session is not None:
            session, self._session, self._last = self._session, None, None
            session.close()


def _same_atoms(atoms: Atoms, last: Atoms) -> bool:
    return np.array_equal(atoms.numbers, last.numbers) and np.array_equal(atoms.pbc, last.pbc)


def _near(atoms: Atoms, last: Atoms) -> bool:
    """Whether every atom is where it was, whole periods apart."""
    move = atoms.positions - last.positions
    if np.abs(move).max(initial=0.0) < SAME_LAYER:
        return True
    return bool(find_mic(move, atoms.cell, atoms.pbc)[1].max(initial=0.0) < SAME_LAYER)
