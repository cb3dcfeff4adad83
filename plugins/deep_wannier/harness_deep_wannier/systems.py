"""Frames of a data set as deepmd's training systems: folders of NumPy arrays, one for each composition."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.stress import voigt_6_to_full_3x3_stress

from harness.materials.layers import assign_layers
from harness_deep_wannier.boxes import box
from harness_deep_wannier.cores import Cores

__all__ = ["centroid_labels", "write_systems"]


def write_systems(
    frames: Sequence[Atoms], folder: Path, species: Sequence[str], cutoff: float, cores: Cores | None = None
) -> list[str]:
    """Write frames with their labels; returns the names of the systems, folders in `folder`.

    Parameters
    ----------
    cores
        Given for dipole models: labels are those of `centroid_labels`. None: energies (eV), forces (eV/Å) and virials
        (eV).
    """
    groups: dict[tuple[int, ...], list[Atoms]] = {}
    for atoms in frames:
        unsorted = [species.index(symbol) for symbol in atoms.symbols]
        order = np.argsort(unsorted, kind="stable")
        in_order = atoms[order]
        in_order.calc = _Sorted(atoms, order)
        groups.setdefault(tuple(sorted(unsorted)), []).append(in_order)
    names = []
    for kinds, group in groups.items():
        names.append("-".join(f"{s}{kinds.count(i)}" for i, s in enumerate(species)))
        place = folder / names[-1]
        (place / "set.000").mkdir(parents=True)
        (place / "type.raw").write_text("".join(f"{kind}\n" for kind in kinds))
        (place / "type_map.raw").write_text("".join(f"{s}\n" for s in species))
        arrays: dict[str, list[np.ndarray]] = {}
        for atoms in group:
            cell = box(atoms, cutoff)
            labels = {"coord": atoms.positions, "box": cell}
            labels |= _energy_labels(atoms) if cores is None else centroid_labels(atoms, cores)
            for key, value in labels.items():
                arrays.setdefault(key, []).append(np.asarray(value, dtype=float).ravel())
        for key, values in arrays.items():
            np.save(place / "set.000" / f"{key}.npy", np.array(values))
    return names


class _Sorted:
    """The labels of a frame whose atoms were put into another order."""

    def __init__(self, atoms: Atoms, order: np.ndarray) -> None:
        assert atoms.calc is not None
        self.results = dict(atoms.calc.results)
        if "forces" in self.results:
            self.results["forces"] = self.results["forces"][order]


def _energy_labels(atoms: Atoms) -> dict[str, np.ndarray]:
    results = atoms.calc.results
    virial = -atoms.get_volume() * voigt_6_to_full_3x3_stress(results["stress"])
    return {"energy": np.array(results["energy"]), "force": results["forces"], "virial": virial}


def centroid_labels(atoms: Atoms, cores: Cores) -> dict[str, np.ndarray]:
    """Displacements of centroids (Å), their sum and its derivatives, from the dipoles and Born charges of a frame.

    The sum along z comes from the charge density. Where the Wannier centres were not extrapolated in the height of the
    cell (frames without ``height``), how that sum is shared among the atoms is not known: ``atomic_known`` is zero.
    The acoustic sum rule, which the linear response obeys only within its own accuracy and the model exactly, is
    imposed by taking the mean off. ``atomic_layer`` is +1 and -1 in the upper and lower half of the layers.
    """
    carrier = np.isin(atoms.symbols, cores.carriers)
    ionic, slope = cores.of(atoms)
    born = atoms.arrays["born_charges"].reshape(-1, 3, 3)
    born = born - born.mean(axis=0)
    rigid = slope[:, None, None] * np.eye(3)
    known = np.ones((int(carrier.sum()), 3))
    if "height" not in atoms.info:
        known[:, 2] = 0.0
    layers = assign_layers(atoms)
    side = np.sign(layers - layers.mean()) if layers.max() > 0 else np.zeros(len(atoms))
    return {
        "dipole": (atoms.calc.results["dipole"] - ionic.sum(axis=0)) / cores.centroid,
        "atomic_dipole": (atoms.arrays["atomic_dipoles"] - ionic)[carrier] / cores.centroid,
        "atomic_known": known,
        "atomic_derivative": (born - rigid) / cores.centroid,
        "atomic_layer": side,
    }
