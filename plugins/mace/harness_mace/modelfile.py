"""Model files: ``.mace`` of this plugin, which holds numbers only, and mace's own ``.model``, which is a pickle.

A ``.mace`` file is a NumPy archive of the trained parameters and of the hyperparameters as JSON. Reading one executes
nothing. A ``.model`` is a pickled object: unpickling can run any code that its maker put there.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from ase.data import chemical_symbols

from harness.errors import HarnessError
from harness.potentials.backend import torch_state
from harness_mace.architecture import Architecture, build
from harness_mace.backend import mace_modules, torch_dtype

__all__ = ["SUFFIX", "executes_code", "load", "read_architecture", "write"]

SUFFIX = ".mace"
_SETTINGS = "architecture"
_MEND = "Give a .mace file (harness.fit writes them) or a .model of mace_run_train, of the right kind and whole."


def executes_code(path: Path) -> bool:
    """Whether reading the file can run code that it contains."""
    return path.suffix != SUFFIX


def write(path: Path, model: Any, architecture: Architecture) -> None:
    """Write the parameters of a model, in single precision, as a ``.mace`` file."""
    arrays: dict[str, Any] = {
        name: value.detach().cpu().numpy().astype(np.float32) for name, value in model.named_parameters()
    }
    arrays[_SETTINGS] = np.array(json.dumps(architecture.facts()))
    with path.open("wb") as stream:  # a path would get the suffix .npz
        np.savez_compressed(stream, **arrays)


def read_architecture(path: Path) -> Architecture:
    """The hyperparameters in a ``.mace`` file.

    Raises
    ------
    HarnessError
        When it is not one, or not whole.
    """
    return _read(path)[0]


def load(path: Path) -> tuple[Any, list[str]]:
    """A model, in double precision, and its elements from a file of either kind; code in a ``.model`` is executed.

    Raises
    ------
    HarnessError
        When the file holds no MACE model, or is not whole.
    """
    if executes_code(path):
        return _unpickle(path)
    import torch

    architecture, arrays = _read(path)
    model = build(architecture)
    parameters = dict(model.named_parameters())
    if set(parameters) != set(arrays) or any(parameters[k].shape != arrays[k].shape for k in arrays):
        raise HarnessError(f"'{path.name}' does not hold the parameters of the model that it describes.", _MEND)
    with torch.no_grad():
        for name, value in arrays.items():
            parameters[name].copy_(torch.as_tensor(value))
    return model, list(architecture.elements)


def _read(path: Path) -> tuple[Architecture, dict[str, np.ndarray]]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        architecture = Architecture.read(json.loads(str(arrays.pop(_SETTINGS))))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise HarnessError(f"'{path.name}' is no whole .mace file: {_first_line(error)}.", _MEND) from error
    if not all(np.isfinite(value).all() for value in arrays.values()):
        raise HarnessError(f"'{path.name}' holds parameters that are not numbers.", _MEND)
    return architecture, arrays


def _unpickle(path: Path) -> tuple[Any, list[str]]:
    import torch

    mace_modules()  # the classes in the pickle
    if not zipfile.is_zipfile(path):
        raise HarnessError(f"'{path.name}' is no model that torch has saved, or not all of it.", _MEND)
    with zipfile.ZipFile(path) as archive:
        if any(name.endswith("constants.pkl") for name in archive.namelist()):
            raise HarnessError(f"'{path.name}' is a compiled MACE model (TorchScript).",
                               "Give the .model that it was made of.")  # fmt: skip
    try:
        with torch_state(torch_dtype("float64")):
            model = torch.load(path, map_location="cpu", weights_only=False)
    except Exception as error:  # a pickle of anything may fail in any way
        raise HarnessError(f"'{path.name}' cannot be loaded: {_first_line(error)}.", _MEND) from error
    if not isinstance(model, torch.nn.Module) or not hasattr(model, "atomic_numbers") or not hasattr(model, "r_max"):
        raise HarnessError(f"'{path.name}' holds a {type(model).__name__}, not a MACE model.", _MEND)
    elements = [chemical_symbols[int(z)] for z in model.atomic_numbers]
    return model.double(), elements


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")[:200]
