"""What the task `bend` returns; docs/tasks/bend.md derives every number."""

from __future__ import annotations

from harness.contracts.observable import Observable

STIFFNESS = Observable(
    "bending_stiffness",
    "eV",
    "D_b",
    "Bending stiffness: twice the slope of the bending energy per area against the mean square curvature, over the "
    "buckled loads.",
    headline=True,
)
STIFFNESS_MEAN = Observable(
    "bending_stiffness_mean_curvature",
    "eV",
    "D_b,|κ|",
    "The same against the square of the mean |κ|, which is larger by π²/8 for the shape of a clamped buckle.",
    headline=True,
)
STIFFNESS_LOAD = Observable(
    "bending_stiffness_from_load",
    "eV",
    "D_b,load",
    "Bending stiffness from the axial force of the buckled ribbon by Euler's formula; no curvature enters.",
)
STIFFNESS_LIMIT = Observable(
    "bending_stiffness_zero_curvature",
    "eV",
    "D_b,κ→0",
    "Twice the slope at zero of a parabola through the bending energy per area against the mean square curvature.",
)
CRITICAL_STRAIN = Observable(
    "critical_strain",
    "1",
    "ε_c",
    "End shortening over the free length at which the ribbon buckles, extrapolated to zero curvature.",
    headline=True,
)
#: μ by strain gradient; the label is the polarization, ``dipoles`` or ``full``.
MU = {
    "kappa": Observable(
        "mu_kappa_{polarization}",
        "e",
        "μ_κ,{polarization}",
        "Flexoelectric coefficient against the curvature κ: slope of the local polarization ({polarization}) along the "
        "local normal, without its part from slip; half of the coefficient against κ/2.",
        headline=True,
    ),
    "half_kappa": Observable(
        "mu_half_kappa_{polarization}",
        "e",
        "μ_κ/2,{polarization}",
        "Flexoelectric coefficient against the strain gradient κ/2 of small strain: twice the coefficient of the same "
        "polarization ({polarization}) against κ.",
        headline=True,
    ),
    "green": Observable(
        "mu_green_{polarization}",
        "e",
        "μ_ε,{polarization}",
        "Flexoelectric coefficient against the gradient ∂ε_zy/∂y of the atomic Green strain, polarization "
        "({polarization}) as for κ; equals that against κ/2 where the layers slide freely, larger where they do not.",
        headline=True,
    ),
}
#: The readings that take absolute values, by strain gradient.
MU_ABS = {
    name: Observable(
        f"mu_abs_{name}_{{polarization}}",
        "e",
        f"μ_abs,{symbol},{{polarization}}",
        f"Slope of the mean |P_z - P_z(flat)| ({{polarization}}) over the ribbon against the mean |{gradient}|, one "
        "point for each load; slip and tilt are in it.",
    )
    for name, symbol, gradient in (
        ("kappa", "κ", "κ"),
        ("half_kappa", "κ/2", "κ/2"),
        ("green", "ε", "∂ε_zy/∂y"),
    )
}
MU_LAB = Observable(
    "mu_kappa_{polarization}_lab",
    "e",
    "μ_κ,z,{polarization}",
    "Slope of the local polarization ({polarization}) along z against κ, with the part from slip.",
)
D_ZZZ = Observable(
    "d_zzz",
    "pm/V",
    "d_zzz",
    "dP_z/dσ_zz of averages over the sheet; only the held strip bears σ_zz, so it is no constant of the material.",
    headline=True,
)
LATTICE_CONSTANT = Observable("lattice_constant", "A", "a", "Zigzag period of the flat sheet that is bent.")
SHEET_MODULUS = Observable(
    "sheet_modulus", "N/m", "C", "Modulus of the flat sheet along the ribbon at held width, all layers together."
)
LAYER_DISTANCE = Observable("layer_distance", "A", "d", "Distance of the layers of the flat sheet.")
SHEAR_MODULUS = Observable(
    "interlayer_shear_modulus",
    "GPa",
    "G",
    "Shear modulus between the layers for small slip along the ribbon at relaxed distance.",
)
STIFFNESS_COUPLING = Observable(
    "bending_stiffness_of_coupling",
    "eV",
    "D_c",
    "What the coupling of the layers adds to the bending stiffness at this length: sandwich plate of the measured "
    "modulus, distance and shear.",
)
STIFFNESS_BONDED = Observable(
    "bending_stiffness_bonded", "eV", "D_∞", "Bending stiffness in the limit of layers that cannot slip."
)
#: The same of the ribbons that test the independence of length and load.
STIFFNESS_COMPARED = {
    "ribbon_length": Observable(
        "bending_stiffness_ribbon_length",
        "eV",
        "D_b,κ→0,L′",
        "Bending stiffness at zero curvature of the ribbon of another length.",
    ),
    "step_size": Observable(
        "bending_stiffness_step_size",
        "eV",
        "D_b,κ→0,steps",
        "Bending stiffness at zero curvature of a ribbon of the same length under other loads.",
    ),
}
OBSERVABLES = (
    STIFFNESS,
    STIFFNESS_MEAN,
    CRITICAL_STRAIN,
    *MU.values(),
    D_ZZZ,
    STIFFNESS_LOAD,
    STIFFNESS_LIMIT,
    *STIFFNESS_COMPARED.values(),
    STIFFNESS_COUPLING,
    STIFFNESS_BONDED,
    *MU_ABS.values(),
    MU_LAB,
    LATTICE_CONSTANT,
    SHEET_MODULUS,
    LAYER_DISTANCE,
    SHEAR_MODULUS,
)
