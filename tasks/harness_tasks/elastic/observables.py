"""What the task `elastic` returns; docs/tasks/elastic.md derives every number."""

from __future__ import annotations

from dataclasses import replace

from harness.contracts.observable import Observable

_PLANE = (
    Observable(
        "C11", "N/m", "C₁₁", "Slope of the sheet stress σ_yy against the strain ε_yy (armchair) at held width.", True
    ),
    Observable("C12", "N/m", "C₁₂", "Slope of the sheet stress σ_xx against the strain ε_yy at held width.", True),
    Observable("C66", "N/m", "C₆₆", "Slope of the sheet shear stress σ_xy against the engineering strain 2ε_xy.", True),
    Observable(
        "C22",
        "N/m",
        "C₂₂",
        "Slope of the sheet stress σ_xx against the strain ε_xx (zigzag); only without a threefold axis.",
    ),
    Observable("Y_2D", "N/m", "Y_2D", "Young's modulus of the sheet with free width, C₁₁ - C₁₂²/C_xx.", True),
    Observable("nu", "1", "ν", "Poisson's ratio of the sheet, C₁₂/C_xx.", True),
)
_VERTICAL = (
    Observable(
        "E_zzzz",
        "GPa",
        "E_zzzz",
        "Slope of σ_zz, the force on an outermost atomic plane over the area, against the change of their distance "
        "over the thickness.",
        True,
    ),
    Observable(
        "E_yyzz",
        "GPa",
        "E_yyzz",
        "Slope of σ_yy, the sheet stress over the thickness, against the change of the distance of the outermost "
        "atomic planes over the thickness.",
        True,
    ),
)


def _clamped(observable: Observable) -> Observable:
    """The same with every atom following the strain."""
    return replace(
        observable,
        key=f"{observable.key}_clamped",
        symbol=f"{observable.symbol}{',' if '_' in observable.symbol else '_'}clamped",
        definition=f"As {observable.key}, with every atom following the strain.",
        headline=observable.key in ("C11", "C66"),
    )


def _volumetric(observable: Observable) -> Observable:
    return Observable(
        f"{observable.key}_volumetric",
        "GPa",
        f"{observable.symbol}/h",
        f"{observable.key} over the thickness that was stated.",
    )


_DIRECT = (
    Observable("Y_2D_direct", "N/m", "Y_2D,direct", "Slope of the sheet stress σ_yy of a sheet that contracts."),
    Observable("nu_direct", "1", "ν_direct", "Contraction -ε_xx/ε_yy of a sheet whose width is free."),
)
_ALL = (*_PLANE, *map(_clamped, _PLANE), *_DIRECT)
#: Slope of the tension test.
EDGES = Observable(
    "E_edges",
    "N/m",
    "E_edges",
    "Slope of the force on the pulled edges over the width against the strain, in the tension test by dynamics.",
    headline=True,
)
OBSERVABLES = (
    *_PLANE,
    *map(_clamped, _PLANE),
    *_VERTICAL,
    *map(_clamped, _VERTICAL),
    EDGES,
    *_DIRECT,
    *(_volumetric(observable) for observable in _ALL if observable.unit == "N/m"),
    Observable(
        "thickness", "A", "h", "Distance of the outermost atomic planes, or the thickness that the parameters state."
    ),
    Observable("lattice_constant", "A", "a", "Lattice constant of the unstrained sheet along zigzag."),
    Observable(
        "stress_error",
        "N/m",
        "δσ",
        "Largest difference of the potential's sheet stress from the derivative of its energy at a trial strain.",
    ),
)
