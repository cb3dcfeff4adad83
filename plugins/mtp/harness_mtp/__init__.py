"""Potential ``mtp``: moment tensor potentials in a kernel compiled by numba."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from harness import hookimpl
from harness.contracts.parameters import ModelFile

if TYPE_CHECKING:
    from harness_mtp.potential import MTPPotential

__all__ = ["mtp"]


def mtp(
    *, model: ModelFile = "bn_bilayer.mtp", species: Sequence[str] | None = None, engine: str = "numba"
) -> MTPPotential:
    """The potential; parameters as for `harness_mtp.potential.MTPPotential`."""
    from harness_mtp.potential import MTPPotential

    return MTPPotential(model=model, species=species, engine=engine)


@hookimpl
def harness_potentials() -> dict[str, Any]:
    return {"mtp": mtp}


@hookimpl
def harness_fitters() -> dict[str, str]:
    return {"mtp": "harness_mtp.fit:fit"}
