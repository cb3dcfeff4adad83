"""The shipped models under the harness's own conformance checks."""

from __future__ import annotations

import harness_mace

from harness.testing import PolarizationConformance, PotentialConformance


class TestEnergyModel(PotentialConformance):
    def potential(self):
        return harness_mace.mace()


class TestDipoleModel(PolarizationConformance):
    def polarization(self):
        return harness_mace.mace_dipole()
