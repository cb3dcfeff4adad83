"""Benchmark of machine-learned interatomic potentials for two-dimensional polar materials.

The modules in this folder are the commands (``python -m harness``, ``python -m harness.NAME``) and the ground that all
else stands on (`errors`, `stats`, `units`). Everything else lies in packages by layer. A plugin marks what it brings
with `hookimpl`.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from pluggy import HookimplMarker

try:
    __version__ = version("mlip-harness")
except PackageNotFoundError:  # run from a source tree that is not installed
    __version__ = "0+unknown"

hookimpl = HookimplMarker("harness")
