"""Cuts a structure into small groups of sites and takes the surroundings of each for the whole.

In an insulator what happens far away is not felt: the density matrix decays exponentially, with a length of the
velocity over half the gap, 3 Å here. So a site in the middle of a cluster is the site of the infinite sheet, images
meet any periodicity, there are no wave vectors, and the effort grows in proportion to the number of sites.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.linalg import eigsh
from scipy.spatial import cKDTree

from harness_tight_binding.exact import mesh
from harness_tight_binding.hoppings import Hoppings
from harness_tight_binding.kernels import BLOCK, cluster_rows

__all__ = ["Cluster", "Clusters", "bounds"]


@dataclass(frozen=True, slots=True)
class Cluster:
    """A group of sites and all within reach of it.

    Attributes
    ----------
    wanted
        Sites of the structure that form the group, at most `BLOCK`.
    places
        Where they stand in the cluster.
    sites, positions
        Of all members: site of the structure, (n,), and Å, (n, 3).
    columns, values
        Padded rows of twice the scaled matrix, (n, w).
    """

    wanted: np.ndarray
    places: np.ndarray
    sites: np.ndarray
    positions: np.ndarray
    columns: np.ndarray
    values: np.ndarray


class Clusters:
    """Groups of the sites `wanted`, each in a cluster that reaches `reach` (Å) beyond it.

    Parameters
    ----------
    hoppings
        The matrix.
    reach
        Å, measured in the plane of the sheet.
    dtype
        float64 or float32.
    """

    def __init__(self, hoppings: Hoppings, reach: float, dtype: str = "float64") -> None:
        self.hoppings, self.reach, self.dtype = hoppings, reach, np.dtype(dtype)
        self.centre, self.half_width = bounds(hoppings)
        h, n = hoppings, len(hoppings)
        self._first = np.searchsorted(h.i, np.arange(n + 1))
        self._width = -(-(int(np.diff(self._first).max(initial=0)) + 1) // 4) * 4
        scale = 2 / self.half_width
        self._values = (scale * h.values).astype(self.dtype)
        self._diagonal = (scale * (h.onsite - self.centre)).astype(self.dtype)
        self._shifts = np.zeros((len(h.j), 2), dtype=np.int64)
        self._shifts[:, : h.shifts.shape[1]] = h.shifts

    def groups(self, wanted: np.ndarray) -> list[np.ndarray]:
        """Neighbouring sites together: the structure is halved across its longer side until groups fit a block."""
        pending, done = [np.asarray(wanted)], []
        while pending:
            group = pending.pop()
            if len(group) <= BLOCK:
                done.append(group)
                continue
            flat = self.hoppings.positions[group, :2]
            axis = int(np.argmax(np.ptp(flat, axis=0)))
            order = group[np.argsort(flat[:, axis], kind="stable")]
            half = -(-len(group) // (2 * BLOCK)) * BLOCK  # full blocks as far as possible
            pending += [order[half:], order[:half]]
        return [group for group in done if len(group)]

    def of(self, wanted: np.ndarray) -> Iterator[Cluster]:
        """The clusters, one after another."""
        h = self.hoppings
        d = len(h.lattice)
        flat = h.positions[:, :2]
        groups = self.groups(wanted)
        if not groups:
            return
        centres = np.array([0.5 * (flat[g].min(axis=0) + flat[g].max(axis=0)) for g in groups])
        radii = [float(np.linalg.norm(flat[g] - c, axis=1).max()) for g, c in zip(groups, centres, strict=True)]
        most = max(radii) + self.reach + float(np.ptp(flat, axis=0).max())
        steps = [int(np.ceil(most * np.linalg.norm(column))) for column in np.linalg.pinv(h.lattice).T] if d else []
        steps += [0] * (2 - d)
        grid = np.stack(np.meshgrid(*[np.arange(-s, s + 1) for s in steps], indexing="ij"), -1).reshape(-1, 2)
        offsets = grid[:, :d] @ h.lattice[:, :2] if d else np.zeros((1, 2))
        low, high = centres.min(axis=0) - most, centres.max(axis=0) + most
        images = (flat[None] + offsets[:, None]).reshape(-1, 2)
        kept = np.flatnonzero(((images >= low) & (images <= high)).all(axis=1))
        tree = cKDTree(images[kept])
        table = np.full((len(h), 2 * steps[0] + 1, 2 * steps[1] + 1), -1, dtype=np.int32)
        for group, centre, radius in zip(groups, centres, radii, strict=True):
            members = kept[np.sort(tree.query_ball_point(centre, radius + self.reach))]
            cells, sites = np.divmod(members, len(h))
            order = np.argsort(images[members, 0], kind="stable")  # a sweep across the cluster keeps neighbours at hand
            cells, sites = grid[cells[order]] + steps, sites[order]
            corner = (sites, cells[:, 0], cells[:, 1])
            table[corner] = np.arange(len(sites))
            columns = np.empty((len(sites), self._width), dtype=np.int32)
            entries = np.empty((len(sites), self._width), dtype=self.dtype)
            cluster_rows(
                sites, cells, table, self._first, h.j, self._shifts, self._values, self._diagonal, columns, entries
            )
            places = table[group, steps[0], steps[1]].astype(np.int64)
            table[corner] = -1
            positions = h.positions[sites].copy()
            if d:
                positions += (cells - steps)[:, :d] @ h.lattice
            yield Cluster(group, places, sites, positions, columns, entries)


def bounds(hoppings: Hoppings) -> tuple[float, float]:
    """Centre and half-width of an interval that holds every eigenvalue, eV.

    Lanczos for the ends of the spectrum at all wave vectors of a 30 Å supercell, widened by 1 %. A cluster's spectrum
    lies within that of the sheet (interlacing).
    """
    h, n = hoppings, len(hoppings)
    counts = mesh(h.lattice, 30.0)
    ends = []
    for index in range(int(np.prod(counts))):
        k = np.array(np.unravel_index(index, counts or (1,)))[: len(counts)] / np.array(counts or (1,))[: len(counts)]
        phases = np.exp(2j * np.pi * (h.shifts @ k)) if k.any() else 1.0
        matrix = csr_array((h.values * phases, (h.i, h.j)), shape=(n, n)) + csr_array(
            (h.onsite, (np.arange(n), np.arange(n))), shape=(n, n)
        )
        if n <= 40:
            found = np.linalg.eigvalsh(matrix.toarray())
            ends += [float(found[0]), float(found[-1])]
        else:
            start = np.random.default_rng(0).normal(size=n)
            ends += [
                float(eigsh(matrix, 1, which=w, tol=1e-4, v0=start, return_eigenvectors=False)[0]) for w in ("SA", "LA")
            ]
    low, high = min(ends), max(ends)
    return 0.5 * (low + high), 0.5 * 1.02 * (high - low) + 1e-3
