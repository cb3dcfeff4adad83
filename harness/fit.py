"""Fit a potential's models to a data set: ``python -m harness.fit potential=mtp_cd material=bn_bilayer``.

The command line is Hydra's, so ``-m seed=0,1,2`` fits three times, and ``-m n_train=25,50,100`` makes a learning curve.
Models appear whole or not at all, in `out`, with ``fit.json`` beside them.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING

from harness import learning
from harness.cli.app import run_app
from harness.cli.config import ComponentConfig, plain
from harness.contracts.parameters import Seed
from harness.data.dataset import Dataset, dataset_folder
from harness.errors import HarnessError
from harness.execution.environments import ensure, environment_for
from harness.fitting.job import fit_all
from harness.fitting.parity_plot import draw_missing
from harness.registry import lookup
from harness.registry.catalogue import find_plugin

#: Environment variable with the file to which each fit of a sweep appends its folder.
FOLDERS = "HARNESS_FITS"


@dataclass
class DatasetConfig:
    """Which labels: a folder, or the name of one in ``datasets/``, and the dispersion that they include."""

    folder: str = "hbn"
    dispersion: str = "d3bj"


@dataclass
class FitConfig:
    """Configuration of a fit.

    `n_train` takes so many training frames (null: all); `parts` limits the fit to some of the potential's parts;
    `options` holds each fitter's own settings, by part; `out` is the folder of the models (null: made of the other
    settings, in ``fits/``; in a sweep each fit has its own folder in it).
    """

    potential: ComponentConfig = MISSING
    polarization: ComponentConfig = MISSING
    material: dict[str, Any] = MISSING
    dataset: DatasetConfig = field(default_factory=DatasetConfig)
    n_train: int | None = None
    parts: list[str] | None = None
    options: dict[str, Any] = field(default_factory=dict)
    seed: Seed = 0
    out: str | None = None


def fit_one(config: Any) -> tuple[str, bool]:
    """One fit of a composed configuration."""
    values = plain(config, FitConfig)
    material = lookup.build_material(values["material"], values["material"].get("plugins") or [])
    values["material"]["name"] = material.name
    values["dataset"]["folder"] = str(dataset_folder(values["dataset"]["folder"]))
    # read here too: what is wrong with it is said before an environment is made
    dataset = Dataset.load(values["dataset"]["folder"], values["dataset"]["dispersion"], values["n_train"])
    out = values["out"] = str(Path(_out(values)).expanduser().absolute())
    plugins = sorted({*values["potential"]["plugins"], *values["polarization"]["plugins"]})
    start = time.perf_counter()
    if all(find_plugin(name).runs_here for name in plugins):
        results = fit_all(values, plugins)
    else:
        results = _in_environment(values, plugins)
    chosen = {key: values[key] for key in ("potential", "polarization", "material")}
    content = {
        **{key: value["name"] for key, value in chosen.items()},
        "data": dataset.facts(),
        "seed": values["seed"],
        "options": values["options"],
        "seconds": round(time.perf_counter() - start, 1),
        "results": results,
    }
    learning.write_fit(Path(out), content)
    draw_missing(Path(out))  # environments of backends have no matplotlib
    for name, report in results.items():
        print(f"{name}: {summary(report)}")
    print(f"models and parity plots lie in {out}")
    if os.environ.get(FOLDERS):
        with Path(os.environ[FOLDERS]).open("a") as stream:
            stream.write(f"{out}\n")
    return "ok", False


def _out(values: Mapping[str, Any]) -> str:
    """The folder of a fit: different for everything that a sweep can vary."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    sweep = HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN
    if values["out"] is not None and not sweep:
        return str(values["out"])
    data = values["dataset"]
    words = [values["potential"]["name"], values["material"]["name"]]
    words += [Path(data["folder"]).name] * (Path(data["folder"]).name != "hbn")
    words += [data["dispersion"]] * (data["dispersion"] != "d3bj")
    words += [f"n{values['n_train']}"] * (values["n_train"] is not None)
    words.append(f"seed{values['seed']}")
    rest = {key: values[key] for key in ("potential", "polarization", "parts", "options")}
    if sweep or values["options"] or values["parts"]:
        words.append(hashlib.sha256(json.dumps(rest, sort_keys=True, default=str).encode()).hexdigest()[:6])
    return str(Path(values["out"] or "fits") / "-".join(words))


def _in_environment(values: Mapping[str, Any], plugins: list[str]) -> dict[str, dict[str, Any]]:
    environment = ensure(environment_for(plugins))
    with tempfile.TemporaryDirectory(prefix="harness-fit-") as folder:
        job = Path(folder) / "job.json"
        job.write_text(json.dumps({"config": values, "plugins": plugins}))
        code = subprocess.run([str(environment.python), "-m", "harness.fitting.job", str(job)]).returncode
        if code == 130:
            raise KeyboardInterrupt
        if code:
            raise HarnessError(f"the fit of {values['potential']['name']} failed in {environment.name}.", "See above.")
        results: dict[str, dict[str, Any]] = json.loads((Path(folder) / "results.json").read_text())
    return results


def summary(report: Mapping[str, Any]) -> str:
    """Errors of a fitter's report in one line: those of the test split where it has them."""
    errors = report.get("errors") or {}
    chosen = errors.get("test") or errors
    return ", ".join(_flatten(chosen)) or "fitted"


def _flatten(errors: Mapping[str, Any], prefix: str = "") -> list[str]:
    lines: list[str] = []
    for key, value in errors.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            lines += _flatten(value, f"{name} ")
        elif isinstance(value, float):
            lines.append(f"{name} {value:.3g}")
    return lines


def main(argv: list[str] | None = None) -> int:
    """The command line; ``dataset=NAME`` is short for ``dataset.folder=NAME``."""
    arguments = [re.sub(r"^dataset=", "dataset.folder=", a) for a in (sys.argv[1:] if argv is None else argv)]
    ConfigStore.instance().store(name="fit_schema", node=FitConfig, provider="harness")
    handle, done = tempfile.mkstemp(prefix="harness-fits-")
    os.close(handle)
    os.environ[FOLDERS] = done
    try:
        code = run_app(fit_one, "fit", arguments, {"potential": "mtp"})
        folders = [Path(line) for line in Path(done).read_text().splitlines()]
    finally:
        os.environ.pop(FOLDERS, None)
        Path(done).unlink()
    if len(folders) > 1:
        learning.report(folders)
    return code


if __name__ == "__main__":
    sys.exit(main())
