"""Fit a potential's models to a data set: ``python -m harness.fit potential=mtp_cd material=bn_bilayer``.

The command line is Hydra's, so ``-m seed=0,1,2`` fits three times. Models appear whole or not at all, in `out`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING

from harness.catalogue import find_plugin, source_root
from harness.cli import run_app
from harness.config import ComponentConfig, plain
from harness.envs import ensure, environment_for
from harness.errors import HarnessError, unknown
from harness.fitting import fit_all


@dataclass
class FitConfig:
    """Configuration of a fit.

    `dataset` is a folder, or the name of one in ``datasets/``; `parts` limits the fit to some of the potential's
    parts; `options` holds each fitter's own settings, by part.
    """

    potential: ComponentConfig = MISSING
    polarization: ComponentConfig = MISSING
    material: dict[str, Any] = MISSING
    dataset: str = "hbn"
    parts: list[str] | None = None
    options: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    out: str = MISSING


def dataset_folder(name: str) -> Path:
    """The folder of a data set, given as a path or by its name in the source tree.

    Raises
    ------
    HarnessError
        When there is none.
    """
    path = Path(name).expanduser()
    if path.is_dir():
        return path.absolute()
    root = source_root()
    sets = root / "datasets" if root is not None else Path("datasets")
    if (sets / name).is_dir():
        return sets / name
    known = [p.name for p in sets.iterdir() if p.is_dir()] if sets.is_dir() else []
    raise unknown("data set", name, known, "Give dataset=FOLDER.")


def fit_one(config: Any) -> tuple[str, bool]:
    """One fit of a composed configuration."""
    values = plain(config, FitConfig, {"potential": ComponentConfig, "polarization": ComponentConfig})
    values["dataset"] = str(dataset_folder(values["dataset"]))
    values["out"] = str(Path(values["out"]).expanduser().absolute())
    plugins = sorted({*values["potential"]["plugins"], *values["polarization"]["plugins"]})
    if all(find_plugin(name).installed for name in plugins):
        results = fit_all(values, plugins)
    else:
        results = _in_environment(values, plugins)
    for name, report in results.items():
        print(f"{name}: {summary(report)}")
    print(f"models and parity plots lie in {values['out']}")
    return "ok", False


def _in_environment(values: Mapping[str, Any], plugins: list[str]) -> dict[str, dict[str, Any]]:
    environment = ensure(environment_for(plugins), lambda line: print(line, file=sys.stderr, flush=True))
    with tempfile.TemporaryDirectory(prefix="harness-fit-") as folder:
        job = Path(folder) / "job.json"
        job.write_text(json.dumps({"config": values, "plugins": plugins}))
        code = subprocess.run([str(environment.python), "-m", "harness.fitting", str(job)]).returncode
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
    """The command line."""
    ConfigStore.instance().store(name="fit_schema", node=FitConfig, provider="harness")
    return run_app(fit_one, "fit", argv, {"potential": "mtp"})


if __name__ == "__main__":
    sys.exit(main())
