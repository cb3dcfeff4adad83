"""The polarization model, examined as any is."""

from __future__ import annotations

from harness_tight_binding.model import TightBinding

from harness.testing import PolarizationConformance


class TestDipoles(PolarizationConformance):
    def polarization(self) -> TightBinding:
        return TightBinding()


class TestCharges(PolarizationConformance):
    def polarization(self) -> TightBinding:
        return TightBinding(local="charges")
