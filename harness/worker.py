"""Make one record from one job: ``python -m harness.worker job.json``.

The worker runs inside the environment of its plugins. It needs neither Hydra nor a terminal, and nothing crosses its
border but files.
"""

from __future__ import annotations

import sys
from pathlib import Path

from harness.errors import HarnessError
from harness.execution.execute import BAD_INPUT, EXIT, die_with_parent, execute
from harness.execution.job import Job


def main(argv: list[str] | None = None) -> int:
    """Command line of the worker."""
    arguments = sys.argv[1:] if argv is None else argv
    if len(arguments) != 1:
        print("usage: python -m harness.worker job.json", file=sys.stderr)
        return BAD_INPUT
    die_with_parent()
    job = Job.read(Path(arguments[0]))
    try:
        record = execute(job, job.config.get("timeout"))
    except KeyboardInterrupt:
        return EXIT["interrupted"]
    except HarnessError as error:
        print(f"error: {error}", file=sys.stderr)
        return BAD_INPUT
    return BAD_INPUT if record.bad_input else EXIT[record.status]


if __name__ == "__main__":
    sys.exit(main())
