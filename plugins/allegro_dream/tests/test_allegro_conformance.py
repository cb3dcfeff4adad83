"""The shipped model, examined as any potential is; its polarization is its own."""

from __future__ import annotations

import harness_allegro_dream

from harness.testing import PotentialConformance


class TestShippedModel(PotentialConformance):
    def potential(self):
        return harness_allegro_dream.allegro_dream()
