"""Factors from the units inside (eV, Å, e: ASE's) to those of sheets and solids, to multiply by; spellings of units.

The factors are from ASE's table of CODATA 2018, in which the elementary charge is exact (ASE's own default is CODATA
2014, lower by 8e-9 in that charge).
"""

from __future__ import annotations

from math import pi

from ase.units import create_units

__all__ = ["COULOMB", "EPSILON_0", "GPA", "N_PER_M", "PC_PER_M", "plain_unit"]

_si = create_units("2018")

#: eV/Å² in N/m (and J/m²).
N_PER_M = float(_si["_e"]) * 1e20
#: eV/Å³ in GPa.
GPA = float(_si["_e"]) * 1e21
#: e/Å in pC/m.
PC_PER_M = float(_si["_e"]) * 1e22
#: e²/(4π ε₀) in eV Å.
COULOMB = float(_si["_e"]) * 1e10 / (4 * pi * float(_si["_eps0"]))
#: ε₀ in e/(V Å).
EPSILON_0 = 1 / (4 * pi * COULOMB)


def plain_unit(unit: str) -> str:
    """A spelling by which units can be compared: ``nC/m``, ``nC m^-1`` and ``nC m⁻¹`` are the same."""
    unit = (
        unit.translate(str.maketrans("Åµμ−⁻⁰¹²³⁴", "Auu--01234")).replace("**", "^").replace("·", " ").replace("*", " ")
    )
    powers: dict[str, int] = {}
    numerator, *denominators = unit.split("/")
    for sign, part in [(1, numerator), *((-1, d) for d in denominators)]:
        for factor in part.strip(" ()").replace("^", "").split():
            symbol = factor.rstrip("-0123456789") or "1"
            power = factor[len(symbol) :] if symbol != "1" else ""
            powers[symbol] = powers.get(symbol, 0) + sign * int(power or 1)
    powers.pop("1", None)
    return " ".join(f"{symbol}{power}" for symbol, power in sorted(powers.items()) if power)
