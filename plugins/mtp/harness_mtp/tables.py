"""The tables of a moment tensor potential in the order in which the kernel walks them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from motep.potentials.mtp.data import MTPData

__all__ = ["Tables"]


class Tables(NamedTuple):
    """An MTP in the order in which the kernel walks it.

    Attributes
    ----------
    powers
        Exponents of every monomial up to the highest rank, by rank, shape (P, 3).
    below
        Of each monomial: those of the rank below, one exponent less in x, y, z; 0 where there is none, (P, 3).
    first, radial, moment
        Basic moments by monomial: ``first[p]:first[p + 1]`` belong to monomial p; their radial functions and places.
    block, monomial, slot
        The same by radial function: ``block[f]:block[f + 1]`` belong to function f; their monomials and places.
    left, right, factor, product
        ``m[product] += factor * m[left] * m[right]``, in this order.
    scalars, linear
        Places of the scalar moments, and their coefficients.
    """

    powers: np.ndarray
    below: np.ndarray
    first: np.ndarray
    radial: np.ndarray
    moment: np.ndarray
    block: np.ndarray
    monomial: np.ndarray
    slot: np.ndarray
    left: np.ndarray
    right: np.ndarray
    factor: np.ndarray
    product: np.ndarray
    scalars: np.ndarray
    linear: np.ndarray
    moments: int
    coefficients: np.ndarray
    species: np.ndarray
    scaling: float
    least: float
    cutoff: float

    @classmethod
    def of(cls, data: MTPData) -> Tables:
        """Tables of a potential."""
        basic, times = np.asarray(data.alpha_index_basic), np.asarray(data.alpha_index_times).reshape(-1, 4)
        top = int(basic[:, 1:].sum(axis=1).max(initial=0))
        powers = [(a, b, r - a - b) for r in range(top + 1) for a in range(r, -1, -1) for b in range(r - a, -1, -1)]
        place = {p: k for k, p in enumerate(powers)}
        below = [[place.get((a - 1, b, c), 0), place.get((a, b - 1, c), 0), place.get((a, b, c - 1), 0)]
                 for a, b, c in powers]  # fmt: skip
        monomial = np.array([place[tuple(row)] for row in basic[:, 1:].tolist()])
        by_monomial, by_radial = np.argsort(monomial, kind="stable"), np.argsort(basic[:, 0], kind="stable")
        return cls(
            powers=np.array(powers, dtype=np.int64),
            below=_places(below),
            first=_edges(monomial, len(powers)),
            radial=_places(basic[by_monomial, 0]),
            moment=_places(by_monomial),
            block=_edges(basic[:, 0], data.radial_funcs_count),
            monomial=_places(monomial[by_radial]),
            slot=_places(by_radial),
            left=_places(times[:, 0]),
            right=_places(times[:, 1]),
            factor=times[:, 2].astype(float),
            product=_places(times[:, 3]),
            scalars=_places(data.alpha_moment_mapping),
            linear=np.array(data.moment_coeffs, dtype=float),
            moments=int(data.alpha_moments_count),
            coefficients=np.array(data.radial_coeffs, dtype=float),
            species=np.array(data.species_coeffs, dtype=float),
            scaling=float(data.scaling),
            least=float(data.radial_basis.min),
            cutoff=float(data.radial_basis.max),
        )


def _places(numbers: Any) -> np.ndarray:
    """Places in an array; unsigned, because numba tests signed ones for counting from the end."""
    return np.ascontiguousarray(numbers, dtype=np.uint32)


def _edges(numbers: np.ndarray, count: int) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(np.bincount(numbers, minlength=count))]).astype(np.int64)
