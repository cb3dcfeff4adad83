"""Potential ``allegro_dream``: Allegro with a polarization head, and any model of NequIP or Allegro."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness import hookimpl
from harness.contracts.parameters import ModelFile

if TYPE_CHECKING:
    from harness_allegro_dream.potential import AllegroDreamPotential

__all__ = ["allegro_dream"]


def allegro_dream(
    *, model: ModelFile = "bn_bilayer.safetensors", engine: str = "auto", species: Mapping[str, str] | None = None
) -> AllegroDreamPotential:
    """The potential; parameters as for `harness_allegro_dream.potential.AllegroDreamPotential`."""
    from harness_allegro_dream.potential import AllegroDreamPotential

    return AllegroDreamPotential(model=model, engine=engine, species=species)


@hookimpl
def harness_potentials() -> dict[str, Any]:
    return {"allegro_dream": allegro_dream}


@hookimpl
def harness_fitters() -> dict[str, str]:
    return {"allegro_dream": "harness_allegro_dream.fit:fit"}
