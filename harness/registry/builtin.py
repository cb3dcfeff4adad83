"""What the core itself brings: any ASE calculator as a potential, a material prototype, and facts about the host."""

from __future__ import annotations

import importlib
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import hookimpl
from harness.contracts.parameters import FileArguments
from harness.errors import HarnessError, unknown_choice
from harness.registry.files import sha256

if TYPE_CHECKING:
    from ase.calculators.calculator import BaseCalculator


class ASEPotential:
    """Any ASE calculator, tried without writing a plugin.

    Parameters
    ----------
    calculator
        ``package.module:factory``, where the factory (a function or a calculator class) returns an ASE calculator.
    kwargs
        Keyword arguments of the factory.
    level_of_theory
        What the calculator was fitted to, e.g. ``PBE-D3(BJ)``, so that it is scored against the right reference.

    Raises
    ------
    HarnessError
        When the factory cannot be imported.
    """

    name = "ase"
    elements = None
    devices = ("cpu", "cuda")  # the factory's own affair
    dtypes = ("float64", "float32")

    def __init__(
        self, calculator: str, kwargs: FileArguments | None = None, level_of_theory: str | None = None
    ) -> None:
        module_name, separator, attribute = calculator.partition(":")
        if not separator:
            raise HarnessError(
                f"'{calculator}' does not name a factory.",
                "Give potential.params.calculator=package.module:factory, e.g. ase.calculators.emt:EMT.",
            )
        try:
            module = importlib.import_module(module_name)
        except ImportError as error:
            raise HarnessError(
                f"cannot import '{module_name}' ({error}).",
                "Install it in this Python, or run from the folder that holds it.",
            ) from error
        if not hasattr(module, attribute):
            raise unknown_choice(f"factory of {module_name}", attribute, [n for n in dir(module) if n[0] != "_"][:40])
        self._factory = getattr(module, attribute)
        self._source = calculator
        self._kwargs = dict(kwargs or {})
        self._level = level_of_theory
        self._file = getattr(module, "__file__", None)
        self.implemented_properties = tuple(self.calculator().implemented_properties)

    def calculator(self, device: str = "cpu", dtype: str = "float64") -> BaseCalculator:
        """A new calculator from the factory; `device` and `dtype` are the factory's own affair."""
        try:
            return self._factory(**self._kwargs)
        except TypeError as error:
            raise HarnessError(
                f"{self._source} refused its arguments: {error}.",
                "Set them as +potential.params.kwargs.NAME=VALUE.",
            ) from error

    def provenance(self) -> dict[str, Any]:
        """The factory, its arguments, and the hash of the module's file."""
        source = {"factory": self._source, "kwargs": self._kwargs}
        if self._file and Path(self._file).is_file():
            source["sha256"] = sha256(Path(self._file))
        return {"form": "ASE calculator", "model": source, "level_of_theory": self._level}


@hookimpl
def harness_potentials() -> dict[str, Any]:
    """The built-in potential."""
    return {"ase": ASEPotential}


@hookimpl
def harness_materials() -> dict[str, Any]:
    """The built-in prototype."""
    from harness.materials.honeycomb import honeycomb

    return {"honeycomb": honeycomb}


@hookimpl
def harness_describe_host(host: dict[str, str]) -> None:
    """Processor, cores, operating system, Python and the numerical libraries."""
    import ase
    import numpy as np
    import scipy

    host["system"] = f"{platform.system()} {platform.release()} {platform.machine()}"
    host["processor"] = _processor()
    host["cores"] = str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())
    host["python"] = platform.python_version()
    host["ase"], host["numpy"], host["scipy"] = ase.__version__, np.__version__, scipy.__version__


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
