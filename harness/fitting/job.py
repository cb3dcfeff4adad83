"""Fit the parts of a potential from a job file; runs inside the environment of its plugins, like a worker."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.contracts.fitter import Fitter
from harness.data.dataset import Dataset
from harness.errors import HarnessError, unknown_choice
from harness.execution.execute import die_with_parent
from harness.execution.progress import TqdmProgress
from harness.records.store import cannot_write
from harness.registry import lookup


def parts(config: Mapping[str, Any], known: Mapping[str, str]) -> list[str]:
    """Names of everything in a configuration that can be fitted, in the order in which it has to be.

    What acts between layers comes before what acts inside them, because the latter is fitted to what the former
    leaves; the polarization model comes last.

    Raises
    ------
    HarnessError
        When nothing in the configuration has a fitter.
    """
    names = list(_names(config["potential"])) + list(_names(config["polarization"]))
    found = [name for name in dict.fromkeys(names) if name in known]
    if not found:
        raise HarnessError(
            f"nothing in potential={config['potential']['name']} can be fitted here.",
            f"There are fitters for: {', '.join(sorted(lookup.fitters(None)))}.",
        )
    return found


def _names(component: Mapping[str, Any]) -> Iterator[str]:
    params = component.get("params") or {}
    nested = {key: value for key, value in params.items() if isinstance(value, Mapping) and "name" in value}
    for key in sorted(nested, key=lambda key: key != "interlayer"):
        yield from _names(nested[key])
    yield str(component.get("factory") or component["name"])


def fit_all(config: Mapping[str, Any], plugins: list[str]) -> dict[str, dict[str, Any]]:
    """Fit every part, one after the other; returns what each fitter reports.

    Raises
    ------
    HarnessError
        For a data set that is not one, an unknown option, or a folder that cannot be written.
    """
    known = lookup.fitters(plugins)
    chosen = parts(config, known)
    if config.get("parts"):
        for name in config["parts"]:
            if name not in chosen:
                raise unknown_choice("part to fit", name, chosen)
        chosen = [name for name in chosen if name in config["parts"]]
    options = config.get("options") or {}
    for name in options:
        if name not in chosen:
            raise unknown_choice("options of", name, chosen, "Set them as +options.PART.NAME=VALUE.")
    source = config["dataset"]
    dataset = Dataset.load(source["folder"], source["dispersion"], config.get("n_train"))
    out = Path(config["out"])
    results: dict[str, dict[str, Any]] = {}
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name in chosen:
            module, _, attribute = known[name].partition(":")
            fitter: Fitter[Dataset] = getattr(importlib.import_module(module), attribute)
            results[name] = fitter(
                dataset=dataset,
                out=out,
                params=dict(options.get(name) or {}),
                seed=int(config["seed"]),
                progress=TqdmProgress,
                fitted=results,
            )
    except OSError as error:
        raise cannot_write(out / "model", error) from error
    return results


def main(argv: list[str] | None = None) -> int:
    """``python -m harness.fitting job.json``: the job holds ``config`` and ``plugins``; results go beside it."""
    (path,) = (Path(argument) for argument in (sys.argv[1:] if argv is None else argv))
    die_with_parent()
    job = json.loads(path.read_text())
    try:
        results = fit_all(job["config"], job["plugins"])
    except HarnessError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    path.with_name("results.json").write_text(json.dumps(results, indent=1, default=str))
    return 0


if __name__ == "__main__":
    sys.exit(main())
