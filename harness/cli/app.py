"""What the Hydra command lines share: one line for every mistake, exit codes, outcomes of sweeps."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.errors import HarnessError

#: Environment variable with the file to which each run of a sweep appends its outcome.
OUTCOMES = "HARNESS_OUTCOMES"

#: A run of a composed configuration: returns its status, and whether bad input caused it.
Job = Callable[[Any], tuple[str, bool]]


def run_app(job: Job, config_name: str, argv: Sequence[str] | None, examples: Mapping[str, str]) -> int:
    """Compose with Hydra, call `job` for each configuration, and turn every mistake into one line.

    Parameters
    ----------
    job
        Called once for a run, and for each cell of a sweep; a HarnessError ends only its own cell.
    config_name
        The primary configuration.
    argv
        Arguments; None for those of the process.
    examples
        Choices that let ``--help`` work before a mandatory group was chosen.

    Returns
    -------
    int
        0 when all is well; 1 when a run failed or timed out; 2 for bad input; 130 after Ctrl-C.
    """
    arguments = _with_material_file(list(sys.argv[1:] if argv is None else argv))
    import hydra
    from hydra.core.global_hydra import GlobalHydra
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    from harness.cli.config import explain, register
    from harness.cli.task_defaults import store_task_defaults

    command_line = _with_examples(arguments, examples)
    register()
    if "task" in examples:
        store_task_defaults(command_line)
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors come to us instead of Hydra's own printing
    handle, outcomes = tempfile.mkstemp(prefix="harness-", suffix=".jsonl")
    os.close(handle)
    os.environ[OUTCOMES] = outcomes
    sys.argv = [config_name, *command_line]
    try:
        hydra.main(version_base="1.3", config_path="pkg://harness.conf", config_name=config_name)(_cell(job))()
    except KeyboardInterrupt:
        print("interrupted: finished records are kept; the same command goes on from here", file=sys.stderr)
        return 130
    except SystemExit as end:  # --help and --cfg end this way
        return int(end.code or 0)
    except HarnessError as error:
        return _bad_input(str(error))
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        return _bad_input(str(explain(error, arguments, config_name)))
    except OSError as error:
        return _bad_input(f"{error.filename}: {error.strerror or error}. Choose another folder, e.g. with runs=FOLDER.")
    finally:
        GlobalHydra.instance().clear()
        os.environ.pop(OUTCOMES, None)
        lines = Path(outcomes).read_text().splitlines()
        Path(outcomes).unlink()
    return _summarise([json.loads(line) for line in lines])


def _cell(job: Job) -> Callable[[Any], None]:
    def call(config: Any) -> None:
        try:
            status, bad_input = job(config)
        except HarnessError as error:
            print(f"error: {error}", file=sys.stderr)
            status, bad_input = "error", True
        except BrokenPipeError:  # whoever read our output has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(128 + signal.SIGPIPE) from None
        path = os.environ.get(OUTCOMES)  # a file, because a launcher may run this in another process
        if path:
            with Path(path).open("a") as stream:
                stream.write(json.dumps({"status": status, "bad_input": bad_input}) + "\n")

    return call


def _with_material_file(arguments: list[str]) -> list[str]:
    """``material.file=PATH`` alone chooses ``material=file``."""
    plain = [re.sub(r"^\+{1,2}material\.file=", "material.file=", argument) for argument in arguments]
    given = {argument.partition("=")[0] for argument in plain}
    return [*plain, "material=file"] if "material.file" in given and "material" not in given else plain


def _with_examples(arguments: list[str], examples: Mapping[str, str]) -> list[str]:
    if not {"--help", "-h"} & set(arguments):
        return arguments
    given = {argument.partition("=")[0] for argument in arguments}
    return [*arguments, *(f"{group}={option}" for group, option in examples.items() if group not in given)]


def _bad_input(text: str) -> int:
    print(f"error: {text}", file=sys.stderr)
    return 2


def _summarise(outcomes: list[dict[str, Any]]) -> int:
    if len(outcomes) > 1:
        counts: dict[str, int] = {}
        for outcome in outcomes:
            counts[outcome["status"]] = counts.get(outcome["status"], 0) + 1
        print("sweep: " + ", ".join(f"{n} {status}" for status, n in sorted(counts.items())))
    if any(outcome["bad_input"] for outcome in outcomes):
        return 2
    return 1 if any(outcome["status"] in ("failed", "timeout") for outcome in outcomes) else 0
