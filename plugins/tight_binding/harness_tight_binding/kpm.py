"""Occupations and Wannier centres by the kernel polynomial method (Weiße et al., Rev. Mod. Phys. 78, 275 (2006))."""

from __future__ import annotations

import numpy as np

from harness.errors import HarnessError
from harness_tight_binding.clusters import Clusters
from harness_tight_binding.hoppings import Hoppings
from harness_tight_binding.kernels import BLOCK, accumulate, moments

__all__ = ["KERNELS", "KernelPolynomials", "step"]

#: Terms of the inverse square root: the overlaps have a condition below 2.3, so that each term gains 0.7 digits.
ROOT_TERMS = 6
#: Of the Gaussian kernel: its last factor is exp(−STEEPNESS²).
STEEPNESS = 3.4


def jackson(count: int) -> np.ndarray:
    """Factors g_n of the Jackson kernel for `count` moments, (count,)."""
    n, q = np.arange(count), np.pi / (count + 1)
    return np.asarray(((count - n + 1) * np.cos(q * n) + np.sin(q * n) / np.tan(q)) / (count + 1))


def gaussian(count: int) -> np.ndarray:
    """Factors of a kernel that makes a step an error function as steep as `count` moments resolve, (count,).

    Its error within a gap falls exponentially with the number of moments, that of the Jackson kernel with their cube:
    positivity, which Jackson's is made for, is of no use to an integral up to a gap.
    """
    return np.exp(-((STEEPNESS * np.arange(count) / count) ** 2))


KERNELS = {"jackson": jackson, "gaussian": gaussian}


def step(count: int, level: float, kernel: str) -> np.ndarray:
    """Chebyshev coefficients of the step that is 1 below `level` (scaled energy), smoothed by a kernel, (count,)."""
    angle, n = np.arccos(level), np.arange(1, count)
    return np.asarray(
        KERNELS[kernel](count) * np.concatenate([[1 - angle / np.pi], -2 / np.pi * np.sin(n * angle) / n])
    )


class KernelPolynomials:
    """Occupations and Wannier centres without eigenstates.

    Parameters
    ----------
    hoppings
        The matrix.
    count
        Number of moments, even.
    reach
        Å, radius within which a site feels its surroundings.
    kernel
        ``jackson`` or ``gaussian``.
    dtype
        float64 or float32.
    """

    def __init__(
        self, hoppings: Hoppings, count: int, reach: float, kernel: str = "gaussian", dtype: str = "float64"
    ) -> None:
        self.hoppings, self.count, self.kernel = hoppings, count, kernel
        self.clusters = Clusters(hoppings, reach, dtype)
        self._moments: np.ndarray | None = None

    def moments(self) -> np.ndarray:
        """⟨i|T_n|i⟩ of every site, (N, count)."""
        if self._moments is None:
            found = np.empty((len(self.hoppings), self.count))
            for cluster in self.clusters.of(np.arange(len(self.hoppings))):
                start, out = np.full(BLOCK, -1), np.zeros((BLOCK, self.count))
                start[: len(cluster.places)] = cluster.places
                moments(cluster.columns, cluster.values, start, self.count, out)
                found[cluster.wanted] = out[: len(cluster.wanted)]
            self._moments = found
        return self._moments

    def level(self) -> float:
        """Scaled Fermi level: middle of the energies at which the sheet is neutral.

        Raises
        ------
        HarnessError
            When no energy range makes it neutral: there is no gap, or too few moments to see it.
        """
        total = self.moments().sum(axis=0)
        angles = np.linspace(0.0, np.pi, 4001)[1:-1]
        n = np.arange(1, self.count)
        weighted = KERNELS[self.kernel](self.count)[1:] * total[1:] / n
        electrons = total[0] * (1 - angles / np.pi) - 2 / np.pi * np.sin(np.outer(angles, n)) @ weighted
        neutral = np.flatnonzero(np.abs(electrons - self.hoppings.filled) < 1e-4 * len(self.hoppings))
        if not len(neutral):
            raise HarnessError(
                f"tight_binding: {self.count} moments show no gap between filled and empty states.",
                "Give more moments (polarization.params.moments), or check the structure.",
            )
        return float(np.cos(0.5 * (angles[neutral[0]] + angles[neutral[-1]])))

    def occupations(self) -> np.ndarray:
        """Electrons on each site, both spins, (N,)."""
        return np.asarray(2 * self.moments() @ step(self.count, self.level(), self.kernel))

    def centres(self) -> np.ndarray:
        """As `Exact.centres`: w = P (ΠPΠ)^(-1/2) |N⟩ with P the filled states and Π the N orbitals, Å (n_N, 3)."""
        h = self.hoppings
        order = np.full(len(h), -1)
        order[h.nitrogen] = np.arange(len(h.nitrogen))
        filled = step(self.count, self.level(), self.kernel).astype(self.clusters.dtype)
        root = _inverse_root()
        found = np.empty((len(h.nitrogen), 3))
        for cluster in self.clusters.of(h.nitrogen):
            nitrogen = (order[cluster.sites] >= 0)[:, None]
            block = np.zeros((len(cluster.sites), BLOCK), dtype=self.clusters.dtype)
            block[cluster.places, np.arange(len(cluster.places))] = 1.0
            image = np.empty_like(block)
            # Clenshaw's sum over Chebyshev polynomials of the overlap matrix, scaled to [−1, 1]
            after, latest = np.zeros_like(block), np.zeros_like(block)
            for coefficient in root[:0:-1]:
                accumulate(cluster.columns, cluster.values, filled, latest, image)
                following = coefficient * block + 2 * _scaled(image, latest, nitrogen) - after
                after, latest = latest, following
            accumulate(cluster.columns, cluster.values, filled, latest, image)
            total = root[0] * block + _scaled(image, latest, nitrogen) - after
            accumulate(cluster.columns, cluster.values, filled, total.astype(block.dtype), image)
            weights = image[:, : len(cluster.places)].astype(float) ** 2
            away = cluster.positions[:, None] - cluster.positions[cluster.places]
            found[order[cluster.wanted]] = np.einsum("an,anc->nc", weights, away)
        return found


#: Eigenvalues of the overlaps of projected N orbitals lie between these.
LEAST, MOST = 0.45, 1.01


def _inverse_root() -> np.ndarray:
    """Chebyshev coefficients of s^(-1/2) for s in [LEAST, MOST], (ROOT_TERMS,)."""
    return np.polynomial.chebyshev.chebinterpolate(
        lambda x: (0.5 * (MOST - LEAST) * x + 0.5 * (MOST + LEAST)) ** -0.5, ROOT_TERMS - 1
    )


def _scaled(image: np.ndarray, block: np.ndarray, nitrogen: np.ndarray) -> np.ndarray:
    """(2S − (MOST + LEAST)) / (MOST − LEAST) applied to a block on the N orbitals, given P applied to it."""
    return np.where(nitrogen, (2 * image - (MOST + LEAST) * block) / (MOST - LEAST), 0).astype(image.dtype)
