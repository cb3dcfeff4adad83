"""Potential ``chgnet``: a universal graph network whose weights come with its wheel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness import hookimpl

if TYPE_CHECKING:
    from harness_chgnet.potential import ChgnetPotential

__all__ = ["chgnet"]


def chgnet(*, weights: str = "0.3.0") -> ChgnetPotential:
    """The potential; parameters as for `harness_chgnet.potential.ChgnetPotential`."""
    from harness_chgnet.potential import ChgnetPotential

    return ChgnetPotential(weights=weights)


@hookimpl
def harness_potentials() -> dict[str, Any]:
    return {"chgnet": chgnet}
