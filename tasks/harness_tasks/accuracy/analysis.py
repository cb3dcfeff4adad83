"""Errors with intervals, from labels and predictions of test frames."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.contracts.measurement import Check
from harness.contracts.quantity import Quantity
from harness.data.dataset import family
from harness.fitting.parity import COMPONENTS, Parity, thermal
from harness.stats import number, pooled_error
from harness_tasks.accuracy import observables as declared
from harness_tasks.accuracy.observables import RELATIVE


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
            found |= declared.RMSE[name].of(_rmse(unit, sums, seed))
            mae = pooled_error(sums["absolute"], sums["count"], unit, root=False, seed=seed)
            found |= declared.MAE[name].of(mae)
            if name in declared.SIZE:
                labels = np.sqrt(sums["label"].sum() / sums["count"].sum()) if sums["count"].sum() else np.nan
                size = Quantity(float(labels), unit, method="root mean square of the labels")
                found |= declared.SIZE[name].of(size)
            if name in declared.THERMAL and warm is not None:
                part = {k: v[warm] for k, v in sums.items()}
                found |= declared.THERMAL[name].of(_rmse(unit, part, seed))
            if name in declared.BY_FAMILY:
                for kind in sorted(set(kinds)):
                    part = {k: v[kinds == kind] for k, v in sums.items()}
                    end = str(kind).replace("-", "_")
                    found |= declared.BY_FAMILY[name].of(_rmse(unit, part, seed), family=end)
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


def _rmse(unit: str, sums: Mapping[str, np.ndarray], seed: int) -> Quantity:
    return pooled_error(sums["square"], sums["count"], unit, root=True, seed=seed)


def answers_check(found: Mapping[str, Quantity]) -> Check:
    """No error of frames that have labels may be missing."""
    missing = sum(bool(quantity.n) and not np.isfinite(number(quantity)) for quantity in found.values())
    return Check("errors_missing", missing, 0.0, "1", "a prediction that is not a number makes the error not a number")
