"""The polarization model, examined as any is."""

from __future__ import annotations

from cd_structures import model
from harness_charge_dipole.model import ChargeDipole

from harness.testing import PolarizationConformance


class TestNeutralLayers(PolarizationConformance):
    def polarization(self) -> ChargeDipole:
        return model("layer")


class TestChargeFlowsBetweenLayers(PolarizationConformance):
    def polarization(self) -> ChargeDipole:
        return model("total", "mesh", 1e-8)
