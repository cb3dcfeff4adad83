"""The shipped models, examined as any potential is."""

from __future__ import annotations

from harness_layered.potential import InterlayerLJ, LayeredPotential

from harness.testing import PotentialConformance


class TestLennardJones(PotentialConformance):
    def potential(self) -> InterlayerLJ:
        return InterlayerLJ()


class TestLayersAndBetween(PotentialConformance):
    """A moment tensor potential in each layer, Lennard-Jones between them."""

    def potential(self) -> LayeredPotential:
        return LayeredPotential({"name": "mtp", "params": {"model": "bn_bilayer.mtp"}}, {"name": "lj"})
