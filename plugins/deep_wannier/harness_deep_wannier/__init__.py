"""Deep Potential models of DeePMD-kit: energies, and polarization from Wannier centroids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from harness import hookimpl
from harness.contracts.parameters import ModelFile

if TYPE_CHECKING:
    from harness_deep_wannier.potential import DeepWannierPolarization, DeepWannierPotential

__all__ = ["deep_wannier", "deep_wannier_polarization"]


class WannierModel(TypedDict, total=False):
    """The dipole model of a potential: its file, and how its outputs become dipoles."""

    model: ModelFile
    centroids: Mapping[str, Any]


def deep_wannier(*, model: ModelFile = "bn_bilayer.pb", wannier: WannierModel | None = None) -> DeepWannierPotential:
    """The potential; parameters as for `harness_deep_wannier.potential.DeepWannierPotential`."""
    from harness_deep_wannier.potential import DeepWannierPotential

    return DeepWannierPotential(model=model, wannier=wannier)


def deep_wannier_polarization(
    *, model: ModelFile = "bn_bilayer_wannier.pb", centroids: Mapping[str, Any] | None = None
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
