"""Bilayers at any registry and distance, and the constraint that holds their layers apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ase import Atoms
from ase.constraints import FixConstraint, FixedLine

from harness.contracts.material import Material
from harness.contracts.measurement import Check
from harness.contracts.task import Context
from harness.materials.honeycomb import stacking_of

#: Atoms of the lower and of the upper layer in the cells of this module.
LOWER, UPPER = slice(0, 2), slice(2, 4)


def plain(stacking: str) -> str:
    """The name as it stands in names of observables: without an apostrophe."""
    return stacking.replace("'", "p")


def bilayer(
    material: Material,
    registry: Sequence[float] | np.ndarray,
    distance: float,
    *,
    antiparallel: bool = False,
    height: float | None = None,
) -> Atoms:
    """The primitive bilayer with its upper layer shifted by `registry`; lower layer first, atoms not wrapped.

    Parameters
    ----------
    registry
        Shift of the upper layer from AA (or AA'), in fractions of the 120° cell.
    distance
        Between the planes, Å.
    height
        Of the cell, Å; by default the material's vacuum and distance together. The same for all structures of a
        series, so that no grid of a plane-wave code changes within it.
    """
    atoms = material.restacked(2, distance, antiparallel=antiparallel).atoms
    atoms.positions[UPPER] += np.asarray(registry) @ atoms.cell.array[:2]
    height = height or material.vacuum + material.distance
    atoms.positions[:, 2] += (height - atoms.cell[2, 2]) / 2
    atoms.set_cell([*atoms.cell.array[:2], [0, 0, height]])
    return atoms


def distance_of(atoms: Atoms) -> float:
    """Difference of the mean heights of the two layers, Å."""
    return float(atoms.positions[UPPER, 2].mean() - atoms.positions[LOWER, 2].mean())


def upright(atoms: Atoms) -> FixedLine:
    """Constraint that leaves only the heights free: the registry stays."""
    return FixedLine(np.arange(len(atoms)), (0, 0, 1))


class HeldLayers(FixConstraint):
    """Atoms move along z only, and the mean height of each group of atoms stays.

    Parameters
    ----------
    groups
        Indices of the atoms of each layer.
    """

    def __init__(self, groups: Sequence[np.ndarray]) -> None:
        self.groups = [np.asarray(group, dtype=int) for group in groups]

    def get_removed_dof(self, atoms: Atoms) -> int:
        """All in-plane ones and one for each layer."""
        return 2 * len(atoms) + len(self.groups)

    def adjust_positions(self, atoms: Atoms, new: np.ndarray) -> None:
        """Project `new` (natoms, 3) onto what is allowed."""
        new[:, :2] = atoms.positions[:, :2]
        for group in self.groups:
            new[group, 2] += atoms.positions[group, 2].mean() - new[group, 2].mean()

    def adjust_forces(self, atoms: Atoms, forces: np.ndarray) -> None:
        """Leave only the forces that can do work."""
        forces[:, :2] = 0.0
        for group in self.groups:
            forces[group, 2] -= forces[group, 2].mean()

    def todict(self) -> dict[str, Any]:
        """A JSON-able description."""
        return {"name": type(self).__name__, "kwargs": {"groups": [group.tolist() for group in self.groups]}}


def own_lattice_constant(ctx: Context, stacking: str, fmax: float, max_steps: int) -> tuple[float, str, bool]:
    """The potential's own lattice constant of a stacking, a remark, and whether the search for it failed.

    The constant is that of the material where the potential offers no stress, or where the search failed.

    Parameters
    ----------
    ctx
        Gives material and engine.
    stacking
        Its name, e.g. ``AB``.
    fmax
        eV/Å.
    max_steps
        Of the relaxation.
    """
    given = ctx.material.a
    if "stress" not in ctx.potential.implemented_properties:
        return given, f"the potential offers no stress: a = {given:g} Å as given", False
    registry, antiparallel = stacking_of(stacking)
    atoms = bilayer(ctx.material, registry, ctx.material.distance, antiparallel=antiparallel)
    atoms.set_constraint(upright(atoms))
    result = ctx.engine.relax(atoms, fmax=fmax, max_steps=max_steps, optimizer="lbfgs", cell=(1, 1, 0, 0, 0, 0))
    found = float(np.linalg.norm(atoms.cell[0]))
    if not result.converged or not 0.8 < found / given < 1.25:
        return given, f"the lattice constant did not relax: a = {given:g} Å as given", True
    return found, f"lattice constant of {stacking} relaxed: a = {found:.4f} Å", False


def lattice_check(failed: bool) -> Check:
    """Whether the lattice constant that was asked for is the potential's own."""
    reason = "the relaxation of the cell has to converge, within 0.8 to 1.25 of the given lattice constant"
    return Check("lattice_constant_not_relaxed", float(failed), 0.0, "1", reason)
