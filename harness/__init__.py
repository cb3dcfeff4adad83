"""Benchmark of machine-learned interatomic potentials for two-dimensional polar materials."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from harness.errors import HarnessError, UnsupportedError
from harness.hookspecs import hookimpl
from harness.protocols import Check, Measurement
from harness.quantity import Quantity

try:
    __version__ = version("mlip-harness")
except PackageNotFoundError:  # run from a source tree that is not installed
    __version__ = "0+unknown"

__all__ = ["Check", "HarnessError", "Measurement", "Quantity", "UnsupportedError", "__version__", "hookimpl"]
