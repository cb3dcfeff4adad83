"""The runs whose records are stored: every task with `mtp_cd` and with the analytic oracles, and paths beside these."""

from __future__ import annotations

from dataclasses import dataclass

TASKS = (
    "accuracy", "bend", "coercive_field", "conformance", "elastic", "interlayer", "moire_relax", "piezo",
    "polarization_pattern", "single_point", "sliding", "tc_sweep",
)  # fmt: skip

POTENTIALS = {
    "plate": ("potential=plate", "polarization=plate"),
    "cosine": ("potential=cosine", "polarization=cosine"),
    "mtp_cd": ("potential=mtp_cd",),  # with its default polarization model, charge_dipole
}


@dataclass(frozen=True)
class Case:
    """One run.

    `name` is the file of the expectation below ``expected/``; `code` the exit code of the command line; `figures` is
    false where matplotlib is hidden, as in the environment of a backend, because drawing would take most of the time.
    """

    name: str
    arguments: tuple[str, ...]
    code: int = 0
    figures: bool = True


#: Settings that make a run of the profile `quick` smaller and keep all it does; the full run is among the slow cases.
_CURIE = tuple(f"task.params.{x}" for x in ("time=0.2", "repeats=2", "points=2", "leg=50"))
_FIELD = tuple(f"task.params.{x}" for x in ("seeds=1", "ramp=4.0", "dips=[90,45]", "leg=50", "path_points=9"))
_RIBBON = tuple(f"task.params.{x}" for x in ("length=35", "steps=2", "check_length=30", "check_steps=null"))
_PATTERN = tuple(f"task.params.{x}" for x in ("n=2", "mismatch=[5,-7]", "fields=[-0.02,0.02]", "grid=48"))
SMALLER: dict[tuple[str, str], tuple[str, ...]] = {
    ("tc_sweep", "cosine"): _CURIE,
    ("tc_sweep", "mtp_cd"): _CURIE,
    ("coercive_field", "cosine"): _FIELD,
    ("coercive_field", "mtp_cd"): _FIELD,
    ("bend", "cosine"): _RIBBON,
    ("bend", "mtp_cd"): _RIBBON,
    ("moire_relax", "plate"): ("task.params.start=rigid",),  # its layers do not feel each other: no landscape
    ("moire_relax", "cosine"): ("task.params.twists=[1,2]",),
    ("moire_relax", "mtp_cd"): ("task.params.twists=[1,2]",),
    ("polarization_pattern", "cosine"): _PATTERN,
    ("polarization_pattern", "mtp_cd"): _PATTERN,
    ("conformance", "cosine"): ("task.params.path_points=30", "task.params.nve_steps=50"),
}

#: Exit codes other than 0: what these combinations answer today.
CODES = {("elastic", "plate"): 1}

#: Paths through the tasks that the profile `quick` does not take.
_PLATE = ("potential=plate", "polarization=plate")
_COSINE = ("potential=cosine", "polarization=cosine")


def _settings(*settings: str) -> tuple[str, ...]:
    return tuple(f"task.params.{setting}" for setting in settings)


BESIDE: dict[str, tuple[str, ...]] = {
    "bend-dynamics": (
        "task=bend", *_PLATE, "material=bn_monolayer",
        *_settings("method=dynamics", "length=30", "step=0.2", "max_loads=4", "relaxation_steps=100",
                   "sample_every=20", "check_length=null", "check_steps=null", "temperature=10"),
    ),
    "bend-open": (
        "task=bend", *_PLATE, "material=bn_monolayer",
        *_settings("boundary=open", "lateral=free", "direction=down", "length=40", "steps=3", "check_length=null",
                   "check_steps=null"),
    ),
    "elastic-dynamics": (
        "task=elastic", "potential=plate", "material=bn_monolayer",
        *_settings("method=dynamics", "length=30", "width=10", "step=0.05", "relaxation_steps=50",
                   "sample_every=10", "thickness=3.3"),
    ),
    "piezo-dynamics": (
        "task=piezo", *_PLATE, "material=bn_monolayer",
        *_settings("method=dynamics", "length=30", "width=10", "step=0.05", "relaxation_steps=50", "sample_every=10"),
    ),
    "elastic-monolayer": ("task=elastic", "potential=plate", "material=bn_monolayer"),
    "conformance-monolayer": ("task=conformance", *_PLATE, "material=bn_monolayer"),
    "interlayer-relaxed": ("task=interlayer", *_COSINE, *_settings("relaxed=true", "relax_cell=true")),
    "sliding-antiparallel": ("task=sliding", *_COSINE, "material.stacking=AAp"),
    "sliding-rigid": ("task=sliding", *_COSINE, *_settings("map=rigid", "paths=[rigid]", "relax_cell=true")),
    "single_point-repeated": ("task=single_point", "potential=mtp_cd", *_settings("repeat=[2,1]"), "seed=3"),
    "moire_relax-mismatch": ("task=moire_relax", *_COSINE, *_settings("twists=[]", "mismatch=[5,-7]", "start=rigid")),
    "moire_relax-antiparallel": ("task=moire_relax", *_COSINE, "material.stacking=AAp", *_settings("twists=[1]")),
    "polarization_pattern-assumed": (
        "task=polarization_pattern", *_COSINE,
        *_settings("n=3", "mismatch=[]", "local=registry", "response=assumed", "susceptibility=4.14", "grid=48"),
    ),
    "coercive_field-steps": (
        "task=coercive_field", *_COSINE,
        *_settings("ramp=0", "step=0.4", "hold=0.1", "grid=0", "dips=[90]", "seeds=1", "leg=50", "path=rigid",
                   "ensemble=nose_hoover"),
    ),
    "tc_sweep-nose_hoover": (
        "task=tc_sweep", *_COSINE,
        *_settings("ensemble=nose_hoover", "highest=60", "step=30", "time=0.1", "repeats=2", "relax_cell=true"),
    ),
}  # fmt: skip


def _quick(small: bool) -> list[Case]:
    cases = []
    for potential, arguments in POTENTIALS.items():
        for task in TASKS:
            settings = SMALLER.get((task, potential), ())
            if small or (settings and potential != "plate"):
                name = f"{'quick' if small else 'slow'}/{task}-{potential}"
                chosen = (f"task={task}", *arguments, *(settings if small else ()))
                cases.append(Case(name, chosen, CODES.get((task, potential), 0), potential == "mtp_cd"))
    return cases


QUICK = [
    *_quick(True),
    *(Case(f"beside/{name}", arguments, figures=False) for name, arguments in BESIDE.items()),
]
SLOW = _quick(False)
