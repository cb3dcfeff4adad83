"""Potential ``tersoff_ilp``: the classical force fields of hBN, inside the layers and between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness import hookimpl

if TYPE_CHECKING:
    from harness_tersoff_ilp.potential import TersoffILPPotential

__all__ = ["tersoff_ilp"]


def tersoff_ilp(
    *, intralayer: str = "tersoff", interlayer: str | None = "ilp", cutoff: float = 16.0
) -> TersoffILPPotential:
    """The potential; parameters as for `harness_tersoff_ilp.potential.TersoffILPPotential`."""
    from harness_tersoff_ilp.potential import TersoffILPPotential

    return TersoffILPPotential(intralayer=intralayer, interlayer=interlayer, cutoff=cutoff)


@hookimpl
def harness_potentials() -> dict[str, Any]:
    return {"tersoff_ilp": tersoff_ilp}
