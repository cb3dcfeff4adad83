"""The command line: ``python -m harness task=bend potential=mtp_cd``, and ``-m`` for sweeps."""

from __future__ import annotations

import json
import os
import shlex
import sys
import tempfile
from pathlib import Path
from typing import Any

USAGE_MEND = "Install the command line's packages with: pip install 'mlip-harness[cli]'"


def run_one(config: Any) -> None:
    """One run of a composed configuration; prints its table or its one-line error."""
    from harness_reports.terminal import terminal_table

    from harness.config import plain
    from harness.errors import HarnessError
    from harness.runner import note_outcome, run
    from harness.worker import EXIT

    label = "?"
    try:
        values = plain(config)
        label = f"{values['task']['name']} {values['potential']['name']}"
        outcome = run(values, command=_command(values))
    except HarnessError as error:
        print(f"error: {error}", file=sys.stderr)
        note_outcome("error", True, label)
        return
    record = outcome.record
    if record.status in ("ok", "unsupported"):
        print(
            ("reused the finished record (force=true measures anew)\n" if outcome.reused else "")
            + terminal_table(record, outcome.figures)
        )
    else:
        where = f" ({record.folder}/record.json)" if EXIT[record.status] == 1 and record.folder else ""
        print(f"error: {label}: {record.status}: {record.error}{where}", file=sys.stderr)
    for problem in outcome.problems:
        print(f"warning: {problem}", file=sys.stderr)
    note_outcome(record.status, bool(record.counts.get("bad_input")), label)


def _command(values: dict[str, Any]) -> str:
    """The command line that makes this record again."""
    from hydra.core.hydra_config import HydraConfig

    overrides = HydraConfig.get().overrides.task
    return "python -m harness " + " ".join(shlex.quote(str(o)) for o in overrides)


def main(argv: list[str] | None = None) -> int:
    """Compose with Hydra, run, and turn every mistake into one line.

    Returns
    -------
    int
        0 when every record is ``ok`` or ``unsupported``; 1 when a run failed or timed out; 2 for bad input;
        130 after Ctrl-C.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        import hydra
        from hydra.errors import HydraException
        from omegaconf.errors import OmegaConfBaseException

        from harness.config import explain, register
    except ImportError as error:
        print(f"error: {error}. {USAGE_MEND}", file=sys.stderr)
        return 2
    from harness.errors import HarnessError
    from harness.runner import OUTCOMES

    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors come to us instead of Hydra's own printing
    register()
    handle, outcomes = tempfile.mkstemp(prefix="harness-", suffix=".jsonl")
    os.close(handle)
    os.environ[OUTCOMES] = outcomes
    app = hydra.main(version_base="1.3", config_path="pkg://harness.conf", config_name="config")(run_one)
    sys.argv = ["harness", *_with_choices(arguments)]
    try:
        app()
    except KeyboardInterrupt:
        print("interrupted: finished records are kept; the same command goes on from here", file=sys.stderr)
        return 130
    except HarnessError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        print(f"error: {explain(error, arguments)}", file=sys.stderr)
        return 2
    except OSError as error:
        print(
            f"error: {error.strerror or error}: {error.filename}. Choose another folder with runs=FOLDER.",
            file=sys.stderr,
        )
        return 2
    finally:
        lines = Path(outcomes).read_text().splitlines()
        Path(outcomes).unlink(missing_ok=True)
        os.environ.pop(OUTCOMES, None)
    return _summarise([json.loads(line) for line in lines])


def _with_choices(arguments: list[str]) -> list[str]:
    """Let ``--help`` work although no task and no potential was chosen yet."""
    if not {"--help", "-h"} & set(arguments):
        return arguments
    examples = {"task": "single_point", "potential": "ase"}
    given = {argument.partition("=")[0] for argument in arguments}
    extra = [f"{group}={option}" for group, option in examples.items() if group not in given]
    return [*arguments, *extra]


def _summarise(outcomes: list[dict[str, Any]]) -> int:
    if len(outcomes) > 1:
        counts: dict[str, int] = {}
        for outcome in outcomes:
            counts[outcome["status"]] = counts.get(outcome["status"], 0) + 1
        print(
            "sweep: "
            + ", ".join(f"{n} {status}" for status, n in sorted(counts.items()))
            + "; compare with: python -m harness.report runs"
        )
    if any(outcome["bad_input"] for outcome in outcomes):
        return 2
    return 1 if any(outcome["status"] in ("failed", "timeout") for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
