"""Structures as the graphs that MACE takes, with the cell as it is.

mace's own conversion replaces the vectors of open directions by very long ones, so that its stress is divided by the
volume of that other cell, and its cell lists grow with it. Here the cell stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers

from harness.errors import HarnessError
from harness.materials.neighbours import find_pairs

__all__ = ["collate", "graph"]


def graph(atoms: Atoms, elements: Sequence[str], cutoff: float, device: Any = "cpu") -> dict[str, Any]:
    """One structure as MACE's dictionary of tensors, in torch's default number type.

    Parameters
    ----------
    atoms
        The structure.
    elements
        Chemical symbols, in the order of the model's types.
    cutoff
        Å.
    device
        Of the tensors.

    Raises
    ------
    HarnessError
        For an element that is not among `elements`.
    """
    import torch

    real = {"dtype": torch.get_default_dtype(), "device": device}
    whole = {"dtype": torch.int64, "device": device}
    pairs = find_pairs(atoms, cutoff)
    n = len(atoms)
    attributes = np.zeros((n, len(elements)))
    attributes[np.arange(n), _types(atoms, elements)] = 1.0
    return {
        "positions": torch.tensor(atoms.positions, **real),
        "cell": torch.tensor(atoms.cell.array, **real),
        "node_attrs": torch.tensor(attributes, **real),
        "edge_index": torch.tensor(np.stack([pairs.i, pairs.j]), **whole),
        "unit_shifts": torch.tensor(pairs.images, **real),
        "shifts": torch.tensor(pairs.shifts, **real),
        "charges": torch.zeros(n, **real),  # of a dipole from fixed charges, which would depend on the origin
        "batch": torch.zeros(n, **whole),
        "ptr": torch.tensor([0, n], **whole),
        "head": torch.zeros(1, **whole),
    }


def collate(graphs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Several graphs as one; graph `k` has the atoms ``ptr[k]`` to ``ptr[k + 1]``."""
    import torch

    sizes = torch.tensor([0, *(len(g["batch"]) for g in graphs)])
    ptr = torch.cumsum(sizes, 0)
    joined = {
        key: torch.cat([g[key] for g in graphs]) for key in graphs[0] if key not in ("edge_index", "batch", "ptr")
    }
    joined["edge_index"] = torch.cat([g["edge_index"] + ptr[k] for k, g in enumerate(graphs)], dim=1)
    joined["batch"] = torch.repeat_interleave(torch.arange(len(graphs)), sizes[1:])
    joined["ptr"] = ptr
    return joined


def _types(atoms: Atoms, elements: Sequence[str]) -> np.ndarray:
    """Index of each atom's element in the model's list."""
    kind = np.full(int(max(atoms.numbers, default=0)) + 1, -1)
    for k, symbol in enumerate(elements):
        if atomic_numbers[symbol] < len(kind):
            kind[atomic_numbers[symbol]] = k
    types = kind[atoms.numbers]
    if types.min(initial=0) < 0:
        wrong = atoms.symbols[int(np.argmin(types))]
        raise HarnessError(f"the MACE model does not know the element {wrong}; it knows {', '.join(elements)}.",
                           "Choose a material of these elements, or a model fitted to it.")  # fmt: skip
    return np.asarray(types)
