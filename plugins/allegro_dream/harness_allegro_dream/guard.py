"""Keep global state as it was: torch's default number type and random numbers, and those of Python and NumPy."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

__all__ = ["process_state", "torch_state"]


@contextmanager
def torch_state(dtype: torch.dtype | None = None) -> Iterator[None]:
    """Run a block with its own default dtype, and put back dtype and random numbers.

    nequip sets the default dtype to float64 when it loads its first model, which breaks other backends in the same
    process; and models that it compiled return NaN when it is float32 again.
    """
    before, state = torch.get_default_dtype(), torch.get_rng_state()
    try:
        if dtype is not None:
            torch.set_default_dtype(dtype)
        yield
    finally:
        torch.set_default_dtype(before)
        torch.set_rng_state(state)


@contextmanager
def process_state(dtype: torch.dtype | None = None) -> Iterator[None]:
    """`torch_state`, and also the random numbers of Python and NumPy and the environment variables.

    The first model that nequip loads seeds all of them, with 123.
    """
    python, numpy, variables = random.getstate(), np.random.get_state(), dict(os.environ)  # noqa: NPY002 (what nequip seeds)
    try:
        with torch_state(dtype):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
        for name in set(os.environ) - set(variables):
            del os.environ[name]
        os.environ.update(variables)
