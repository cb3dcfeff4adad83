"""The import of mace, and torch's global state around every call into it."""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

from harness.errors import HarnessError, unknown
from harness.registry.provenance import package_versions

__all__ = ["DTYPES", "mace_modules", "torch_dtype", "torch_state", "versions"]

DTYPES = ("float64", "float32")
#: e3nn 0.4.4 loads a file of its own that torch >= 2.6 refuses; importing mace sets this variable, which allows it, and
#: leaves it set, so that every later ``torch.load`` in the process would unpickle anything.
_VARIABLE = "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"


@cache
def mace_modules() -> Any:
    """``mace.modules``; imported before e3nn, with the environment variable that this needs taken back afterwards."""
    before = os.environ.get(_VARIABLE)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
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
        raise unknown("number type of mace", name, DTYPES)
    return getattr(torch, name)


@contextlib.contextmanager
def torch_state(dtype: str, seed: int | None = None) -> Iterator[None]:
    """Torch's default number type and random state for a block, as they were afterwards.

    Parameters
    ----------
    seed
        Of torch's generator inside the block; None: as it is.
    """
    import torch

    kept = torch.get_default_dtype()
    with torch.random.fork_rng(devices=[]):
        if seed is not None:
            torch.manual_seed(seed)
        torch.set_default_dtype(torch_dtype(dtype))
        try:
            yield
        finally:
            torch.set_default_dtype(kept)


def torch_device(name: str) -> Any:
    """Torch's device of that name.

    Raises
    ------
    HarnessError
        When there is no such device here.
    """
    import torch

    if name == "cuda" and not torch.cuda.is_available():
        raise HarnessError("torch finds no CUDA device here.", "Give device=cpu, or install torch for CUDA.")
    return torch.device(name)


def versions() -> dict[str, str]:
    """Versions that decide the numbers."""
    return package_versions("harness-mace", "mace-torch", "torch", "e3nn")
