"""Potential ``mace`` and polarization model ``mace_dipole``: equivariant message passing networks of mace-torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness import hookimpl
from harness.contracts.parameters import ModelFile

if TYPE_CHECKING:
    from harness_mace.dipole import MaceDipole
    from harness_mace.potential import MacePotential

__all__ = ["mace", "mace_dipole"]


def mace(*, model: ModelFile = "bn_bilayer.mace", head: str | None = None) -> MacePotential:
    """The potential; parameters as for `harness_mace.potential.MacePotential`."""
    from harness_mace.potential import MacePotential

    return MacePotential(model=model, head=head)


def mace_dipole(
    *, model: ModelFile = "bn_bilayer_dipole.mace", unit: str | None = None, device: str = "cpu", dtype: str = "float64"
) -> MaceDipole:
    """The polarization model; parameters as for `harness_mace.dipole.MaceDipole`.

    Parameters
    ----------
    model
        The model file.
    unit
        Of the model's dipoles.
    device, dtype
        Where, and with which number type, it computes.
    """
    from harness_mace.dipole import MaceDipole

    return MaceDipole(model=model, unit=unit, device=device, dtype=dtype)


@hookimpl
def harness_potentials() -> dict[str, Any]:
    return {"mace": mace}


@hookimpl
def harness_polarization_models() -> dict[str, Any]:
    return {"mace_dipole": mace_dipole}


@hookimpl
def harness_fitters() -> dict[str, str]:
    return {"mace": "harness_mace.fit:fit", "mace_dipole": "harness_mace.fit_dipole:fit"}
