"""What the task `conformance` returns: the largest error of each line, under the name of the line."""

from __future__ import annotations

from harness.contracts.observable import Observable

FAILED = Observable(
    "failed_lines", "1", "n_failed", "Number of lines whose error exceeds the tolerance.", headline=True
)
WORST = Observable(
    "worst_error_over_tolerance",
    "1",
    "ε_max",
    "Largest error over its tolerance, of the lines that have a tolerance.",
    headline=True,
)
#: The lines, by what they compare. A line that stands here for several has a label for the cell or the change.
LINES = (
    Observable(
        "forces_{cell}",
        "eV/A",
        "δF_{cell}",
        "Force along random directions against finite differences of the energy ({cell}).",
        headline=True,
    ),
    Observable(
        "stress_{cell}",
        "eV",
        "δσ_{cell}",
        "Virial per atom under strain in the plane, in bulk under any strain, against finite differences of the energy "
        "({cell}).",
        headline=True,
    ),
    Observable(
        "stress_z_{cell}",
        "eV",
        "δσz_{cell}",
        "Virial per atom under strain out of the plane against finite differences of the energy ({cell}).",
    ),
    Observable(
        "nve_drift",
        "eV",
        "ΔE_NVE",
        "Change of the total energy per atom over a run at constant energy, last quarter less first.",
        headline=True,
    ),
    Observable(
        "born_finite_differences",
        "e",
        "δZ*",
        "Born charges against finite differences of the dipole along random displacements of all atoms.",
        headline=True,
    ),
    Observable(
        "{change}_energy",
        "eV",
        "δE_{change}",
        "Change of the energy per atom where it must not change ({change}).",
    ),
    Observable(
        "{change}_forces",
        "eV/A",
        "δF_{change}",
        "Largest error of a force component after the change ({change}), which turns forces with the structure or "
        "leaves them alone.",
    ),
    Observable(
        "{change}_stress",
        "eV",
        "δσ_{change}",
        "Largest error of a component of the virial per atom after the change ({change}).",
    ),
    Observable("net_force_{cell}", "eV/A", "F̄_{cell}", "Mean force on an atom ({cell})."),
    Observable("net_torque_molecule", "eV", "τ", "Torque on a molecule about its centre, per atom."),
    Observable(
        "smooth_{path}_energy", "eV", "jump E_{path}", "Largest jump of the energy per atom along a path ({path})."
    ),
    Observable(
        "smooth_{path}_forces", "eV/A", "jump F_{path}", "Largest jump of a force component along a path ({path})."
    ),
    Observable(
        "polarization_{change}",
        "pC/m",
        "δP_{change}",
        "Error of the sheet polarization where symmetry fixes it or a change must leave it alone ({change}).",
    ),
    Observable(
        "born_{change}",
        "e",
        "δZ*_{change}",
        "Largest error of the Born charges where a change turns them or leaves them alone ({change}).",
    ),
    Observable("born_sum_rule", "e", "ΣZ*", "Largest component of the sum of the Born charges over all atoms."),
    Observable("charge_neutrality", "e", "Σq", "Sum of the charges of a neutral slab."),
    Observable(
        "born_index_order",
        "1",
        "δZ*/δZ*ᵀ",
        "Error of the Born charges over the error with their two indices exchanged; the first index is polarization.",
    ),
    Observable(
        "field_forces", "e", "δ(∂F/∂E)", "Derivative of the forces by a uniform field against the Born charges."
    ),
    Observable("field_energy", "e A", "δ(∂U/∂E)", "Derivative of the energy by a uniform field against the dipole."),
    Observable(
        "field_polarizability",
        "A^3",
        "δα",
        "Derivative of the dipole by a uniform field against the polarizability.",
    ),
    Observable(
        "polarization_forces",
        "eV/A",
        "δF_P",
        "Forces of the polarization model against finite differences of its own energy.",
    ),
    Observable(
        "state_left_behind", "1", "n_state", "Settings of the process that an evaluation leaves altered, counted."
    ),
    Observable("finite", "1", "n_nan", "Numbers among all answers that are not finite, counted."),
    Observable("structures_left_alone", "1", "n_altered", "Structures that an evaluation altered, counted."),
)
OBSERVABLES = (FAILED, WORST, *LINES)
