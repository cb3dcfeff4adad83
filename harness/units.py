"""Factors from the units inside (eV, Å, e: ASE's) to those of sheets and solids; multiply by them.

From ASE's table of CODATA 2018, in which the elementary charge is exact (ASE's own default is CODATA 2014, lower by
8e-9 in that charge).
"""

from __future__ import annotations

from math import pi

from ase.units import create_units

__all__ = ["COULOMB", "EPSILON_0", "GPA", "N_PER_M", "PC_PER_M"]

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
