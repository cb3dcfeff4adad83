"""What the two fitters share: their settings, and what they leave behind."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ase import Atoms

from harness.errors import HarnessError, unknown_choice
from harness.fitting.atomic_output import atomic_output
from harness.fitting.parity import by_family, errors, predict
from harness.fitting.parity_plot import draw
from harness_mace.architecture import Architecture
from harness_mace.backend import DTYPES, versions
from harness_mace.modelfile import SUFFIX, write
from harness_mace.training import Outcome, Schedule

if TYPE_CHECKING:
    from harness.data.dataset import Dataset

__all__ = ["Common", "finish", "identity", "model_name", "read"]

#: Hyperparameters that a fit may be told; the others follow from the data.
SHAPE = ("r_max", "hidden", "readout", "layers", "correlation", "max_ell", "bessel", "radial")


@dataclass(frozen=True)
class Common:
    """Settings of every fit here: ``dtype``, the number type of training (``float32``, ``float64``)."""

    dtype: str = "float32"


def model_name(params: Mapping[str, Any], dataset: Dataset, stem: str) -> str:
    """File name of the model; it tells the level of theory apart."""
    return Path(str(params.get("model") or f"{stem}{dataset.suffix}{SUFFIX}")).name


def read(
    params: Mapping[str, Any], kind: type, model: str, own: Mapping[str, Any] | None = None
) -> tuple[Any, dict[str, Any], Schedule]:
    """Settings, hyperparameters and schedule from a fitter's parameters.

    Parameters
    ----------
    own
        Values that this fitter takes where it is not told others.

    Raises
    ------
    HarnessError
        For a parameter that there is not, or whose value is of the wrong type.
    """
    defaults = {f.name: f.default for f in fields(Architecture) if f.name in SHAPE}
    groups: list[dict[str, Any]] = [asdict(kind()), defaults, asdict(Schedule())]
    known = {key: value for group in groups for key, value in group.items()}
    for key, value in {**(own or {}), **params}.items():
        if key == "model":
            continue
        if key not in known:
            raise unknown_choice(f"setting of the fit of mace ({model})", str(key), [*known, "model"])
        chosen = _as(known[key], value, str(key))
        for group in groups:
            if key in group:
                group[key] = chosen
    if groups[0]["dtype"] not in DTYPES:
        raise unknown_choice("number type of mace", str(groups[0]["dtype"]), DTYPES)
    return kind(**groups[0]), groups[1], Schedule(**groups[2])


def _as(like: Any, value: Any, key: str) -> Any:
    """`value` in the type of `like`."""
    try:
        if isinstance(like, tuple):
            return tuple(int(v) for v in value)
        return type(like)(value)
    except (TypeError, ValueError) as error:
        raise HarnessError(f"{key}={value} is not a value like {like}.", f"Give +options.NAME.{key}={like}.") from error


def identity(dataset: Dataset, settings: Any, shape: Mapping[str, Any], schedule: Schedule, seed: int) -> str:
    """What a checkpoint has to agree with: the data and all settings but those that only say when to stop.

    Parameters
    ----------
    dataset
        Gives version and checksum.
    settings
        Of the fit.
    shape
        Hyperparameters of the network.
    schedule
        Of the training.
    seed
        Of the initial weights and of the order of batches.
    """
    course = {key: value for key, value in asdict(schedule).items() if key not in ("minutes", "patience")}
    text = json.dumps([dataset.facts(), asdict(settings), dict(shape), course, seed], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def finish(
    potential: str, name: str, model: Any, architecture: Architecture, dataset: Dataset, out: Path, outcome: Outcome,
    settings: Any, schedule: Schedule, seed: int, frames: Mapping[str, Sequence[Atoms]],
    calculator: Callable[[Path], Any], properties: Sequence[str], level_of_theory: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Write a trained model, judge on all splits what was written, and add its facts and parity plots.

    Parameters
    ----------
    frames
        By split.
    calculator
        Of a model file, as `harness.fitting.parity.predict` takes it.
    level_of_theory
        Where it is not that of the data set's energies.

    Returns
    -------
    dict
        The facts, and the ``potential`` made.
    """
    facts: dict[str, Any] = {
        "species": list(architecture.elements),
        "level_of_theory": level_of_theory or dataset.level_of_theory,
        "licence": "MIT",
        "data": dataset.facts(),
        "settings": {**asdict(settings), **asdict(schedule), "architecture": architecture.facts(), "seed": seed},
        "training": asdict(outcome),
        "parameters": sum(p.numel() for p in model.parameters()),
        "versions": versions(),
    }
    with atomic_output(out) as folder:
        path = folder / name
        write(path, model, architecture)
        calculate = calculator(path)
        parities = {split: predict(some, calculate, properties) for split, some in frames.items() if some}
        facts["errors"] = {split: errors(parity) for split, parity in parities.items()}
        facts["errors_by_family"] = {split: by_family(parity) for split, parity in parities.items()}
        path.with_suffix(".json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        draw(parities, path.with_name(f"{path.stem}_parity.png"), f"{potential}: {name}")
    return {**facts, "potential": {"name": potential, "params": {"model": str(out / name)}}}
