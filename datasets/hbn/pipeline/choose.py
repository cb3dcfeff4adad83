"""Which structures are worth a label: those on which fitted potentials disagree most.

Query by committee: potentials that agree on a structure have, as a rule, learned it (H. S. Seung, M. Opper and
H. Sompolinsky, COLT 1992, p. 287).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from ase.calculators.calculator import BaseCalculator
from ase.neighborlist import neighbor_list

from .structures import build

NEAREST = 1.0
"""Å. No chemistry goes nearer, and the cores of the pseudopotentials begin to overlap."""


def disagreement(name: str, committee: Sequence[BaseCalculator]) -> float:
    """Root-mean-square deviation of the committee's forces from their mean on the structure called `name`, eV/Å."""
    atoms = build(name)
    forces = np.array([calculator.get_property("forces", atoms) for calculator in committee])
    return float(np.sqrt(((forces - forces.mean(axis=0)) ** 2).mean()))


def choose(names: Iterable[str], committee: Sequence[BaseCalculator]) -> list[tuple[str, float]]:
    """Names with the committee's disagreement (eV/Å), the greatest first; structures with clashes are passed over."""
    sound = [name for name in names if neighbor_list("d", build(name), 2.0).min() > NEAREST]
    return sorted(((name, disagreement(name, committee)) for name in sound), key=lambda pair: -pair[1])
