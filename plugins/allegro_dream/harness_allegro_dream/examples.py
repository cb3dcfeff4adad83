"""Labelled frames as tensors, and batches of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from ase import Atoms

from harness.materials.layers import assign_layers
from harness_allegro_dream.edges import edges_of

__all__ = ["Batch", "Example", "batch", "examples", "reference_energies"]

#: Components of a virial that a sheet has: xx, yy, xy.
IN_PLANE = ([0, 1, 0], [0, 1, 1])


@dataclass(frozen=True)
class Example:
    """One frame; energies relative to the references, all per frame or per atom in ASE's units.

    Attributes
    ----------
    virial
        ∂E/∂strain in the plane: xx, yy, xy, (3,), eV; nan without a label.
    born
        (n, 3, 3), polarization first, with the sum rule imposed; None for a frame without responses.
    dipole_z, atomic_dipoles
        e Å; components without a good label are nan.
    """

    name: str
    types: np.ndarray
    edges: np.ndarray
    vectors: np.ndarray
    energy: float
    forces: np.ndarray
    virial: np.ndarray
    layers: np.ndarray
    born: np.ndarray | None = None
    dipole_z: float = float("nan")
    atomic_dipoles: np.ndarray | None = None


def reference_energies(frames: Sequence[Atoms], type_names: Sequence[str]) -> tuple[float, ...]:
    """Energy of an atom of each type, by least squares (the smallest solution where the data do not tell), eV."""
    counts = np.array([[np.count_nonzero(atoms.symbols == t) for t in type_names] for atoms in frames], dtype=float)
    energies = np.array([atoms.get_potential_energy() for atoms in frames])
    return tuple(float(x) for x in np.linalg.lstsq(counts, energies, rcond=None)[0])


def examples(
    frames: Sequence[Atoms], type_names: Sequence[str], references: Sequence[float], cutoff: float
) -> list[Example]:
    """Frames of `harness.data.dataset.Dataset.frames` as examples.

    Parameters
    ----------
    frames
        Labelled structures.
    type_names
        Chemical symbols, in the order of the model's types.
    references
        Energy of a free atom of each type, eV.
    cutoff
        Å.
    """
    return [_example(atoms, list(type_names), np.asarray(references), cutoff) for atoms in frames]


def _example(atoms: Atoms, type_names: list[str], references: np.ndarray, cutoff: float) -> Example:
    assert atoms.calc is not None
    labels = atoms.calc.results
    types = np.array([type_names.index(s) for s in atoms.symbols], dtype=np.int64)
    found = edges_of(atoms, cutoff)
    virial = np.full(3, np.nan)
    if labels.get("stress") is not None and atoms.cell.rank == 3:
        virial = np.asarray(labels["stress"], dtype=float)[[0, 1, 5]] * atoms.get_volume()
    born = dipoles = None
    dipole_z = float("nan")
    if "born_charges" in atoms.arrays:
        born = atoms.arrays["born_charges"].reshape(-1, 3, 3)
        born = born - born.mean(axis=0)  # the labels break the sum rule by their noise, which no model can follow
        dipoles = _dipoles(atoms)
        dipole_z = float(atoms.info.get("dipole_z", np.nan))
    return Example(
        name=str(atoms.info.get("name", "")),
        types=types,
        edges=np.stack((found.centres, found.neighbours)),
        vectors=found.vectors,
        energy=float(labels["energy"]) - float(references[types].sum()),
        forces=np.asarray(labels["forces"], dtype=float),
        virial=virial,
        layers=np.unique(assign_layers(atoms), return_inverse=True)[1],
        born=born,
        dipole_z=dipole_z,
        atomic_dipoles=dipoles,
    )


def _dipoles(atoms: Atoms) -> np.ndarray:
    """Atomic dipoles where they are labelled well; along z only where centres were extrapolated (``height``)."""
    if "atomic_dipoles" not in atoms.arrays:
        return np.full((len(atoms), 3), np.nan)
    dipoles = np.array(atoms.arrays["atomic_dipoles"], dtype=float)
    if "height" not in atoms.info:
        dipoles[:, 2] = np.nan
    return dipoles


@dataclass(frozen=True)
class Batch:
    """Examples laid end to end; `frame` and `layer` say which each atom belongs to (layers counted through)."""

    vectors: torch.Tensor
    edges: torch.Tensor
    types: torch.Tensor
    frame: torch.Tensor
    layer: torch.Tensor
    sizes: torch.Tensor
    energy: torch.Tensor
    forces: torch.Tensor
    virial: torch.Tensor
    born: torch.Tensor | None
    dipole_z: torch.Tensor
    atomic_dipoles: torch.Tensor | None


def batch(chosen: Sequence[Example], dtype: torch.dtype, responses: bool = False) -> Batch:
    """Lay examples end to end; `responses`: with Born charges and dipoles, which all of them have to have."""
    sizes = np.array([len(e.types) for e in chosen])
    first = np.concatenate(([0], np.cumsum(sizes)))
    lowest = np.concatenate(([0], np.cumsum([e.layers.max() + 1 for e in chosen])))

    def real(values: Sequence[np.ndarray] | np.ndarray) -> torch.Tensor:
        return torch.as_tensor(np.concatenate(values) if isinstance(values, list) else np.asarray(values)).to(dtype)

    return Batch(
        vectors=real([e.vectors for e in chosen]),
        edges=torch.as_tensor(np.concatenate([e.edges + n for e, n in zip(chosen, first, strict=False)], axis=1)),
        types=torch.as_tensor(np.concatenate([e.types for e in chosen])),
        frame=torch.as_tensor(np.repeat(np.arange(len(chosen)), sizes)),
        layer=torch.as_tensor(np.concatenate([e.layers + n for e, n in zip(chosen, lowest, strict=False)])),
        sizes=real(sizes),
        energy=real(np.array([e.energy for e in chosen])),
        forces=real([e.forces for e in chosen]),
        virial=real(np.array([e.virial for e in chosen])),
        born=real([e.born for e in chosen if e.born is not None]) if responses else None,
        dipole_z=real(np.array([e.dipole_z for e in chosen])),
        atomic_dipoles=real([e.atomic_dipoles for e in chosen if e.atomic_dipoles is not None]) if responses else None,
    )
