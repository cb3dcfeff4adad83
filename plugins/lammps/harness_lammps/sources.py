"""Potential files named in ``pair_coeff`` lines: where they lie."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.errors import HarnessError, nearest

__all__ = ["resolve"]

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eEdD][-+]?\d+)?$")


def resolve(
    lines: Sequence[str], shipped: Mapping[str, Path], folder: Path | None = None
) -> tuple[list[str], dict[str, Path]]:
    """Absolute paths in place of the names of files.

    Parameters
    ----------
    lines
        Arguments of ``pair_coeff``. A word that holds a dot or a slash and is no number names a file, and so does
        any word that is the name of a file in `folder` or in `shipped`.
    shipped
        Files that come with LAMMPS, by name.
    folder
        Where to look first; then the folder one is in, then `shipped`.

    Returns
    -------
    tuple
        The lines, and the files found by the word that named them.

    Raises
    ------
    HarnessError
        For a word that looks like a file and is none; names the nearest.
    """
    found: dict[str, Path] = {}
    resolved = []
    for line in lines:
        words = [_resolved(word, shipped, folder, found) for word in line.split()]
        resolved.append(" ".join(words))
    return resolved, found


def _resolved(word: str, shipped: Mapping[str, Path], folder: Path | None, found: dict[str, Path]) -> str:
    looks = ("." in word or "/" in word) and not _NUMBER.match(word) and not word.startswith("$")
    path = Path(word).expanduser()
    candidates = [folder / word] if folder is not None else []
    if looks:
        candidates.append(path)
    if word in shipped:
        candidates.append(shipped[word])
    for candidate in candidates:
        if candidate.is_file():
            found[word] = candidate.resolve()
            return _quoted(found[word])
    if looks and (path.suffix or path.parent.is_absolute()) and not _is_style(word):
        known = [*shipped, *(p.name for p in folder.iterdir())] if folder is not None else list(shipped)
        near = nearest(path.name, known)
        guess = f" Did you mean '{near}'?" if near else ""
        hint = "Give a path, potential.params.folder, or the name of a file that LAMMPS ships."
        raise HarnessError(f"potential file '{word}' does not exist.{guess}", hint)
    return word


def _is_style(word: str) -> bool:
    """Styles of ``hybrid`` are words with slashes and without dots, such as ``ilp/graphene/hbn``."""
    return "/" in word and "." not in word and not word.startswith(("/", "~"))


def _quoted(path: Path) -> str:
    return f'"{path}"' if " " in str(path) else str(path)
