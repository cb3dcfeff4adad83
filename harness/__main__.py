"""The command line: ``python -m harness task=bend potential=mtp_cd``, and ``-m`` for sweeps."""

from __future__ import annotations

import shlex
import sys
from typing import Any


def run_one(config: Any) -> tuple[str, bool]:
    """One run of a composed configuration; prints its table or its one-line error."""
    from harness_reports.terminal import terminal_table
    from hydra.core.hydra_config import HydraConfig

    from harness.cli.config import plain
    from harness.execution.runner import run

    values = plain(config)
    overrides = [str(override) for override in HydraConfig.get().overrides.task]
    outcome = run(values, command=shlex.join(["python", "-m", "harness", *overrides]))
    record, bad_input = outcome.record, outcome.record.bad_input
    if record.status in ("ok", "unsupported"):
        if outcome.reused:
            print("reused the finished record (force=true measures anew)")
        print(terminal_table(record, outcome.figures), flush=True)
    elif bad_input:
        print(f"error: {record.error}", file=sys.stderr)
    else:
        label = f"{record.task} {record.potential}"
        print(f"error: {label}: {record.status}: {record.error} ({record.folder}/record.json)", file=sys.stderr)
    for problem in outcome.problems:
        print(f"warning: {problem}", file=sys.stderr)
    return record.status, bad_input


def main(argv: list[str] | None = None) -> int:
    """Run what the command line says; exit codes as in `harness.cli.run_app`."""
    try:
        from harness.cli.app import run_app

        return run_app(run_one, "config", argv, {"task": "single_point", "potential": "ase"})
    except ModuleNotFoundError as error:
        if error.name not in ("hydra", "omegaconf", "filelock", "jinja2"):
            raise
        hint = "Install the command line's packages with: pip install 'mlip-harness[cli]'"
        print(f"error: {error}. {hint}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
