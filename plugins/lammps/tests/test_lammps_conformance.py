"""A pair style of LAMMPS, examined as any potential is."""

from __future__ import annotations

from lammps_support import TERSOFF

from harness.registry.lookup import build_potential
from harness.testing import PotentialConformance


class TestTersoff(PotentialConformance):
    def potential(self):
        return build_potential("lammps", TERSOFF)
