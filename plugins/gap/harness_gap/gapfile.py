"""A GAP ``.xml`` and the files of sparse points beside it: read and checked before QUIP sees them.

QUIP ends the process at XML that is not well-formed, and takes atoms of unknown elements for nothing; so both are
caught here. Sparse points may be packed (``<name>.xz``), as those of the shipped models are.
"""

from __future__ import annotations

import hashlib
import lzma
import re
import shutil
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ase.data import chemical_symbols

from harness.errors import HarnessError
from harness.registry.files import sha256

__all__ = ["PACKED", "GAPFile", "read", "unpacked"]

PACKED = ".xz"
_MEND = "Give the .xml that gap_fit wrote, with its sparseX files beside it."
#: Numbers of atoms in descriptor strings: ``Z=5``, ``Z1=5``, ``species_Z={5 7 }``, ``Z_center``.
_ELEMENT = re.compile(r"\b(?:Z\d*|Z_center|species_Z|central_species|Z1|Z2|Z3)\s*=\s*(\{+[^}]*\}+|\d+)")


@dataclass(frozen=True)
class GAPFile:
    """What the XML says.

    Attributes
    ----------
    path
        The XML.
    label
        QUIP's name of the model.
    descriptors
        Their strings, in order.
    elements
        Symbols named in the descriptors; None when one of them names none and so takes any.
    sparse
        Files of sparse points that the XML names, with their MD5 (None in old files), by name.
    command
        The command line of the fit, where the XML keeps it.
    """

    path: Path
    label: str
    descriptors: tuple[str, ...]
    elements: frozenset[str] | None
    sparse: dict[str, str | None]
    command: str

    def hashes(self) -> dict[str, str]:
        """SHA-256 of the XML and of the files beside it, packed or not, by name."""
        files = [self.path, *(_beside(self.path, name) for name in self.sparse)]
        return {file.name: sha256(file) for file in files}


def read(path: Path) -> GAPFile:
    """Read and check a model.

    Raises
    ------
    HarnessError
        When it is not a whole GAP, or lacks a file of sparse points.
    """
    try:
        root = ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, UnicodeDecodeError, ValueError) as error:
        raise HarnessError(f"'{path.name}' is not a whole XML file: {error}.", _MEND) from error
    except OSError as error:
        raise HarnessError(f"'{path.name}' cannot be read: {error.strerror or error}.", _MEND) from error
    coordinates = root.findall(".//gpCoordinates")
    if root.find(".//GAP_params") is None or not coordinates:
        raise HarnessError(f"'{path.name}' is XML, but no GAP: it has no GAP_params with gpCoordinates.", _MEND)
    descriptors = tuple(" ".join((c.findtext("descriptor") or "").split()) for c in coordinates)
    sparse = {name: c.get("sparseX_md5sum") for c in coordinates if (name := c.get("sparseX_filename"))}
    for name in sparse:
        if Path(name).name != name:
            raise HarnessError(f"'{path.name}' names sparse points in another folder, '{name}'.", _MEND)
        _beside(path, name)
    return GAPFile(path, root.tag, descriptors, _elements(descriptors), sparse, _command(root))


def _beside(path: Path, name: str) -> Path:
    for candidate in (path.with_name(name), path.with_name(name + PACKED)):
        if candidate.is_file():
            return candidate
    raise HarnessError(f"'{path.name}' lacks its sparse points: there is no {name} beside it.", _MEND)


def _elements(descriptors: tuple[str, ...]) -> frozenset[str] | None:
    found: set[str] = set()
    for descriptor in descriptors:
        here = {int(z) for text in _ELEMENT.findall(descriptor) for z in re.findall(r"\d+", text)}
        if not here:
            return None
        found |= {chemical_symbols[z] for z in here if 0 < z < len(chemical_symbols)}
    return frozenset(found)


def _command(root: ElementTree.Element) -> str:
    return " ".join((root.findtext(".//command_line") or "").split())


@contextmanager
def unpacked(model: GAPFile) -> Iterator[Path]:
    """The XML in a folder where QUIP finds plain files of sparse points; those that were plain stay where they are.

    Raises
    ------
    HarnessError
        When sparse points are not those that the XML was written with.
    """
    with tempfile.TemporaryDirectory(prefix="harness-gap-") as folder:
        place = Path(folder)
        shutil.copyfile(model.path, place / model.path.name)
        for name, digest in model.sparse.items():
            source = _beside(model.path, name)
            try:
                content = source.read_bytes()
                content = lzma.decompress(content) if source.suffix == PACKED else content
            except (lzma.LZMAError, OSError) as error:
                raise HarnessError(f"sparse points '{source.name}' cannot be read: {error}.", _MEND) from error
            if digest is not None and hashlib.md5(content, usedforsecurity=False).hexdigest() != digest:
                raise HarnessError(f"sparse points '{source.name}' are not those that '{model.path.name}' was written "
                                   "with: their MD5 differs.", _MEND)  # fmt: skip
            (place / name).write_bytes(content)
        yield place / model.path.name
