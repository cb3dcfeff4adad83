"""Untrained moment tensor potentials of any even level from motep's tables of basis functions.

A table lists the scalar basis functions of a level as nested contractions of the moments M_mu,nu
(A. V. Shapeev, Multiscale Model. Simul. 14, 1153 (2016), Eqs. 3.2-3.5). An ``.mtp`` file wants the same tree
flattened: moment components with their powers (x, y, z), then sums of products ``m[k] += mult * m[i] * m[j]``.
Components that are equal by symmetry share one slot, which is what keeps the kernel fast.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from importlib import resources
from itertools import product
from typing import Any

import numpy as np

from harness.errors import HarnessError, unknown_choice

__all__ = ["Tables", "levels", "tables", "template"]

Moment = tuple[Any, ...]
#: Products of a sum: the slots of both factors, and how often.
Terms = tuple[tuple[tuple[int, int], int], ...]
_FOLDER = "motep.potentials.mtp.jax"


@dataclass(frozen=True)
class Tables:
    """The flattened tree of one level.

    Attributes
    ----------
    basic
        ``(mu, x, y, z)``: radial function and powers of each basic moment component, shape (n_basic, 4).
    times
        ``(i, j, multiplicity, k)`` in the order of evaluation, shape (n_times, 4).
    scalars
        Slots of the scalar basis functions, shape (n_scalar,).
    count
        Number of slots in all.
    """

    basic: np.ndarray
    times: np.ndarray
    scalars: np.ndarray
    count: int


def levels() -> list[int]:
    """Levels for which motep brings a table."""
    folder = resources.files(_FOLDER) / "precomputed_moments"
    names = (entry.name for entry in folder.iterdir())
    stem = "moments_level"
    return sorted(int(n.removeprefix(stem).removesuffix(".json")) for n in names if n.startswith(stem))


def tables(level: int) -> Tables:
    """Flatten the table of `level`; raises `HarnessError` for a level without one."""
    if level not in levels():
        raise unknown_choice("MTP level", str(level), map(str, levels()))
    text = (resources.files(_FOLDER) / "precomputed_moments" / f"moments_level{level}.json").read_text()
    return _Flattener([_tuple(m) for m in json.loads(text)]).result()


def template(level: int, species_count: int, cutoff: float, min_dist: float, radial_size: int) -> Any:
    """An ``MTPData`` of motep with all tables and no coefficients.

    Parameters
    ----------
    level
        Even, 2 to 24.
    species_count
        Number of elements.
    cutoff, min_dist
        Range of the radial Chebyshev basis, Å.
    radial_size
        Number of Chebyshev polynomials per radial function.
    """
    from motep.potentials.mtp.data import BasisData, MTPData

    if not 0.0 <= min_dist < cutoff:
        raise HarnessError(f"MTP cutoff {cutoff} Å must exceed min_dist {min_dist} Å.")
    t = tables(level)
    return MTPData(
        version="1.1.0",
        potential_name=f"MTP{level}",
        species_count=species_count,
        radial_basis=BasisData("RBChebyshev", np.float64(min_dist), np.float64(cutoff), np.int32(radial_size)),
        radial_funcs_count=int(t.basic[:, 0].max()) + 1,
        alpha_moments_count=t.count,
        alpha_index_basic_count=len(t.basic),
        alpha_index_basic=t.basic,
        alpha_index_times_count=len(t.times),
        alpha_index_times=t.times,
        alpha_scalar_moments=len(t.scalars),
        alpha_moment_mapping=t.scalars,
    )


def _tuple(x: Any) -> Any:
    return tuple(_tuple(i) for i in x) if isinstance(x, list) else x


def _is_basic(moment: Moment) -> bool:
    return len(moment) == 3


class _Flattener:
    def __init__(self, scalars: list[Moment]) -> None:
        self.scalars = scalars
        basics: set[tuple[int, int]] = set()
        for moment in scalars:
            self._collect(moment, basics)
        self.basic = [
            (mu, x, y, nu - x - y)
            for mu, nu in sorted(basics)
            for x in range(nu, -1, -1)
            for y in range(nu - x, -1, -1)
        ]
        self.slot = {component: i for i, component in enumerate(self.basic)}
        self.count = len(self.basic)
        self.times: list[tuple[int, int, int, int]] = []
        self.known: dict[Terms, int] = {}
        self.done: dict[Moment, np.ndarray] = {}

    def _collect(self, moment: Moment, basics: set[tuple[int, int]]) -> None:
        if _is_basic(moment):
            basics.add(moment[:2])
        else:
            self._collect(moment[0], basics)
            self._collect(moment[1], basics)

    def result(self) -> Tables:
        slots = [int(self._components(moment)) for moment in self.scalars]
        return Tables(
            basic=np.array(self.basic, dtype=np.int32).reshape(-1, 4),
            times=np.array(self.times, dtype=np.int32).reshape(-1, 4),
            scalars=np.array(slots, dtype=np.int32),
            count=self.count,
        )

    def _components(self, moment: Moment) -> np.ndarray:
        """Slot of every Cartesian component: an integer array with one axis of length 3 per tensor index."""
        if moment not in self.done:
            self.done[moment] = self._basic(moment) if _is_basic(moment) else self._product(moment)
        return self.done[moment]

    def _basic(self, moment: Moment) -> np.ndarray:
        mu, nu = moment[:2]
        out = np.empty((3,) * nu, dtype=int)
        for index in product(range(3), repeat=nu):
            out[index] = self.slot[(mu, *(index.count(axis) for axis in range(3)))]
        return out

    def _product(self, moment: Moment) -> np.ndarray:
        left, right = self._components(moment[0]), self._components(moment[1])
        contracted_left, contracted_right = moment[3]
        n = len(contracted_left)
        # free axes first, contracted axes last and in matching order
        left = np.moveaxis(left, contracted_left, range(left.ndim - n, left.ndim))
        right = np.moveaxis(right, contracted_right, range(right.ndim - n, right.ndim))
        free_left, free_right = left.ndim - n, right.ndim - n
        out = np.empty((3,) * (free_left + free_right), dtype=int)
        for index in product(range(3), repeat=free_left + free_right):
            a = np.ravel(left[index[:free_left]])
            b = np.ravel(right[index[free_left:]])
            pairs = Counter((min(i, j), max(i, j)) for i, j in zip(a.tolist(), b.tolist(), strict=True))
            out[index] = self._sum(tuple(sorted(pairs.items())))
        return out

    def _sum(self, terms: Terms) -> int:
        """Slot of a sum of products; a sum met before keeps its slot."""
        if terms not in self.known:
            self.known[terms] = self.count
            self.times.extend((i, j, multiplicity, self.count) for (i, j), multiplicity in terms)
            self.count += 1
        return self.known[terms]
