"""Labels against predictions: errors by split and family, the same numbers and pictures for every fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.geometry import find_mic
from numpy.typing import ArrayLike

from harness.data.dataset import family
from harness.data.labels import dipole_is_sound, polarizability
from harness.materials.layers import assign_layers
from harness.materials.sheets import sheet_stress
from harness.units import N_PER_M

__all__ = [
    "COMPONENTS",
    "PROPERTIES",
    "SIZED",
    "Calculate",
    "Parity",
    "by_family",
    "errors",
    "in_plane_stress",
    "predict",
    "thermal",
]

#: What can be compared; `predict` adds ``born_layers`` to Born charges.
PROPERTIES = ("energy", "forces", "stress", "dipole", "born_effective_charges", "polarizability")
#: Properties with a matrix for each atom, layer or frame.
MATRICES = ("born_effective_charges", "born_layers", "polarizability")

#: K. The hottest that the tasks go; see `thermal`.
HOTTEST = 2000.0

#: Results of a structure for some properties: ASE's names, units and shapes; Born charges (N, 3, 3).
Calculate = Callable[[Atoms, Sequence[str]], Mapping[str, Any]]
Pair = tuple[list[Any], list[Any]]


@dataclass(frozen=True)
class Parity:
    """Labels and predictions of some frames.

    Attributes
    ----------
    names
        Of the frames.
    sizes
        Numbers of atoms, (M,).
    values
        By property, labels and predictions, each with one entry per frame: ``energy`` (eV), ``forces`` (N, 3) in eV/Å,
        ``stress`` (3,): sheet stress xx, yy, xy in N/m, ``dipole`` (3,) in e Å, ``born_effective_charges`` (N, 3, 3)
        in e with the polarization first, ``born_layers`` (layers, 3, 3): their sums over the atoms of each layer of a
        stack, and ``polarizability`` (3, 3) in Å³. nan where a frame has no label, or none exact enough.
    """

    names: list[str]
    sizes: np.ndarray
    values: dict[str, Pair]

    def pick(self, index: Sequence[int] | np.ndarray) -> Parity:
        """The frames of an index."""
        chosen = [int(i) for i in index]
        values = {key: ([a[i] for i in chosen], [b[i] for i in chosen]) for key, (a, b) in self.values.items()}
        return Parity([self.names[i] for i in chosen], np.asarray(self.sizes)[chosen], values)

    def flat(self, key: str) -> tuple[np.ndarray, np.ndarray]:
        """Labels and predictions of a property, frames one after the other: energies (M,), else (…, 3) or (…, 3, 3)."""
        shape = () if key == "energy" else (3, 3) if key in MATRICES else (3,)
        reference, model = (
            np.concatenate([np.reshape(v, (-1, *shape)) for v in side] or [np.zeros((0, *shape))])
            for side in self.values[key]
        )
        return reference, model


def predict(
    frames: Sequence[Atoms],
    calculate: Calculate | Any,
    properties: Sequence[str] = ("energy", "forces", "stress"),
    advance: Callable[[], None] | None = None,
) -> Parity:
    """Predictions for labelled frames.

    Parameters
    ----------
    frames
        As from `harness.data.dataset.Dataset.frames`.
    calculate
        An ASE calculator, or a function of structure and property names that gives their results.
    properties
        Of `PROPERTIES`. Dipoles in the plane are compared modulo a lattice vector times e.
    advance
        Called after each frame.
    """
    ask = _ask(calculate) if hasattr(calculate, "get_property") else calculate
    values: dict[str, Pair] = {key: ([], []) for key in properties}
    if "born_effective_charges" in properties:
        values["born_layers"] = ([], [])
    for atoms in frames:
        assert atoms.calc is not None
        bare = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
        results = ask(bare, list(properties))
        labels = _labels(atoms)
        for key in properties:
            reference, model = _comparable(key, labels.get(key), results[key], atoms)
            values[key][0].append(reference)
            values[key][1].append(model)
            if key == "born_effective_charges":
                for side, z in zip(values["born_layers"], (reference, model), strict=True):
                    side.append(_by_layer(z, atoms))
        if advance is not None:
            advance()
    names = [str(atoms.info.get("name", "")) for atoms in frames]
    return Parity(names, np.array([len(atoms) for atoms in frames], dtype=int), values)


def _by_layer(born: np.ndarray, atoms: Atoms) -> np.ndarray:
    """Born charges summed over each layer, (layers, 3, 3); none of a single one, where the sum rule makes them zero."""
    layers = assign_layers(atoms)
    if layers.max(initial=0) == 0:
        return np.zeros((0, 3, 3))
    return np.array([born[layers == layer].sum(axis=0) for layer in np.unique(layers)])


def in_plane_stress(stress: ArrayLike | None, atoms: Atoms) -> np.ndarray:
    """Sheet stress xx, yy, xy (N/m) of a stress in ASE's form (eV/Å³); nan without one, or without a volume."""
    if stress is None or atoms.cell.rank < 3:
        return np.full(3, np.nan)
    return sheet_stress(stress, atoms)[[0, 1, 5]] * N_PER_M


def _ask(calculator: Any) -> Calculate:
    def call(atoms: Atoms, properties: Sequence[str]) -> dict[str, Any]:
        return {key: calculator.get_property(key, atoms) for key in properties}

    return call


def _labels(atoms: Atoms) -> dict[str, Any]:
    assert atoms.calc is not None
    labels = dict(atoms.calc.results)
    if "born_charges" in atoms.arrays:
        labels["born_effective_charges"] = atoms.arrays["born_charges"].reshape(-1, 3, 3)
    if "dielectric" in atoms.info:
        labels["polarizability"] = polarizability(atoms)
    if "dipole" in labels and not dipole_is_sound(atoms):
        labels["dipole"] = np.array([*labels["dipole"][:2], np.nan])
    return labels


def _comparable(key: str, label: Any, result: Any, atoms: Atoms) -> tuple[Any, Any]:
    """Label and prediction of one frame in the units of `Parity`."""
    if key == "stress":
        return in_plane_stress(label, atoms), in_plane_stress(result, atoms)
    if key == "energy":
        return float("nan") if label is None else float(label), float(result)
    shape = {
        "dipole": (3,),
        "polarizability": (3, 3),
        "born_effective_charges": (len(atoms), 3, 3),
    }.get(key, (len(atoms), 3))
    model = np.array(result, dtype=float).reshape(shape)
    reference = np.full(shape, np.nan) if label is None else np.array(label, dtype=float).reshape(shape)
    if key == "dipole" and atoms.pbc.any() and atoms.cell.rank == 3:
        off = np.nan_to_num(model - reference)
        model = model + find_mic(off, atoms.cell, atoms.pbc)[0] - off
    return reference, model


#: What `errors` takes of each property: word, unit in the key, unit in print, factor, part of what `Parity.flat` gives.
COMPONENTS: dict[str, tuple[tuple[str, str, str, float, Callable[[np.ndarray], np.ndarray]], ...]] = {
    "energy": (("energy", "meV_per_atom", "meV/atom", 1e3, lambda x: x),),
    "forces": (
        ("force", "meV_per_A", "meV/A", 1e3, lambda x: x),
        ("force_xy", "meV_per_A", "meV/A", 1e3, lambda x: x[:, :2]),
        ("force_z", "meV_per_A", "meV/A", 1e3, lambda x: x[:, 2]),
    ),
    "stress": (("stress", "N_per_m", "N/m", 1.0, lambda x: x),),
    "dipole": (
        ("dipole_xy", "eA", "e A", 1.0, lambda x: x[:, :2]),
        ("dipole_z", "eA", "e A", 1.0, lambda x: x[:, 2]),
    ),
    "born_effective_charges": (("born", "e", "e", 1.0, lambda x: x),),
    "born_layers": (
        ("born_layers", "e", "e", 1.0, lambda x: x),
        ("born_slide", "e", "e", 1.0, lambda x: x[:, 2, :2]),
    ),
    "polarizability": (
        ("polarizability_in", "A3", "A^3", 1.0, lambda x: x[:, [0, 1, 0], [0, 1, 1]]),
        ("polarizability_out", "A3", "A^3", 1.0, lambda x: x[:, 2, 2]),
    ),
}
#: Components of which the size of the labels is told beside the error.
SIZED = ("force", "force_xy", "force_z", "dipole_z", "born_slide")


def errors(parity: Parity) -> dict[str, float]:
    """Root-mean-square and mean absolute errors of all that was compared, units in the names.

    ``*_rms_*`` without an e before it is the size of the labels themselves. ``born_slide_*`` is that of the Born
    charges P_z from moving a layer in the plane, summed over its atoms: the sliding polarization's slope. A label that
    is missing is left out; a prediction that is not a number makes the error nan. ``thermal_*`` are those of `thermal`
    frames alone.
    """
    out = _errors(parity)
    if parity.names and {"energy", "forces"} <= set(parity.values):
        part = _errors(thermal(parity))
        words = ("frames", "energy_rmse_meV_per_atom", "force_rmse_meV_per_A", "force_rms_meV_per_A")
        out |= {f"thermal_{word}": part[word] for word in words}
    return out


def thermal(parity: Parity, temperature: float = HOTTEST) -> Parity:
    """The frames that dynamics at `temperature` (K) visits: energy labels within 3/2 kT per atom of the lowest one.

    What lies above keeps potentials from holes where atoms clash; its large forces rule a mean over everything.
    """
    energies = np.array([np.nan if e is None else e for e in parity.values["energy"][0]], dtype=float) / parity.sizes
    return parity.pick(np.flatnonzero(energies <= np.nanmin(energies) + 1.5 * units.kB * temperature))


def _errors(parity: Parity) -> dict[str, float]:
    out: dict[str, float] = {"frames": len(parity.names)}
    if not parity.names:
        return out
    for key, components in COMPONENTS.items():
        if key not in parity.values:
            continue
        reference, model = parity.flat(key)
        if key == "energy":
            reference, model = reference / parity.sizes, model / parity.sizes
        for word, unit, _, factor, part in components:
            label = factor * part(reference)
            known = np.isfinite(label)
            difference = (factor * part(model) - label)[known]
            out[f"{word}_rmse_{unit}"] = _rms(difference)
            out[f"{word}_mae_{unit}"] = float(np.mean(np.abs(difference))) if difference.size else float("nan")
            if word in SIZED:
                out[f"{word}_rms_{unit}"] = _rms(label[known])
    return out


def _rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(x)))) if x.size else float("nan")


def by_family(parity: Parity) -> dict[str, dict[str, float]]:
    """`errors` of each family of frames; not those of thermal frames, since a family alone lacks the flat sheet."""
    families = [family(name) for name in parity.names]
    return {
        kind: _errors(parity.pick([i for i, other in enumerate(families) if other == kind]))
        for kind in sorted(set(families))
    }
