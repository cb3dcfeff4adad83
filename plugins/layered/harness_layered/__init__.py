"""Potential ``layered``: one potential inside each layer of a stack, another between the layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness import hookimpl
from harness.contracts.parameters import ModelFile

if TYPE_CHECKING:
    from harness.contracts.potential import Potential

__all__ = ["layered", "lj"]


def layered(*, intralayer: Mapping[str, Any], interlayer: Mapping[str, Any] | None = None) -> Potential:
    """The sum of two potentials; parameters as for `harness_layered.potential.LayeredPotential`."""
    from harness_layered.potential import LayeredPotential

    return LayeredPotential(intralayer, interlayer)


def lj(*, model: ModelFile = "bn_bilayer_lj.json", cutoff: float | None = None) -> Potential:
    """Lennard-Jones between layers; parameters as for `harness_layered.potential.InterlayerLJ`."""
    from harness_layered.potential import InterlayerLJ

    return InterlayerLJ(model, cutoff)


@hookimpl
def harness_potentials() -> dict[str, Any]:
    return {"layered": layered, "lj": lj}


@hookimpl
def harness_fitters() -> dict[str, str]:
    return {"layered": "harness_layered.fit:fit", "lj": "harness_layered.fit_lj:fit"}
