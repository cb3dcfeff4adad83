"""Energy and polarization along the sliding path as polynomials, and the fields at which they let the layers go.

After Deng et al., arXiv 2407.15081, Eqs. 3-5 and S6, with two changes: the polynomials may be of higher order, and
fields are given as sizes. Slip t is counted from SP, the path starts at t₀ < 0 (BA, polarization up) and ends at −t₀.
Symmetry demands of the derivatives

    V' = t (t² − t₀²) Q(t²),    p⊥' = (t² − t₀²) R(t²),    p∥' = t S(t²)

so that V is even and flat at BA, SP and AB, p⊥ odd and flat at BA and AB, p∥ even and flat at SP. The paper's model
keeps the first terms: Q₀ = 4 e₄, R₀ = 3 p₃, S₀ = 2 p₂, S₁ = 4 p₄. In a field E⊥ against
the polarization of BA and E∥ along the polarization of SP a primitive cell has the enthalpy

    ε(t) = V(t) − E∥ p∥(t) + E⊥ p⊥(t),    p⊥(t₀) > 0

All energies are in eV and dipoles in e Å per primitive cell, fields in V/Å.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.polynomial import Polynomial
from scipy.optimize import minimize_scalar

from harness.errors import unknown_choice

#: How the layers let go: ``lost_minimum``, slowly, when no minimum is left between BA and SP; ``below_start``, at once
#: and without friction, when the whole way to SP lies below the enthalpy at BA.
Criterion = Literal["lost_minimum", "below_start"]
CRITERIA: tuple[Criterion, ...] = ("lost_minimum", "below_start")
#: Points of the search along t, denser at BA, where small E∥ decides.
_FINE = 4001


@dataclass(frozen=True, slots=True)
class LeastField:
    """The inclined field that switches with the smallest total.

    Attributes
    ----------
    parallel, perpendicular, total
        V/Å.
    dip
        Angle between field and plane, degrees.
    """

    parallel: float
    perpendicular: float

    @property
    def total(self) -> float:
        """√(E∥² + E⊥²)."""
        return math.hypot(self.parallel, self.perpendicular)

    @property
    def dip(self) -> float:
        """arctan(E⊥/E∥)."""
        return math.degrees(math.atan2(self.perpendicular, self.parallel))


@dataclass(frozen=True)
class PathModel:
    """The polynomials Q, R and S of the module's docstring.

    Parameters
    ----------
    start
        t₀, Å; negative.
    q, r, s
        Coefficients in powers of t²: eV/Å⁴, e/Å², e/Å (per Å² for each further power).
    summit
        V at SP less V at BA as fitted, eV; enters no field.
    """

    start: float
    q: tuple[float, ...]
    r: tuple[float, ...]
    s: tuple[float, ...]
    summit: float = math.nan

    @classmethod
    def of_deng(cls, e4: float, e0: float, p4: float, p2: float, p3: float, start: float) -> PathModel:
        """From the constants of the paper: e₄ (eV/Å⁴), e₀ (eV), p∥₄ (e/Å³), p∥₂ (e/Å), p⊥₃ (e/Å²), t_BA (Å).

        Parameters
        ----------
        e4, e0
            Coefficients of the energy, eV/Å⁴ and eV.
        p4, p2
            Coefficients of P along the path, e/Å³ and e/Å.
        p3
            Coefficient of P across, e/Å².
        start
            t_BA, Å.
        """
        return cls(start, (4 * e4,), (3 * p3,), (2 * p2, 4 * p4), e0)

    @classmethod
    def fit(
        cls, t: np.ndarray, energy: np.ndarray, parallel: np.ndarray, perpendicular: np.ndarray, order: int
    ) -> PathModel:
        """Least squares through points of the whole path.

        Parameters
        ----------
        t
            Slip from SP, Å, from −|t₀| to |t₀|, (n,).
        energy, parallel, perpendicular
            eV and e Å per cell, (n,); constants do not matter, nor which half of the path is which.
        order
            Number of terms of Q and R; S has one more. 1: the model of the paper.
        """
        start = float(t[0])
        powers = [Polynomial([0, 0, 1]) ** k for k in range(order + 1)]
        wall, slip = Polynomial([-(start**2), 0, 1]), Polynomial([0, 1])
        even = [(slip * wall * p).integ() for p in powers[:order]]
        odd = [(wall * p).integ() for p in powers[:order]]
        flat = [(slip * p).integ() for p in powers]
        q = _least_squares(t, [*even, Polynomial([1])], energy)
        r = _least_squares(t, [*odd, Polynomial([1])], perpendicular)
        s = _least_squares(t, [*flat, Polynomial([1])], parallel)
        ends = 0.5 * (energy[0] + energy[-1])
        summit = q[-1] - ends  # every term of V vanishes at SP
        return cls(
            start,
            tuple(float(x) for x in q[:-1]),
            tuple(float(x) for x in r[:-1]),
            tuple(float(x) for x in s[:-1]),
            float(summit),
        )

    def constants(self) -> dict[str, float]:
        """e₄, p₃, p₂, p₄ of the paper, from the first terms."""
        return {"e4": self.q[0] / 4, "p3": self.r[0] / 3, "p2": self.s[0] / 2, "p4": self.s[1] / 4}

    @cached_property
    def slopes(self) -> tuple[Polynomial, Polynomial, Polynomial]:
        """V', p∥' and p⊥' as polynomials of t."""
        square = Polynomial([0, 0, 1])
        wall = Polynomial([-(self.start**2), 0, 1])
        q, r, s = (Polynomial(c)(square) for c in (self.q, self.r, self.s))
        return Polynomial([0, 1]) * wall * q, Polynomial([0, 1]) * s, wall * r

    @cached_property
    def curves(self) -> tuple[Polynomial, Polynomial, Polynomial]:
        """V and p∥ above those of BA, and p⊥, which is zero at SP."""
        energy, parallel, perpendicular = self.slopes
        return energy.integ(lbnd=self.start), parallel.integ(lbnd=self.start), perpendicular.integ(lbnd=0.0)

    def enthalpy(self, t: np.ndarray, parallel: float, perpendicular: float) -> np.ndarray:
        """ε(t) − V(t₀), eV per cell."""
        energy, along, across = (curve(t) for curve in self.curves)
        return energy - parallel * along + perpendicular * across

    def vertical_field(self) -> float:
        """E⊥ at which BA is no minimum any more, without E∥; −4 e₄ t_BA / 3 p₃ in the model of the paper (Eq. 4)."""
        square = self.start**2
        return -self.start * Polynomial(self.q)(square) / Polynomial(self.r)(square)

    def coercive_field(self, parallel: float, criterion: Criterion = "lost_minimum") -> float:
        """The smallest E⊥ that lets the layers slide from BA through SP while there is E∥ ≥ 0; below 0: none needed."""
        t = self._way
        if criterion == "lost_minimum":
            energy, along, across = (slope(t) for slope in self.slopes)
        elif criterion == "below_start":
            energy, along, across = (curve(t) for curve in self.curves)
            across = across - self.curves[2](self.start)
        else:
            raise unknown_choice("criterion", criterion, CRITERIA)
        return _top(t, (energy - parallel * along) / -across)

    def along_dip(self, dip: float) -> float:
        """Total field at which BA loses its minimum in a field inclined by `dip` degrees, V/Å."""
        t = self._way
        energy, along, across = (slope(t) for slope in self.slopes)
        cosine, sine = math.cos(math.radians(dip)), math.sin(math.radians(dip))
        return _top(t, energy / (cosine * along - sine * across))

    def horizontal_field(self, criterion: Criterion = "lost_minimum") -> float:
        """The E∥ that switches without any E⊥; inf when p∥ does not help."""
        t = self._way
        energy, along = (c(t) for c in (self.slopes if criterion == "lost_minimum" else self.curves)[:2])
        with np.errstate(divide="ignore"):
            return _top(t, energy / along) if (along > 0).all() else math.inf

    def least_field(self, criterion: Criterion = "lost_minimum") -> LeastField:
        """The smallest total field that switches, and its components."""
        largest = min(self.horizontal_field(criterion), 2 * self.vertical_field())

        def total(parallel: float) -> float:
            return math.hypot(parallel, max(self.coercive_field(parallel, criterion), 0.0))

        coarse = np.linspace(0, largest, 41)
        best = int(np.argmin([total(x) for x in coarse]))
        bounds = (coarse[max(best - 1, 0)], coarse[min(best + 1, len(coarse) - 1)])
        found = float(minimize_scalar(total, bounds=bounds, method="bounded", options={"xatol": 1e-7}).x)
        return LeastField(found, max(self.coercive_field(found, criterion), 0.0))

    @cached_property
    def _way(self) -> np.ndarray:
        """From BA to SP without its ends, where slopes vanish."""
        share = np.linspace(0, 1, _FINE)[1:-1]
        return self.start * (1 - share**2)


def square_root_law(model: PathModel, parallel: float) -> float:
    """E⊥,c ≈ E⁰ (1 − β √E∥), for small E∥ (Eq. 4 of the paper)."""
    return model.vertical_field() * (1 - square_root_coefficient(model) * math.sqrt(parallel))


def square_root_coefficient(model: PathModel) -> float:
    """β = √(−(p₂ + 2 p₄ t_BA²) / (e₄ t_BA²)), (Å/V)^½ (Eq. 5)."""
    c, square = model.constants(), model.start**2
    inside = -(c["p2"] + 2 * c["p4"] * square) / (c["e4"] * square)
    return math.sqrt(inside) if inside >= 0 else math.nan


def exact_field(model: PathModel, parallel: float) -> float:
    """E⊥,c of the paper's model in closed form (Eq. S6)."""
    c, square = model.constants(), model.start**2
    depth = 2 * c["e4"] * square + c["p2"] * parallel
    x = 3 * (c["e4"] - c["p4"] * parallel) * square / depth
    m = 0.75 + 1.5 * x + 0.25 * math.sqrt(36 * x**2 - 60 * x + 9)
    return -depth / (3 * model.start * c["p3"]) * math.sqrt(8 * x / (m * (m - 2)))


def _least_squares(t: np.ndarray, basis: list[Polynomial], values: np.ndarray) -> np.ndarray:
    columns = np.stack([function(t) for function in basis], axis=1)
    scale = np.abs(columns).max(axis=0)
    return np.asarray(np.linalg.lstsq(columns / scale, values, rcond=None)[0] / scale)


def _top(t: np.ndarray, values: np.ndarray) -> float:
    """Largest of `values`, by the parabola through its neighbours where it is inside."""
    best = int(np.argmax(values))
    if best in (0, len(t) - 1):
        return float(values[best])
    a, b, c = np.polyfit(t[best - 1 : best + 2] - t[best], values[best - 1 : best + 2], 2)
    return float(c - b**2 / (4 * a))
