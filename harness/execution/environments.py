"""Environments: a run whose plugin cannot be loaded here happens whole inside one that is made for it.

An environment is a venv named by a hash of its plugins' requirements and the Python version. Creation is
locked, so that a sweep makes each once; a half-made one is removed.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import TextIO

from harness.errors import HarnessError
from harness.registry.catalogue import CORE, Plugin, find_plugin, source_root

MARKER = "environment.json"


@dataclass(frozen=True, slots=True)
class Environment:
    """A Python environment for a set of plugins.

    Attributes
    ----------
    requirements
        Arguments for ``pip install``.
    copies
        Distributions that are copied from this interpreter because no source folder of theirs is known.
    """

    name: str
    folder: Path
    requirements: tuple[str, ...]
    copies: tuple[str, ...] = ()

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    @property
    def ready(self) -> bool:
        """Whether it was made completely and its interpreter is still there."""
        return (self.folder / MARKER).is_file() and self.python.exists()


def cache_folder() -> Path:
    """Where environments lie: ``$HARNESS_CACHE``, or the user's cache folder."""
    if os.environ.get("HARNESS_CACHE"):
        return Path(os.environ["HARNESS_CACHE"]).expanduser().absolute()
    from platformdirs import user_cache_path

    return user_cache_path("mlip-harness")


def environment_for(names: Sequence[str]) -> Environment:
    """The environment of the named plugins; makes nothing.

    Raises
    ------
    HarnessError
        For an unknown plugin.
    """
    plugins = _with_needs(names)
    # the interpreter itself, not the name that it was called by: `python`, `python3` and `pytest` differ in that
    digest = hashlib.sha256(f"{sys.version_info[:3]}{Path(sys.executable).resolve()}".encode())
    requirements: list[str] = []
    copies: list[str] = []
    root = source_root()
    if root is not None:
        requirements += ["-e", str(root)]
        digest.update(str(root).encode())
        digest.update(_installed_by(root / "pyproject.toml"))
    else:
        copies.append(CORE)
    for plugin in plugins:
        if plugin.folder is not None:
            requirements += ["-e", str(plugin.folder)]
            digest.update(str(plugin.folder).encode())
            digest.update(_installed_by(plugin.folder / "pyproject.toml"))
            constraints = plugin.folder / "constraints.txt"
            if constraints.is_file():
                requirements += ["-c", str(constraints)]
                digest.update(constraints.read_bytes())
        else:
            copies.append(plugin.distribution)
    for name in copies:
        found = distribution(name)
        digest.update(f"{name}=={found.version}".encode())
        requirements += _requires(found)
    label = "+".join(plugin.name for plugin in plugins) or "core"
    name = f"{label}-{digest.hexdigest()[:12]}"
    return Environment(name, cache_folder() / "envs" / name, tuple(requirements), tuple(copies))


def _installed_by(pyproject: Path) -> bytes:
    """What an installation depends on of a ``pyproject.toml``; tools, tests and other extras change no environment."""
    tables = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    kept: dict[str, object] = {"build-system": tables.get("build-system")}
    kept["project"] = {k: v for k, v in tables.get("project", {}).items() if k != "optional-dependencies"}
    kept["setuptools"] = tables.get("tool", {}).get("setuptools")
    return json.dumps(kept, sort_keys=True).encode()


def _with_needs(names: Sequence[str]) -> list[Plugin]:
    """The named plugins and those that they say they build on (``needs`` in ``[tool.harness]``)."""
    found: dict[str, Plugin] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = find_plugin(name)
            waiting += found[name].static.get("needs", [])
    return [found[name] for name in sorted(found)]


def say_on_stderr(line: str) -> None:
    """Print a line of progress."""
    print(line, file=sys.stderr, flush=True)


def ensure(environment: Environment, say: Callable[[str], None] = say_on_stderr) -> Environment:
    """Make `environment` unless it is there; `say` is called with each step.

    Raises
    ------
    HarnessError
        When it cannot be made; names the reason and the log.
    """
    from filelock import FileLock

    if environment.ready:
        return environment
    try:
        environment.folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HarnessError(
            f"cannot make environments in {environment.folder.parent}: {error.strerror}.",
            "Choose another folder with the environment variable HARNESS_CACHE.",
        ) from error
    with FileLock(f"{environment.folder}.lock"):
        if not environment.ready:
            _make(environment, say)
    return environment


def _make(environment: Environment, say: Callable[[str], None]) -> None:
    shutil.rmtree(environment.folder, ignore_errors=True)  # what a killed creation left
    log = environment.folder.parent / f"{environment.name}.log"
    start = time.perf_counter()
    say(f"making environment {environment.name} (once; log: {log})")
    try:
        with log.open("w") as stream:
            for command in _commands(environment):
                _run(command, stream, say)
            _copy_distributions(environment)
            _run([str(environment.python), "-c", "import harness.worker"], stream, say)
        (environment.folder / MARKER).write_text(
            json.dumps({"requirements": environment.requirements, "python": sys.version}, indent=1)
        )
    except (subprocess.CalledProcessError, OSError) as error:
        shutil.rmtree(environment.folder, ignore_errors=True)
        raise HarnessError(
            f"cannot make the environment {environment.name}: {_reason(log, error)}",
            f"The whole story is in {log}; the same command tries again.",
        ) from error
    except BaseException:
        shutil.rmtree(environment.folder, ignore_errors=True)
        raise
    say(f"environment {environment.name} is ready after {time.perf_counter() - start:.0f} s")


def _commands(environment: Environment) -> list[list[str]]:
    """Argument lists that make the environment; nothing is run."""
    installer = os.environ.get("HARNESS_INSTALLER") or ("uv" if shutil.which("uv") else "pip")
    requirements = list(environment.requirements)
    if installer == "uv":
        return [
            ["uv", "venv", "--python", sys.executable, str(environment.folder)],
            ["uv", "pip", "install", "--python", str(environment.python), *requirements],
        ]
    return [
        [sys.executable, "-m", "venv", str(environment.folder)],
        [
            str(environment.python),
            "-m",
            "pip",
            "install",
            "--no-input",
            "--disable-pip-version-check",
            *requirements,
        ],
    ]


def _run(command: list[str], log: TextIO, say: Callable[[str], None]) -> None:
    log.write(f"$ {' '.join(command)}\n")
    log.flush()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    try:
        for line in process.stdout:
            log.write(line)
            log.flush()
            step = re.match(r"\s*(Collecting|Downloading|Building|Installing|Processing|Obtaining) (\S+)", line)
            if step:
                say(f"  {step[1].lower()} {step[2][:80]}")
    except BaseException:
        process.kill()
        raise
    finally:
        process.wait()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)


def _reason(log: Path, error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.strerror or error}."
    return explain(log.read_text(errors="replace")) or f"{error}"


def explain(log: str) -> str:
    """The reason why an installer gave up, in one line, from what pip or uv printed; empty when it gave none."""
    lines = [line.strip() for line in log.splitlines()]
    if "The conflict is caused by:" in lines:  # pip: one line for each side of the conflict
        sides = itertools.takewhile(bool, lines[lines.index("The conflict is caused by:") + 1 :])
        return f"they cannot share one environment: {', but '.join(sides)}."[:400]
    unreachable = [line for line in lines if "NewConnectionError" in line or "ConnectTimeoutError" in line]
    errors = [line for line in lines if re.match(r"(ERROR|error|×|fatal)", line)]
    found = next((line for line in errors if "ResolutionImpossible" not in line and "legacy" not in line), "")
    if unreachable and "No matching distribution" in (errors or [""])[-1]:
        return f"a package index cannot be reached, and {found.removeprefix('ERROR: ')}"[:400]
    return (errors[-1] if errors else found)[:400]


def _requires(found: Distribution) -> list[str]:
    """Requirements of an installed distribution, without those of its extras and without the core."""
    from packaging.requirements import Requirement

    parsed = [Requirement(text) for text in found.requires or []]
    wanted = [r for r in parsed if r.marker is None or r.marker.evaluate({"extra": ""})]
    return [str(r) for r in wanted if r.name.lower() != CORE]


def _copy_distributions(environment: Environment) -> None:
    """Put distributions that were installed as wheels into the environment, file by file."""
    for name in environment.copies:
        site = next(environment.folder.glob("lib/python*/site-packages"))
        for file in distribution(name).files or []:
            source = Path(str(file.locate()))
            target = (site / file).resolve()
            if source.is_file() and target.is_relative_to(site.resolve()):  # not the scripts in bin/
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)


def where_it_runs(plugin: Plugin) -> tuple[str, bool]:
    """Where a plugin's runs happen (``here`` or an environment's name), and whether that exists."""
    if plugin.runs_here:
        return "here", True
    environment = environment_for([plugin.name])
    return environment.name, environment.ready
