"""Calls into a backend that leave the process as it was: torch's global state, standard output, warnings."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

from harness.errors import HarnessError

__all__ = ["quiet", "torch_device", "torch_state"]


@contextmanager
def quiet() -> Iterator[None]:
    """A block whose warnings, and what it prints on standard output, are dropped."""
    with redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def torch_state(dtype: Any = None, seed: int | None = None) -> Iterator[None]:
    """A block after which torch's default number type and random numbers are what they were.

    Parameters
    ----------
    dtype
        Torch's default number type inside the block; None: as it is.
    seed
        Of torch's generator inside the block; None: as it is.
    """
    import torch

    kept = torch.get_default_dtype()
    with torch.random.fork_rng(devices=[]):
        if seed is not None:
            torch.manual_seed(seed)
        try:
            if dtype is not None:
                torch.set_default_dtype(dtype)
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
