"""What the task `polarization_pattern` returns; docs/tasks/polarization_pattern.md has the definitions in full.

Most numbers are of one pattern. Patterns come in four kinds, each with the labels that tell its structures apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from harness.contracts.observable import Observable
from harness.contracts.quantity import Quantity

Kind = Literal["twist", "field", "mismatch", "antiparallel"]
#: Names of the patterns of each kind; a twist is ``flat``, ``relaxed``, or ``registry`` (from perfect bilayers).
NAMES: dict[Kind, str] = {
    "twist": "{structure}",
    "field": "field_{field}",
    "mismatch": "mismatch_{mismatch}",
    "antiparallel": "antiparallel",
}
_WORDS: dict[Kind, str] = {
    "twist": "twist, {structure}",
    "field": "twist in {field} V/Å",
    "mismatch": "layers that differ by one cell, upper layer of {mismatch}",
    "antiparallel": "antiparallel twist",
}
_SYMBOLS: dict[Kind, str] = {
    "twist": "{structure}",
    "field": "E={field}",
    "mismatch": "n={mismatch}",
    "antiparallel": "AA′",
}
_ALL: tuple[Kind, ...] = ("twist", "field", "mismatch", "antiparallel")
_PARALLEL: tuple[Kind, ...] = ("twist", "field", "mismatch")


def _of_patterns(
    stem: str, unit: str, symbol: str, definition: str, kinds: tuple[Kind, ...] = _ALL, headline: bool = False
) -> dict[Kind, Observable]:
    """One declaration for each kind of pattern; those of twists are shown first where `headline`."""
    join = "," if "_" in symbol else "_"
    return {
        kind: Observable(
            f"{stem}_{NAMES[kind]}",
            unit,
            f"{symbol}{join}{_SYMBOLS[kind]}",
            f"{definition}; {_WORDS[kind]}.",
            headline and kind == "twist",
        )
        for kind in kinds
    }


PERP_M = _of_patterns(
    "polarization_perp_M",
    "pC/m",
    "P_⊥,M",
    "Half of P⊥ at the centre of M less that at the centre of N",
    ("twist",),
    headline=True,
)
PERP_MAX = _of_patterns("polarization_perp_max", "pC/m", "P_⊥,max", "Largest |P⊥| of the pattern")
PARALLEL_MAX = _of_patterns(
    "polarization_parallel_max", "pC/m", "P_∥,max", "Largest |P∥| of the pattern", headline=True
)
RATIO = _of_patterns("polarization_ratio", "1", "r_P", "Largest |P∥| over largest |P⊥|", ("twist",))
#: By region of the moiré; of a twist the mean of the two sides of its critical state.
WINDING = {
    region: _of_patterns(
        f"winding_{region}",
        "1",
        f"Q_{region}",
        f"Times that the direction of P wraps the sphere over {words}",
        _PARALLEL,
        headline=region != "total",
    )
    for region, words in (("M", "the region M"), ("N", "the region N"), ("total", "the whole cell"))
}
#: By region: P⊥ raised, P⊥ lowered, and without the triangles that hold a node.
WINDING_RAISED, WINDING_LOWERED, WINDING_CUT = (
    {
        region: _of_patterns(
            f"winding_{region}_{ending}",
            "1",
            f"Q_{region},{symbol}",
            f"Times that the direction of P wraps the sphere over the region {region}, {words}",
            ("twist",),
        )
        for region in ("M", "N")
    }
    for ending, symbol, words in (
        ("raised", "+", "P⊥ raised by a share of its maximum"),
        ("lowered", "-", "P⊥ lowered by a share of its maximum"),
        ("without_nodes", "cut", "without the triangles of the grid that hold a node"),
    )
)
HELICITY = _of_patterns(
    "helicity",
    "deg",
    "φ",
    "Angle between P∥ and the way out of the centre of M: ±90 for a vortex, 0 or 180 for a source or sink",
    ("twist", "mismatch"),
)
SHARE_UP = _of_patterns("share_up", "1", "f_↑", "Share of the area where P⊥ is positive", ("field",))["field"]
BIAS = _of_patterns("bias", "pC/m", "P_0", "Mean P⊥ over the cell", ("mismatch",))["mismatch"]
RESPONSE = Observable(
    "response_perp",
    "A",
    "χ_⊥",
    "Change of P⊥ by a vertical field over ε₀, mean over the cell, least squares over the fields.",
    headline=True,
)
UNIFORM_FIELD = Observable(
    "uniform_field", "V/A", "E_u", "Vertical field at which all of P⊥ points one way.", headline=True
)
PHASE = Observable("phase_difference", "deg", "Δφ", "Difference of the helicities of the twist and the mismatch.")
ANTIPARALLEL_RATIO = Observable(
    "antiparallel_ratio",
    "1",
    "r_AA′",
    "Largest |P∥| of the antiparallel twist over that of the parallel one.",
    headline=True,
)
NONLOCALITY = Observable(
    "nonlocality_perp",
    "1",
    "δP_⊥",
    "Rms difference of P⊥ from that of perfect bilayers of the same registry, over the rms of the latter.",
    headline=True,
)
OBSERVABLES = (
    *PERP_M.values(),
    *PARALLEL_MAX.values(),
    *(each for region in WINDING.values() for each in region.values()),
    RESPONSE,
    UNIFORM_FIELD,
    ANTIPARALLEL_RATIO,
    NONLOCALITY,
    *PERP_MAX.values(),
    *RATIO.values(),
    *(
        each
        for sides in (WINDING_RAISED, WINDING_LOWERED, WINDING_CUT)
        for region in sides.values()
        for each in region.values()
    ),
    *HELICITY.values(),
    PHASE,
    SHARE_UP,
    BIAS,
)


def winding_of(observables: Mapping[str, Quantity], region: str, name: str) -> Quantity | None:
    """The winding number of `region` of the pattern `name` in a record; None where it has none."""
    for kind, observable in WINDING[region].items():
        for key, quantity in observables.items():
            if observable.describes(key, quantity) and NAMES[kind].format(**quantity.labels) == name:
                return quantity
    return None
