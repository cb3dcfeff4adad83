"""The import of mace, the number types that it runs in, and its versions."""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module
from typing import Any

from harness.errors import unknown_choice
from harness.potentials.backend import quiet
from harness.registry.provenance import package_versions

__all__ = ["DTYPES", "mace_modules", "torch_dtype", "versions"]

DTYPES = ("float64", "float32")
#: e3nn 0.4.4 loads a file of its own that torch >= 2.6 refuses; importing mace sets this variable, which allows it, and
#: leaves it set, so that every later ``torch.load`` in the process would unpickle anything.
_VARIABLE = "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"


@cache
def mace_modules() -> Any:
    """``mace.modules``; imported before e3nn, with the environment variable that this needs taken back afterwards."""
    before = os.environ.get(_VARIABLE)
    try:
        with quiet():
            import_module("mace")  # before anything that imports e3nn
            found = import_module("mace.modules")
    finally:
        if before is None:
            os.environ.pop(_VARIABLE, None)
        else:
            os.environ[_VARIABLE] = before
    return found


def torch_dtype(name: str) -> Any:
    """Torch's number type of that name.

    Raises
    ------
    HarnessError
        When MACE does not run in it.
    """
    import torch

    if name not in DTYPES:
        raise unknown_choice("number type of mace", name, DTYPES)
    return getattr(torch, name)


def versions() -> dict[str, str]:
    """Versions that decide the numbers."""
    return package_versions("harness-mace", "mace-torch", "torch", "e3nn")
