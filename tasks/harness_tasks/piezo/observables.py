"""What the task `piezo` returns; docs/tasks/piezo.md derives every number."""

from __future__ import annotations

from harness.contracts.observable import Observable

#: Coefficients that are measured in full, by component: direction of the polarization, then of the strain.
COMPONENTS = ("yyy", "zyy", "zzz")
_HEADLINE = {
    "e_yyy", "e_zyy", "e_zzz", "e_yyy_clamped", "e_zyy_clamped", "e_zzz_clamped",
    "e_yyy_from_born", "e_zyy_from_born", "e_zyy_improper", "e_zzz_improper",
}  # fmt: skip


def _slope(ending: str, symbol: str, definition: str) -> list[Observable]:
    """One observable for each component."""
    return [
        Observable(
            f"e_{c}{ending}",
            "nC/m",
            f"e_{c}{symbol}",
            definition.format(p=c[0], e=c[1:], key=f"e_{c}"),
            f"e_{c}{ending}" in _HEADLINE,
        )
        for c in COMPONENTS
    ]


OBSERVABLES = (
    *_slope("", "", "Proper piezoelectric coefficient: slope of P_{p} by the strain ε_{e}, ions relaxed."),
    *_slope("_clamped", ",clamped", "As {key}, with every atom following the strain."),
    *_slope(
        "_from_born",
        ",Z*",
        "{key}_clamped plus the part of the ions from Born charges, without a dipole of relaxed ions.",
    ),
    *_slope("_improper", ",improper", "Slope of the dipole {p} over the current area by ε_{e}, ions relaxed."),
    *_slope("_improper_clamped", ",improper,clamped", "As {key}_improper, with every atom following the strain."),
    *_slope("_ions", ",ions", "Part of the ions: {key} less {key}_clamped, from dipoles."),
    *_slope(
        "_ions_born",
        ",ions,Z*",
        "Part of the ions from Born charges times the internal strain that force constants give.",
    ),
    *_slope("_dipoles", ",p", "As {key}, from the atomic dipoles alone, without charges."),
    *_slope("_dipoles_clamped", ",p,clamped", "As {key}_clamped, from the atomic dipoles alone, without charges."),
    Observable("e_yxx", "nC/m", "e_yxx", "Proper piezoelectric coefficient of P_y by ε_xx (zigzag), ions relaxed."),
    Observable("e_zxx", "nC/m", "e_zxx", "Proper piezoelectric coefficient of P_z by ε_xx (zigzag), ions relaxed."),
    Observable("P_z", "pC/m", "P_z", "Sheet polarization across the unstrained sheet."),
    Observable(
        "e_yyy_edges", "nC/m", "e_yyy,edges", "Slope of the dipole y over the area of the pulled sheet, by dynamics."
    ),
    Observable(
        "e_zyy_edges", "nC/m", "e_zyy,edges", "Slope of the dipole z over the area of the pulled sheet, by dynamics."
    ),
    Observable("lattice_constant", "A", "a", "Lattice constant of the unstrained sheet along zigzag."),
)
