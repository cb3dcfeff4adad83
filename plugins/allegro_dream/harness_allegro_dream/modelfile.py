"""Model files: weights as safetensors with the hyperparameters in the header; reading one executes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from harness.errors import HarnessError
from harness_allegro_dream.network import DTYPES, AllegroDream, Hyperparameters, build

__all__ = ["FORMAT", "SUFFIX", "header", "load", "save"]

FORMAT = "allegro_dream/1"
SUFFIX = ".safetensors"
_MEND = "Give a file that `python -m harness.fit potential=allegro_dream` wrote, or one of NequIP's own formats."


def save(path: Path, network: AllegroDream, weights: dict[str, torch.Tensor] | None = None) -> None:
    """Write a network; `weights` replace its own (those averaged in training)."""
    found = network.state_dict() if weights is None else weights
    tensors = {name: value.detach().to(torch.float64).contiguous().clone() for name, value in found.items()}
    # one entry alone: safetensors writes several in any order, and equal models should be equal files
    save_file(tensors, path, {FORMAT: json.dumps(network.hyper.as_dict())})
    path.chmod(0o644)  # safetensors writes files that only their owner may read


def header(path: Path) -> Hyperparameters:
    """The hyperparameters of a model file.

    Raises
    ------
    HarnessError
        When the file is truncated, or is not a model of this kind.
    """
    return _read(path)[0]


def load(path: Path, dtype: str = "float64") -> AllegroDream:
    """The network of a model file, in evaluation mode and without gradients of its weights.

    Raises
    ------
    HarnessError
        As `header`; also when weights are missing, have the wrong shape or are not finite.
    """
    hyper, tensors = _read(path)
    network = build(hyper, dtype)
    expected = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    for name, shape in expected.items():
        if name not in tensors:
            raise HarnessError(f"the model '{path.name}' lacks the weights '{name}'.", _MEND)
        if tuple(tensors[name].shape) != shape:
            raise HarnessError(f"the weights '{name}' of the model '{path.name}' have shape "
                               f"{tuple(tensors[name].shape)}, not {shape}.", _MEND)  # fmt: skip
        if not bool(torch.isfinite(tensors[name]).all()):
            raise HarnessError(f"the weights '{name}' of the model '{path.name}' are not finite.", _MEND)
    network.load_state_dict({name: tensors[name].to(DTYPES[dtype]) for name in expected})
    network.eval().requires_grad_(False)
    return network


def _read(path: Path) -> tuple[Hyperparameters, dict[str, torch.Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            metadata: dict[str, Any] = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise HarnessError(f"'{path.name}' is not a whole safetensors file: {reason}.", _MEND) from error
    if FORMAT not in metadata:
        raise HarnessError(f"'{path.name}' holds weights, but is not a model of allegro_dream.", _MEND)
    try:
        values = json.loads(metadata[FORMAT])
    except ValueError as error:
        raise HarnessError(f"the hyperparameters of '{path.name}' are not JSON: {error}.", _MEND) from error
    if not isinstance(values, dict):
        raise HarnessError(f"the hyperparameters of '{path.name}' are no JSON object.", _MEND)
    return Hyperparameters.of(values), tensors
