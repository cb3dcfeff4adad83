"""Keep global state as it was: torch's default number type and random numbers, and those of Python and NumPy."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from harness.potentials.backend import torch_state

__all__ = ["process_state"]


@contextmanager
def process_state(dtype: torch.dtype | None = None) -> Iterator[None]:
    """`torch_state`, and also the random numbers of Python and NumPy and the environment variables.

    The first model that nequip loads seeds all of them, with 123, and makes float64 torch's default number type.
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
