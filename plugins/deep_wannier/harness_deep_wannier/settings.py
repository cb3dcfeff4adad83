"""What a fit can be told, and deepmd's input made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from harness.errors import unknown_choice
from harness_deep_wannier.cores import Cores

__all__ = ["ENERGY", "WANNIER", "Settings", "deepmd_input", "read", "watch"]


#: Of `harness_deep_wannier.kalman.filtered`.
FILTER = {
    "spread": 1.0,
    "memory": 0.998,
    "largest": 4600,
    "noise": 30.0,
    "least": 1.0,
    "cooling": 0.996,
    "doubt": 2.0,
}


@dataclass(frozen=True)
class Settings:
    """Settings of one model; all of them go into its facts.

    Attributes
    ----------
    cutoff, smooth
        Range of the descriptor (Å), and where its decay to zero begins.
    neighbours
        Most neighbours of one element within the cutoff.
    embedding, axis
        Widths of the embedding net of ``se_e2_a``, and of the axis filter.
    fitting
        Widths of the fitting net.
    steps, batch, rates
        Steps of Adam, deepmd's batch size, first and last learning rate.
    passes
        Most passes of the Kalman filter through the training set thereafter, each followed by a look at the
        validation set.
    filter
        Of `harness_deep_wannier.kalman.filtered`.
    patience
        Passes without a better validation score after which training ends.
    weights
        Of the loss of Adam's steps. Energy models: deepmd's prefactors at the first and last learning rate, and
        ``relative_f``: force errors count relative to the force plus so much (eV/Å), so that hot frames do not drown
        the others (for the filter too). Dipole models: of the mean squares of ``atomic`` and ``total`` dipoles (e Å),
        ``derivative`` (Born charges, e) and ``layer`` (their sums over layers, e).
    relative_h
        Energy errors of the filter count relative to one and the height above the lowest training frame in this unit
        (eV/atom): how layers slide is a millielectronvolt, and has to be right there.
    goals
        Errors that are good enough: the units of the filter's residuals. The validation score is the root of the mean
        square of error over goal.
    minutes
        Most time (wall clock) that training may take; what is best by then is kept.
    force_max
        Frames with larger forces (eV/Å) are left out of training and validation of the energy model.
    sum_max
        Frames whose Born charges sum up to more (e) are left out of those of the dipole model: a sum far from zero says
        that the linear response did not converge, as in a cell whose gap nearly closes.
    """

    cutoff: float
    smooth: float
    neighbours: int
    embedding: tuple[int, ...]
    axis: int
    fitting: tuple[int, ...]
    steps: int
    batch: int | str
    rates: tuple[float, float]
    passes: int
    weights: Mapping[str, float]
    goals: Mapping[str, float]
    filter: Mapping[str, float] = field(default_factory=lambda: dict(FILTER))
    relative_h: float = 0.03
    patience: int = 15
    minutes: float | None = 60.0
    force_max: float | None = None
    sum_max: float | None = None


WANNIER = Settings(
    cutoff=7.0,
    smooth=3.0,
    neighbours=64,
    embedding=(12, 24),
    axis=6,
    fitting=(32, 32),
    steps=200,
    batch=8,
    rates=(5e-3, 1e-3),
    passes=60,
    weights={"atomic": 50.0, "total": 200.0, "derivative": 5.0, "layer": 40.0},
    goals={"rmse_derivative": 0.02, "rmse_layer": 0.002, "rmse_total": 0.004, "rmse_atomic": 0.004},
    sum_max=0.02,
)
ENERGY = Settings(
    cutoff=6.5,
    smooth=2.5,
    neighbours=56,
    embedding=(12, 24),
    axis=4,
    fitting=(32, 32),
    steps=200,
    batch="auto:32",
    rates=(5e-3, 1e-3),
    passes=60,
    weights={"start_pref_e": 0.02, "limit_pref_e": 300.0, "start_pref_f": 900.0, "limit_pref_f": 90.0,
             "start_pref_v": 0.01, "limit_pref_v": 1.0, "relative_f": 0.5},
    # forces over (0.5 eV/Å + force): 0.01 eV/Å where they are small, as between layers
    goals={"rmse_f": 0.02, "rmse_h": 0.0002, "rmse_v": 0.05},
    force_max=25.0,
)  # fmt: skip


def read(default: Settings, given: Mapping[str, Any], of: str) -> Settings:
    """Settings with some of them given.

    Raises
    ------
    HarnessError
        For an unknown one.
    """
    known = {field.name for field in fields(Settings)}
    values: dict[str, Any] = {}
    for key, value in given.items():
        if key not in known:
            raise unknown_choice(f"setting of the {of} model", key, known)
        old = getattr(default, key)
        if isinstance(old, Mapping):
            for word in value:
                if word not in old:
                    raise unknown_choice(f"{key} of the {of} model", word, old)
            value = {**old, **value}
        values[key] = tuple(value) if isinstance(old, tuple) else value
    return replace(default, **values)


def deepmd_input(
    settings: Settings, species: Sequence[str], systems: Mapping[str, Sequence[str]], seed: int, cores: Cores | None
) -> dict[str, Any]:
    """deepmd's input; a dipole model when there are cores, else an energy model.

    Parameters
    ----------
    settings
        Of the fit.
    species
        Chemical symbols, in the order of the model's types.
    systems
        Folders of deepmd's data, by split.
    seed
        Of the initial weights and of the order of batches.
    cores
        Of a dipole model; None for an energy model.
    """
    network = {"precision": "float64", "seed": seed + 1}  # deepmd takes 0 for no seed
    fitting: dict[str, Any] = {"neuron": list(settings.fitting), "resnet_dt": True, **network}
    if cores is None:
        fitting["type"] = "ener"
        loss = {"type": "ener", **settings.weights}
    else:
        fitting |= {"type": "dipole", "sel_type": [species.index(symbol) for symbol in cores.carriers]}
        loss = {"type": "tensor", "pref": 1.0, "pref_atomic": 1.0}  # replaced by harness_deep_wannier.loss
    return {
        "model": {
            "type_map": list(species),
            "descriptor": {
                "type": "se_e2_a",
                "sel": [settings.neighbours] * len(species),
                "rcut": settings.cutoff,
                "rcut_smth": settings.smooth,
                "neuron": list(settings.embedding),
                "axis_neuron": settings.axis,
                "resnet_dt": False,
                "type_one_side": True,
                **network,
            },
            "fitting_net": fitting,
        },
        "learning_rate": {
            "type": "exp",
            "start_lr": settings.rates[0],
            "stop_lr": settings.rates[1],
            "decay_steps": max(1, settings.steps // 200),
        },
        "loss": loss,
        "training": {
            "training_data": {
                "systems": list(systems["train"]),
                "batch_size": settings.batch,
                "auto_prob": "prob_sys_size",
            },
            "validation_data": {"systems": list(systems["validation"]), "batch_size": 1},
            "numb_steps": settings.steps,
            "seed": seed + 1,
            "disp_freq": settings.steps,
            "save_freq": settings.steps,
            "max_ckpt_keep": 2,
        },
    }


def watch(settings: Settings, seed: int, cores: Cores | None, lowest: float) -> dict[str, Any]:
    """Settings of `harness_deep_wannier.trainer` that deepmd's input does not have.

    Parameters
    ----------
    settings
        Of the fit.
    seed
        Of the order of batches.
    cores
        Of a dipole model; None for an energy model.
    lowest
        Lowest energy of a frame, eV/atom.
    """
    told: dict[str, Any] = {
        "passes": settings.passes,
        "filter": dict(settings.filter),
        "seed": seed,
        "patience": settings.patience,
        "seconds": None if settings.minutes is None else 60.0 * settings.minutes,
        "goals": dict(settings.goals),
    }
    if cores is None:
        told["heights"] = {"lowest": lowest, "relative_h": settings.relative_h}
    else:
        told["weights"] = {"scale": abs(cores.centroid), **settings.weights}
    return told


def plain(settings: Settings) -> dict[str, Any]:
    """For JSON."""
    return asdict(settings)
