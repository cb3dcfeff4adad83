"""The own checks of the task `moire_relax`, each with the reason of its tolerance."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.contracts.measurement import Check
from harness.contracts.quantity import Quantity
from harness.contracts.task import Context
from harness.stats import number
from harness_tasks.moire.landscape import Landscape
from harness_tasks.moire.registry_field import RegistryField
from harness_tasks.moire.relaxation import Structure
from harness_tasks.moire_relax.domain_walls import NAMED, broken_symmetry
from harness_tasks.moire_relax.observables import ENERGY, ENERGY_SHEETS, PERIOD, SOLITON_WIDTH, WIDTH_SHEETS

#: Elastic sheets describe periods from here on, Å: below, layers bend and stretch over a few bonds.
SMOOTH = 20.0


def domain_of(landscape: Landscape) -> str | None:
    """The kind of domains between which `moire_relax_shape.walls` knows the walls, from the best registry."""
    for name, near in (("AA", ("AA",)), ("AB", ("AB", "BA"))):
        if any(np.allclose(landscape.best, NAMED[each][0], atol=1e-6) for each in near):
            return name
    return None


def of_structure(
    structure: Structure, stacking_map: RegistryField, found: Mapping[str, Quantity], ctx: Context
) -> list[Check]:
    """Symmetry, and the period where the map has one place a cell.

    Parameters
    ----------
    structure
        The relaxed cell.
    stacking_map
        Layer distance and displacement at every atom.
    found
        Its observables.
    ctx
        Of the run.
    """
    moire, name = structure.moire, structure.name
    span = float(np.ptp(stacking_map.distance))
    made = [
        Check(
            f"threefold_axis_{name}",
            broken_symmetry(moire, stacking_map),
            max(2e-3, 0.02 * span),
            "A",
            "the cell has the axis and so has the start; forces up to fmax are left, 2 mÅ or 2 % of the corrugation",
        )
    ]
    if moire.angle > 0:
        halves = [np.sort(stacking_map.distance[mine]) for mine in stacking_map.members]
        made.append(
            Check(
                f"layers_alike_{name}",
                float(np.abs(halves[0] - halves[1]).max()),
                max(2e-3, 0.02 * span),
                "A",
                "twofold axes in the plane exchange the layers: sorted local distances agree as far as forces are left",
            )
        )
    if np.isfinite(number(found[PERIOD.key])):
        made.append(
            Check(
                f"period_{name}",
                number(found[PERIOD.key]) / moire.period - 1,
                0.01,
                "1",
                "against a / (2 sin θ/2); middles of regions are known to a fraction of the grid",
            )
        )
    return made


def against_sheets(longest: Structure, observables: Mapping[str, Quantity]) -> list[Check]:
    """Atoms against elastic sheets over the same potential's landscape, where these are meant for it."""
    if longest.moire.period < SMOOTH or longest.moire.mismatch != 0:
        return []
    atoms, sheets = (number(observables[each.key]) for each in (ENERGY, ENERGY_SHEETS))
    reason = "sheets know registry and elasticity alone; bending, and strain that changes the landscape, are a few %"
    made = [Check("energy_of_elastic_sheets", atoms / sheets - 1, 0.05, "1", reason)]
    if SOLITON_WIDTH.key in observables:
        wide, smooth = (number(observables[each.key]) for each in (SOLITON_WIDTH, WIDTH_SHEETS))
        made.append(Check("soliton_width_of_elastic_sheets", wide / smooth - 1, 0.1, "1", reason))
    return made
