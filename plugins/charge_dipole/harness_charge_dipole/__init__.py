"""Gaussian-regularised charge-dipole polarization model; see docs/charge_dipole.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness import hookimpl
from harness.contracts.parameters import ModelFile

if TYPE_CHECKING:
    from harness_charge_dipole.model import ChargeDipole

__all__ = ["charge_dipole"]


def charge_dipole(
    *,
    model: ModelFile = "bn_bilayer_cd.json",
    constraint: str | None = None,
    solver: str = "auto",
    tolerance: float = 1e-6,
) -> ChargeDipole:
    """The polarization model; parameters as for `harness_charge_dipole.model.ChargeDipole`.

    Parameters
    ----------
    model
        JSON file of the parameters.
    constraint, solver
        See `harness_charge_dipole.model.ChargeDipole`.
    tolerance
        Of the iterative solution, relative.
    """
    from harness_charge_dipole.model import ChargeDipole

    return ChargeDipole(model=model, constraint=constraint, solver=solver, tolerance=tolerance)


@hookimpl
def harness_polarization_models() -> dict[str, Any]:
    return {"charge_dipole": charge_dipole}


@hookimpl
def harness_fitters() -> dict[str, str]:
    return {"charge_dipole": "harness_charge_dipole.fit:fit"}
