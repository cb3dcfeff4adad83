"""Run the command lines as ``python -m MODULE`` does, in this process, and strip from their output what varies."""

from __future__ import annotations

import re
import runpy
import sys
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Result:
    """Exit code and output of one command; `stdout` and `stderr` are as the user saw them."""

    code: int
    stdout: str
    stderr: str


class Console:
    """Runs entry points by the name of their module, in the current folder.

    Parameters
    ----------
    capture
        pytest's ``capfd``.
    folders
        Folders whose paths are replaced by a name, e.g. ``{"<folder>": tmp_path}``.
    """

    def __init__(self, capture: pytest.CaptureFixture[str], folders: dict[str, Path]) -> None:
        self.capture = capture
        self.folders = folders

    def __call__(self, *arguments: str, module: str = "harness") -> Result:
        """What ``python -m module arguments`` prints, and its exit code.

        An exception that nothing caught is code 1 and its last line on stderr, as Python itself has it.
        """
        saved = sys.argv
        sys.argv = [module, *arguments]
        self.capture.readouterr()
        try:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
            code: Any = 0
        except SystemExit as end:
            code = end.code
        except Exception as error:
            code = 1
            print("Traceback:", *traceback.format_exception_only(error), file=sys.stderr)
        finally:
            sys.argv = saved
        out, err = self.capture.readouterr()
        return Result(int(code or 0), out, err)

    def normalised(self, text: str) -> list[str]:
        """Lines of `text` without paths, times, hashes, versions and progress bars."""
        return normalised(text, self.folders)


def normalised(text: str, folders: dict[str, Path]) -> list[str]:
    """Lines of `text`; what differs between machines and moments is replaced by a name in angle brackets."""
    for name, folder in folders.items():
        text = text.replace(str(folder.resolve()), name).replace(str(folder), name)
    text = re.sub(r"(\r[^\r\n]*\d+%\s*\|[^\r\n]*)+\n?", "", text)  # progress bars
    lines = []
    for line in text.splitlines():
        for pattern, name in _VARYING:
            line = re.sub(pattern, name, line)
        lines.append(line.rstrip())
    while lines and not lines[-1]:
        lines.pop()
    return lines


_VARYING: tuple[tuple[str, str], ...] = (
    (r"\b[0-9a-f]{64}\b", "<sha256>"),
    (r"(-quick-|-standard-|-paper-)[0-9a-f]{10}\b", r"\1<identity>"),
    (r"\b\d{4}-\d\d-\d\d[T_ ][\d:.]+(\+00:00)?", "<time>"),
    (r"\b\d+(\.\d+)? (ms|s|min)( \d+ s)?, (?=\d+ atoms?)", "<seconds>, "),
    (r"\d+(\.\d+)? s/it", "<seconds>/it"),
    (r"(<cache>/[a-z_]*-?)[0-9a-f]{6,}", r"\1<hash>"),
    (r"\b([a-z_+]+-)[0-9a-f]{12}\b", r"\1<hash>"),
    (r"Python \d+\.\d+(\.\d+)?", "Python <version>"),
)


def module_file(folder: Path, name: str, lines: Iterable[str]) -> None:
    """Write a Python module that a command can name, e.g. as ``potential.params.calculator=name:function``."""
    (folder / f"{name}.py").write_text("\n".join(lines) + "\n")
    sys.modules.pop(name, None)
