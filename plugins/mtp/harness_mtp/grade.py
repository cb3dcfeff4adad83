"""Extrapolation grade: how far an atom's neighbourhood lies from those that the potential was fitted to.

The grade of an atom is the largest coefficient that expresses its basis values by those of the active set, the
training neighbourhoods of largest determinant (E. V. Podryabinkin and A. V. Shapeev, Comput. Mater. Sci. 140, 171
(2017), Eqs. 8-11; neighbourhood mode, for the linear coefficients). Up to 1 the potential interpolates; above about
2 it extrapolates, above 10 its numbers should not be trusted.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.errors import HarnessError

__all__ = ["ActiveSet"]


@dataclass(frozen=True)
class ActiveSet:
    """The active set of a training set.

    Attributes
    ----------
    matrix
        Rows: basis values of the chosen neighbourhoods, then one column per species, shape (n, n).
    names
        The structure that each row came from.
    """

    matrix: np.ndarray
    names: list[str]

    @classmethod
    def choose(cls, rows: np.ndarray, names: list[str], seed: int = 0) -> ActiveSet:
        """Maximum-volume rows among the neighbourhoods of the training set, shape (M, n), by motep's MaxVol."""
        from motep.grade.maxvol import MaxVol

        result = MaxVol(threshold=1e-3, rng=np.random.default_rng(seed)).run(rows)
        return cls(np.asarray(result.submatrix), [names[int(i)] for i in result.indices])

    @staticmethod
    def path(model: Path) -> Path:
        """Where the active set of a model file lies."""
        return model.with_suffix(".active.npz")

    @classmethod
    def beside(cls, model: Path) -> ActiveSet | None:
        """The active set stored beside a model; None when there is none."""
        path = cls.path(model)
        if not path.is_file():
            return None
        try:
            with np.load(path, allow_pickle=False) as stored:
                return cls(stored["matrix"], [str(n) for n in stored["names"]])
        except (OSError, ValueError, KeyError) as error:
            raise HarnessError(f"the active set '{path}' cannot be read: {error}.",
                               "Restore it, or remove it to go without extrapolation grades.") from error  # fmt: skip

    def save(self, model: Path) -> None:
        """Store beside `model`, atomically."""
        path = self.path(model)
        part = path.with_name(f".{path.name}.{os.getpid()}.part.npz")
        np.savez_compressed(part, matrix=self.matrix, names=np.array(self.names))
        part.replace(path)

    def grades(self, values: np.ndarray, types: np.ndarray) -> np.ndarray:
        """Grade of each atom, shape (N,), from basis values (n_scalar, N) and MTP types (N,)."""
        rows = features(values, types, len(self.matrix) - len(values))
        return np.asarray(np.abs(np.linalg.lstsq(self.matrix.T, rows.T, rcond=None)[0]).max(axis=0))


def features(values: np.ndarray, types: np.ndarray, species: int) -> np.ndarray:
    """Derivatives of the atomic energies by the linear coefficients, shape (N, n_scalar + species)."""
    return np.hstack([values.T, np.eye(species)[types]])
