"""Plane-wave DFT as a potential and as a polarization model, through Quantum ESPRESSO and Wannier90.

The implementation is shared with the labelling pipeline of ``datasets/hbn``, so that the potential `dft` is at
exactly the level of theory of the shipped data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness import hookimpl


def _potential(**params: Any) -> Any:
    from harness_dft.plugin import DFTPotential

    return DFTPotential(**params)


def _polarization(**params: Any) -> Any:
    from harness_dft.plugin import DFTPolarization

    return DFTPolarization(**params)


@hookimpl
def harness_potentials() -> dict[str, Callable[..., Any]]:
    """The potential `dft`."""
    return {"dft": _potential}


@hookimpl
def harness_polarization_models() -> dict[str, Callable[..., Any]]:
    """The polarization model `dft`."""
    return {"dft": _polarization}
