"""Potential ``sevenn``: universal equivariant networks whose weights come with their wheel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness import hookimpl

if TYPE_CHECKING:
    from harness_sevenn.potential import SevennPotential

__all__ = ["sevenn"]


def sevenn(*, weights: str = "7net-0", modal: str | None = None) -> SevennPotential:
    """The potential; parameters as for `harness_sevenn.potential.SevennPotential`."""
    from harness_sevenn.potential import SevennPotential

    return SevennPotential(weights=weights, modal=modal)


@hookimpl
def harness_potentials() -> dict[str, Any]:
    return {"sevenn": sevenn}
