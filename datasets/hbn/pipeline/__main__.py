"""Command line of the pipeline; run it in ``datasets/hbn``: ``python -m pipeline label OUT``."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from harness.errors import HarnessError


def main(arguments: list[str] | None = None) -> int:
    """Run a command; 2 for a mistake in the input, 1 when a frame failed."""
    parser = argparse.ArgumentParser(prog="python -m pipeline", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    label = commands.add_parser("label", help="label the planned frames, or those named, in a folder")
    label.add_argument("out", type=Path, help="folder of the finished frames; the same command goes on after a stop")
    label.add_argument("--kinds", nargs="+", choices=["responses", "energies"], default=["responses", "energies"])
    label.add_argument("--names", nargs="+", help="these frames instead of the plan")
    label.add_argument("--nice", type=int, default=19)
    collect = commands.add_parser("collect", help="keep finished energies in pending.extxyz, for the next merge")
    collect.add_argument("out", type=Path)
    merge = commands.add_parser("merge", help="take pending and finished frames into the data set: its next version")
    merge.add_argument("out", type=Path, nargs="?", help="a folder that label filled; without it the pending frames")
    compare = commands.add_parser("compare", help="differences between finished frames and the stored ones")
    compare.add_argument("out", type=Path)
    dipoles = commands.add_parser("dipoles", help="give dipole_z of re-labelled frames to the stored ones that lack it")
    dipoles.add_argument("out", type=Path)
    hot = commands.add_parser("hot", help="add hot structures, by molecular dynamics with MTP and Lennard-Jones models")
    hot.add_argument("intralayer", help="an .mtp file")
    hot.add_argument("interlayer", help="a Lennard-Jones .json file")
    choose = commands.add_parser("choose", help="candidates of a family, those first on which models disagree most")
    choose.add_argument("family")
    choose.add_argument("first", type=int)
    choose.add_argument("last", type=int)
    choose.add_argument("models", nargs="+", help="two or more .mtp files")
    options = parser.parse_args(arguments)
    try:
        if options.command == "label":
            return _label(options)
        if options.command == "hot":
            return _hot(options)
        if options.command == "choose":
            return _choose(options)
        from . import assemble

        act = {"collect": assemble.collect, "merge": assemble.merge, "compare": assemble.compare}
        print(act.get(options.command, assemble.add_dipoles)(options.out))
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


def _hot(options: argparse.Namespace) -> int:
    from harness_layered import layered

    from .hot import generate

    intralayer = {"name": "mtp", "params": {"model": options.intralayer}}
    interlayer = {"name": "lj", "params": {"model": options.interlayer}}
    number, wrong = generate(layered(intralayer=intralayer, interlayer=interlayer).calculator())
    print(f"{number} new structures", *wrong, sep="\n")
    return 0


def _choose(options: argparse.Namespace) -> int:
    from harness_mtp.potential import MTPPotential

    from .choose import choose

    if len(options.models) < 2:
        raise HarnessError("One model cannot disagree with itself.", "Give two or more .mtp files.")
    names = [f"{options.family}-{i:03d}" for i in range(options.first, options.last + 1)]
    for name, value in choose(names, [MTPPotential(model).calculator() for model in options.models]):
        print(f"{name} {1e3 * value:.0f} meV/A")
    return 0


if __name__ == "__main__":
    sys.exit(main())
