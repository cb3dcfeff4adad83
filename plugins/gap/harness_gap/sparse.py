"""Which neighbourhoods represent all others, and files that hold them in few digits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ase import Atoms
from scipy.linalg import qr

__all__ = ["DIGITS", "choose", "write"]

#: Decimals kept of the components of a sparse point. They are rounded before the fit, not after it: the coefficients
#: are so large (1e5 eV) that rounding afterwards would change energies. A rounded point is as good a point.
DIGITS = 7
#: Points whose part outside the span of those before is smaller than this add nothing.
_SPAN = 1e-6


def choose(frames: Sequence[Atoms], descriptor: str, count: int) -> np.ndarray:
    """Descriptor vectors (at most `count`, d) of the most different neighbourhoods.

    By pivoted QR of the descriptor matrix: the next one is always that with the largest part outside the span of those
    before, a selection of columns as in CUR, but without its random numbers.
    """
    from quippy.descriptors import Descriptor

    made = Descriptor(descriptor)
    found = [np.asarray(made.calc(atoms).get("data", np.zeros((0, 0)))) for atoms in frames]
    rows = np.vstack([x for x in found if x.size])
    _, r, order = qr(rows.T, mode="economic", pivoting=True)
    size = np.abs(np.diag(r))
    rank = int((size > _SPAN * size[0]).sum())
    return np.asarray(np.round(rows[np.sort(order[: min(count, rank)])], DIGITS))


def write(points: np.ndarray, path: Path) -> None:
    """For gap_fit's ``sparse_method=file``: a one (the weight) and the components of each point, one number a line."""
    with path.open("w", encoding="ascii") as stream:
        for point in points:
            stream.write("1.0\n" + "".join(f"{x:.{DIGITS}f}\n" for x in point))
