"""Errors with intervals, from labels and predictions of test frames."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.contracts.quantity import Quantity
from harness.data.dataset import family
from harness.fitting.parity import COMPONENTS, SIZED, Parity, thermal
from harness.stats import pooled_error

#: Words of `harness.fitting.parity.COMPONENTS` that are also told for each family of frames.
BY_FAMILY = ("energy", "force", "born")
#: Those that are also told for the frames that dynamics at up to 2000 K visits.
THERMAL = ("energy", "force")
RELATIVE = "relative_energy"


def without_constants(parity: Parity, counts: np.ndarray) -> Parity:
    """The parity with one constant per element added to the predicted energies, by least squares over the frames.

    Total energies have a zero that is a matter of convention (pseudopotentials, atoms); differences have none.

    Parameters
    ----------
    counts
        Numbers of atoms of each element, (frames, elements). Where compositions do not tell the elements apart, as in
        frames that all have as many B as N, their constants act as one.
    """
    reference, model = parity.flat("energy")
    constants = np.linalg.lstsq(counts.astype(float), reference - model, rcond=None)[0]
    values = {**parity.values, "energy": (list(reference), list(model + counts @ constants))}
    return Parity(parity.names, parity.sizes, values)


def observables(parity: Parity, seed: int, relative: bool = False) -> dict[str, Quantity]:
    """Errors of everything that was compared, over all frames and by family.

    Parameters
    ----------
    seed
        Of the bootstrap.
    relative
        Whether energies are those of `without_constants`, which are called `RELATIVE`.
    """
    found: dict[str, Quantity] = {}
    kinds = np.array([family(name) for name in parity.names])
    warm = np.isin(parity.names, thermal(parity).names) if "energy" in parity.values else None
    for key, components in COMPONENTS.items():
        if key not in parity.values:
            continue
        for word, _, unit, _, _ in components:
            sums = _sums(parity, key, word)
            name = RELATIVE if word == "energy" and relative else word
            found |= _errors(name, unit, sums, seed)
            if word in SIZED:
                labels = np.sqrt(sums["label"].sum() / sums["count"].sum()) if sums["count"].sum() else np.nan
                found[f"{name}_size"] = Quantity(float(labels), unit, method="root mean square of the labels")
            if word in THERMAL and warm is not None:
                part = {k: v[warm] for k, v in sums.items()}
                found[f"thermal_{name}_rmse"] = _errors(name, unit, part, seed)[f"{name}_rmse"]
            if word in BY_FAMILY:
                for kind in sorted(set(kinds)):
                    part = {k: v[kinds == kind] for k, v in sums.items()}
                    end = str(kind).replace("-", "_")
                    found[f"{name}_rmse_{end}"] = _errors(name, unit, part, seed)[f"{name}_rmse"]
    return found


def _sums(parity: Parity, key: str, word: str) -> Mapping[str, np.ndarray]:
    """Per frame: number of values, sums of squared and absolute errors, sum of squared labels."""
    factor, part = next((f, p) for w, _, _, f, p in COMPONENTS[key] if w == word)
    rows = []
    for i in range(len(parity.names)):
        frame = parity.pick([i])
        reference, model = frame.flat(key)
        if key == "energy":
            reference, model = reference / frame.sizes, model / frame.sizes
        label = factor * part(reference)
        known = np.isfinite(label)
        error = (factor * part(model) - label)[known]
        rows.append((error.size, np.sum(error**2), np.sum(np.abs(error)), np.sum(label[known] ** 2)))
    columns = np.array(rows, dtype=float).reshape(-1, 4).T
    return dict(zip(("count", "square", "absolute", "label"), columns, strict=True))


def _errors(name: str, unit: str, sums: Mapping[str, np.ndarray], seed: int) -> dict[str, Quantity]:
    return {
        f"{name}_rmse": pooled_error(sums["square"], sums["count"], unit, root=True, seed=seed),
        f"{name}_mae": pooled_error(sums["absolute"], sums["count"], unit, root=False, seed=seed),
    }
