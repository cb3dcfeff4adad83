"""What the task `single_point` returns."""

from __future__ import annotations

from harness.contracts.observable import Observable

ENERGY = Observable(
    "energy_per_atom", "eV", "E/N", "Potential energy of the structure over its number of atoms.", headline=True
)
SHEET_DIPOLE = Observable(
    "sheet_dipole_z", "pC/m", "P_z", "Dipole moment across the sheet over its area.", headline=True
)
LARGEST_FORCE = Observable("largest_force", "eV/A", "F_max", "Largest magnitude of the force on an atom.")
STRESS = Observable(
    "stress_{component}",
    "N/m",
    "σ_{component}",
    "Component {component} of the sheet stress: stress times the height of the cell.",
)
OBSERVABLES = (ENERGY, SHEET_DIPOLE, LARGEST_FORCE, STRESS)
