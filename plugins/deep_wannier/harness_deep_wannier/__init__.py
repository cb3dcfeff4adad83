"""Deep Potential models of DeePMD-kit: energies, and polarization from Wannier centroids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness import hookimpl

if TYPE_CHECKING:
    from harness_deep_wannier.potential import DeepWannierPolarization, DeepWannierPotential

__all__ = ["deep_wannier", "deep_wannier_polarization"]


def deep_wannier(*, model: str = "bn_bilayer.pb", wannier: Mapping[str, Any] | None = None) -> DeepWannierPotential:
    """The potential; parameters as for `harness_deep_wannier.potential.DeepWannierPotential`."""
    from harness_deep_wannier.potential import DeepWannierPotential

    return DeepWannierPotential(model=model, wannier=wannier)


def deep_wannier_polarization(
    *, model: str = "bn_bilayer_wannier.pb", centroids: Mapping[str, Any] | None = None
) -> DeepWannierPolarization:
    """The polarization model; parameters as for `harness_deep_wannier.potential.DeepWannierPolarization`."""
    from harness_deep_wannier.potential import DeepWannierPolarization

    return DeepWannierPolarization(model=model, centroids=centroids)


@hookimpl
def harness_potentials() -> dict[str, Any]:
    return {"deep_wannier": deep_wannier}


@hookimpl
def harness_polarization_models() -> dict[str, Any]:
    return {"deep_wannier": deep_wannier_polarization}


@hookimpl
def harness_fitters() -> dict[str, str]:
    return {"deep_wannier": "harness_deep_wannier.fit:fit"}
