"""The published force field, examined as any potential is."""

from __future__ import annotations

import harness_tersoff_ilp

from harness.testing import PotentialConformance


class TestForceField(PotentialConformance):
    def potential(self):
        return harness_tersoff_ilp.tersoff_ilp()
