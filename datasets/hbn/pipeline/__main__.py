"""Command line of the pipeline; run it in ``datasets/hbn``: ``python -m pipeline label OUT``."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from harness.errors import HarnessError


def main(arguments: list[str] | None = None) -> int:
    """Run a command; 2 for a mistake that the user can mend, 1 when a frame failed."""
    parser = argparse.ArgumentParser(prog="python -m pipeline", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    label = commands.add_parser("label", help="label the planned frames, or those named, in a folder")
    label.add_argument("out", type=Path, help="folder of the finished frames; the same command goes on after a stop")
    label.add_argument("--kinds", nargs="+", choices=["responses", "energies"], default=["responses", "energies"])
    label.add_argument("--names", nargs="+", help="these frames instead of the plan")
    label.add_argument("--nice", type=int, default=19)
    merge = commands.add_parser("merge", help="take finished frames into the extxyz files, split and checksums")
    merge.add_argument("out", type=Path)
    compare = commands.add_parser("compare", help="differences between finished frames and the stored ones")
    compare.add_argument("out", type=Path)
    options = parser.parse_args(arguments)
    try:
        if options.command == "label":
            return _label(options)
        from . import assemble

        print(assemble.merge(options.out) if options.command == "merge" else assemble.compare(options.out))
    except HarnessError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _label(options: argparse.Namespace) -> int:
    from harness_dft import programs

    from .frames import SETTINGS, label
    from .plan import queue
    from .work import work_through

    programs.require("pw.x", *(("ph.x", "pw2wannier90.x", "wannier90.x") if "responses" in options.kinds else ()))
    programs.require_pseudopotentials(SETTINGS, {"B", "N"})
    os.nice(options.nice)
    # A polite stop must take the running program with it and free the lock.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    names = options.names
    todo = [(k, n) for n in names for k in options.kinds] if names else queue(options.kinds)
    count = work_through(todo, options.out.resolve(), label)
    print(", ".join(f"{number} {what}" for what, number in count.items()))
    return 1 if count["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
