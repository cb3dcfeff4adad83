"""Polarization model ``tight_binding``: p_z electrons hopping between layers of BN; see README.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness import hookimpl

if TYPE_CHECKING:
    from harness_tight_binding.model import TightBinding

__all__ = ["tight_binding"]


def tight_binding(**params: Any) -> TightBinding:
    """The polarization model; parameters as for `harness_tight_binding.model.TightBinding`."""
    from harness_tight_binding.model import TightBinding

    return TightBinding(**params)


@hookimpl
def harness_polarization_models() -> dict[str, Any]:
    return {"tight_binding": tight_binding}
