"""The shipped model, examined as any potential is."""

from __future__ import annotations

import harness_gap

from harness.testing import PotentialConformance


class TestShippedModel(PotentialConformance):
    def potential(self):
        return harness_gap.gap()
