"""What the task `tc_sweep` returns; docs/tasks/tc_sweep.md has the definitions in full."""

from __future__ import annotations

from harness.contracts.observable import Observable

CURIE = Observable(
    "curie_temperature",
    "K",
    "T_C",
    "Lowest temperature at which |⟨Im ψ⟩|, mean over sweeps and both ways, lies below half its amplitude √3/2.",
    headline=True,
)
CURIE_HEATING = Observable(
    "curie_temperature_heating", "K", "T_C,heating", "Curie temperature of the way up alone.", headline=True
)
CURIE_COOLING = Observable(
    "curie_temperature_cooling", "K", "T_C,cooling", "Curie temperature of the way down alone.", headline=True
)
CURIE_BOTH_WAYS = Observable(
    "curie_temperature_both_ways",
    "K",
    "T_C,both",
    "Lowest temperature at which the order is lost on heating and on cooling: of the higher of the two means.",
)
HYSTERESIS = Observable(
    "hysteresis_width", "K", "ΔT_C", "Curie temperature on heating less that on cooling.", headline=True
)
ARRHENIUS = Observable(
    "arrhenius_temperature",
    "K",
    "T_A",
    "Temperature at which a rigid layer with this barrier keeps half its order in the time that is averaged.",
    headline=True,
)
BARRIER = Observable(
    "barrier_per_cell", "meV", "ΔE", "E(SP) less E(AB) for each cell of four atoms, relaxed along z.", headline=True
)
CELLS = Observable("cells", "1", "N", "Primitive cells of the sheet.", headline=True)
TIME = Observable("time_per_temperature", "ps", "t", "Time spent at each temperature.", headline=True)
COHERENT_BARRIER = Observable(
    "coherent_barrier", "eV", "N ΔE", "Energy that all cells of the sheet need to slide over SP together."
)
ATTEMPT_FREQUENCY = Observable(
    "attempt_frequency", "THz", "ν", "Frequency of a rigid layer in its well on the quartic path of this barrier."
)
UNPHYSICAL = Observable(
    "unphysical_temperature", "K", "T_u", "Lowest temperature at which a sweep ended in unphysical motion."
)
#: By the way on which the order is read.
CURIES = (CURIE, CURIE_HEATING, CURIE_COOLING, CURIE_BOTH_WAYS)
OBSERVABLES = (
    *CURIES,
    HYSTERESIS,
    ARRHENIUS,
    BARRIER,
    CELLS,
    TIME,
    COHERENT_BARRIER,
    ATTEMPT_FREQUENCY,
    UNPHYSICAL,
)
