"""The shipped model, examined as any potential is."""

from __future__ import annotations

from harness_mtp.potential import MTPPotential

from harness.testing import BILAYER, PotentialConformance


class TestShippedModel(PotentialConformance):
    """Of one layer, as it was fitted."""

    material = {**BILAYER, "layers": 1}  # noqa: RUF012

    def potential(self) -> MTPPotential:
        return MTPPotential("bn_bilayer.mtp")
