"""The shipped models, examined as any potential and any polarization model is."""

from __future__ import annotations

import harness_deep_wannier

from harness.testing import PolarizationConformance, PotentialConformance


class TestEnergyModel(PotentialConformance):
    def potential(self):
        return harness_deep_wannier.deep_wannier()


class TestWannierModel(PolarizationConformance):
    def polarization(self):
        return harness_deep_wannier.deep_wannier_polarization()
