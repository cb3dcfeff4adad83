"""ASE calculator: energy, forces, stress, dipole and Born charges from the kernels."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ase import Atoms
from ase.data import atomic_numbers, chemical_symbols

from harness.errors import HarnessError
from harness.potentials.backend import torch_state
from harness.potentials.calculator import PotentialCalculator
from harness_allegro_dream.compiled import Kernel, cache_entry, compiled_kernel, eager_kernel
from harness_allegro_dream.edges import EdgeList, Edges
from harness_allegro_dream.network import DTYPES, Hyperparameters

__all__ = ["BORN", "ENGINES", "AllegroDreamCalculator"]

ENGINES = ("auto", "compiled", "eager")
#: Atoms that `auto` evaluates uncompiled before it compiles a kernel: about as long as the compilation takes.
PATIENCE = {"forces": 200_000, "responses": 100_000}

BORN = "born_effective_charges"


class AllegroDreamCalculator(PotentialCalculator):
    """Energy (eV), energies, forces (eV/Å), stress (eV/Å³), dipole and atomic dipoles (e Å), Born charges (e).

    The dipole is the sum of the atomic dipoles, which depend on the vectors between atoms alone: it has no branches,
    and does not change when everything is translated. Born charges are its derivatives, computed when asked for.

    Parameters
    ----------
    model
        File of `modelfile`.
    hyper
        Its hyperparameters.
    engine
        ``compiled`` (`compiled.compiled_kernel`; uncompiled with a warning where that fails), ``eager``, or ``auto``:
        compiled when the cache has it or after `PATIENCE`.
    piece
        Atoms that are evaluated at a time; bounds the memory.
    """

    implemented_properties = [  # noqa: RUF012 (ASE's way)
        "energy", "free_energy", "energies", "forces", "stress", "dipole", "atomic_dipoles", BORN,
    ]  # fmt: skip

    def __init__(
        self, model: Path, hyper: Hyperparameters, device: str = "cpu", dtype: str = "float64",
        engine: str = "auto", piece: int = 128,
    ) -> None:  # fmt: skip
        super().__init__()
        self.model, self.hyper, self.device, self.dtype = model, hyper, device, dtype
        self.engine, self.piece = engine, piece
        self._edges = EdgeList(hyper.r_max)
        self._kernels: dict[tuple[str, str], Kernel] = {}
        self._evaluated = dict.fromkeys(PATIENCE, 0)
        self._cached: dict[str, bool] = {}
        self._type = np.full(len(chemical_symbols), -1, dtype=np.int64)
        for index, symbol in enumerate(hyper.type_names):
            self._type[atomic_numbers[symbol]] = index

    def _compute(self, atoms: Atoms, properties: Collection[str]) -> dict[str, Any]:
        types = self._types(atoms)
        edges = self._edges(atoms)
        energies, gradient, dipoles, slopes = self._evaluate(edges, types, BORN in properties)
        energies = energies + np.asarray(self.hyper.energy_references)[types]
        energy = float(energies.sum())
        if not np.isfinite(energy):
            raise HarnessError("allegro_dream gave an energy that is not a number.", "Atoms may lie on one another.")
        found: dict[str, Any] = {
            "energy": energy,
            "energies": energies,
            "forces": -_scatter(edges, gradient, len(types)),
            "strain_derivative": edges.vectors.T @ gradient,
            "dipole": dipoles.sum(axis=0),
            "atomic_dipoles": dipoles,
        }
        if slopes is not None:
            found[BORN] = _scatter(edges, slopes, len(types))
        return found

    def _evaluate(
        self, edges: Edges, types: np.ndarray, responses: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
        """Energies (n,), ∂E/∂vectors, atomic dipoles (n, 3), ∂P/∂vectors or None; piece by piece.

        Only the type of a neighbour matters, so that each piece has one additional node for each type instead of
        the neighbours themselves. These nodes also carry two edges as long as the cutoff, which contribute nothing:
        compiled kernels take no fewer than two.
        """
        kernel = self._kernel("responses" if responses else "forces", len(types))
        n, kinds = len(types), len(self.hyper.type_names)
        ends = np.searchsorted(edges.centres, np.arange(0, n + self.piece, self.piece))
        idle = np.tile([self.hyper.r_max, 0.0, 0.0], (2, 1))
        parts: list[list[np.ndarray]] = []
        with torch_state(DTYPES[self.dtype]):
            for k, (first, last) in enumerate(zip(ends, ends[1:], strict=False)):
                start = k * self.piece
                here = types[start : start + self.piece]
                size = len(here)
                index = np.full((2, last - first + 2), size, dtype=np.int64)
                index[0, :-2] = edges.centres[first:last] - start
                index[1, :-2] += types[edges.neighbours[first:last]]
                inputs = (
                    np.concatenate((edges.vectors[first:last], idle)), index,
                    np.concatenate((here, np.arange(kinds))),
                )  # fmt: skip
                out = kernel(*(torch.from_numpy(x).to(self.device) for x in inputs))
                values = [x.detach().cpu().numpy().astype(float) for x in out]
                # edges end with the two idle ones, atoms with the additional nodes
                parts.append([v[:size] if i in (0, 2) else v[:-2] for i, v in enumerate(values)])
        joined = [np.concatenate(column) for column in zip(*parts, strict=True)]
        return joined[0], joined[1], joined[2], joined[3] if responses else None

    def _kernel(self, name: str, natoms: int) -> Kernel:
        """The kernel for the next evaluation; one that could not be compiled stays uncompiled."""
        done, self._evaluated[name] = self._evaluated[name], self._evaluated[name] + natoms
        engine = self.engine
        if engine == "auto":
            if name not in self._cached:
                self._cached[name] = cache_entry(self.model, name, self.device, self.dtype).is_file()
            engine = "compiled" if self._cached[name] or done > PATIENCE[name] else "eager"
        if (name, engine) not in self._kernels:
            made = compiled_kernel(self.model, name, self.device, self.dtype) if engine == "compiled" else None
            self._kernels[name, engine] = made or eager_kernel(self.model, name, self.device, self.dtype)
        return self._kernels[name, engine]

    def _types(self, atoms: Atoms) -> np.ndarray:
        types: np.ndarray = self._type[atoms.numbers]
        if types.min(initial=0) < 0:
            wrong = chemical_symbols[int(atoms.numbers[int(np.argmin(types))])]
            raise HarnessError(f"the model '{self.model.name}' does not know the element {wrong}; "
                               f"it knows {', '.join(self.hyper.type_names)}.",
                               "Choose a material of these elements, or a model fitted to it.")  # fmt: skip
        return types


def _scatter(edges: Edges, slope: np.ndarray, natoms: int) -> np.ndarray:
    """∂/∂positions (n, …) from ∂/∂vectors (edges, …); its sum over the atoms is zero."""
    columns = slope.reshape(len(slope), int(np.prod(slope.shape[1:]))).T
    ends = ((edges.neighbours, 1.0), (edges.centres, -1.0))
    sums = [sum(sign * np.bincount(i, column, natoms) for i, sign in ends) for column in columns]
    return np.stack(sums, axis=1).reshape(natoms, *slope.shape[1:])
