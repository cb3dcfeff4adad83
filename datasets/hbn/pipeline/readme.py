"""The counts in the README of the data set."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from ase import Atoms

from harness.data.dataset import SPLITS, family


def renew(file: Path, frames: Mapping[str, Mapping[str, Atoms]], split: Mapping[str, list[str]], version: str) -> None:
    """Write the version and the numbers of frames into `file`; nothing is pending then."""
    tally = {kind: Counter(map(family, named)) for kind, named in frames.items()}
    also = tally["responses"]
    words = {
        "pending": "0",
        "version": version,
        "energies": str(len(frames["energies"])),
        "responses": str(len(frames["responses"])),
        "split": ", ".join(
            f"{where.replace('_', ' ')} {len(split[where])}" for where in (*SPLITS, "left_out") if where in split
        ),
        "families": ", ".join(
            f"`{kind}` {number}" + (f" ({also[kind]} with responses)" if also[kind] else "")
            for kind, number in sorted(tally["energies"].items())
        ),
    }
    fill(file, words)


def fill(file: Path, words: Mapping[str, str]) -> None:
    """Write each value between the marks ``<!--word-->`` and ``<!---->`` of `file`, if there is such a file."""
    if not file.exists():
        return
    text = file.read_text()
    for word, value in words.items():
        text = re.sub(rf"(<!--{word}-->).*?(<!---->)", rf"\g<1>{value}\g<2>", text, flags=re.S)
    file.write_text(text)
