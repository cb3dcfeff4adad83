"""Potential ``gap``: Gaussian approximation potentials through quippy, and their fit with ``gap_fit``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness import hookimpl
from harness.contracts.parameters import ModelFile

if TYPE_CHECKING:
    from harness_gap.potential import GAPPotential

__all__ = ["gap"]


def gap(*, model: ModelFile = "bn_bilayer.xml") -> GAPPotential:
    """The potential; parameters as for `harness_gap.potential.GAPPotential`."""
    from harness_gap.potential import GAPPotential

    return GAPPotential(model=model)


@hookimpl
def harness_potentials() -> dict[str, Any]:
    return {"gap": gap}


@hookimpl
def harness_fitters() -> dict[str, str]:
    return {"gap": "harness_gap.fit:fit"}
