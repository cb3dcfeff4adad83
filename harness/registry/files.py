"""Where model files lie, and what they are: paths, hashes."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, nearest


def sha256(path: Path) -> str:
    """SHA-256 of a file, or of a folder's files with their names, as hexadecimal digits."""
    digest = hashlib.sha256()
    if path.is_dir():
        for part in sorted(p for p in path.rglob("*") if p.is_file()):
            digest.update(f"{part.relative_to(path)}\0{sha256(part)}\0".encode())
        return digest.hexdigest()
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def models_folder(package: str) -> Path | None:
    """The folder of shipped models of an import package, without importing it; None when there is none."""
    try:
        spec = find_spec(package)
    except (ImportError, ValueError):
        return None
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0]) / "models"
    return folder if folder.is_dir() else None


def resolve_model(name: str, package: str | None = None, folders: tuple[Path, ...] = ()) -> Path:
    """The absolute path of a model file.

    Parameters
    ----------
    name
        A path, or the bare name of a file in one of the model folders.
    package
        Import package whose ``models/`` folder is searched.
    folders
        Further folders to search.

    Raises
    ------
    HarnessError
        When there is no such file; names the nearest one that exists.
    """
    path = Path(name).expanduser()
    if path.exists():
        return path.resolve()
    shipped = models_folder(package) if package else None
    places = [*folders, *([shipped] if shipped else [])]
    for folder in places:
        if (folder / name).exists():
            return (folder / name).resolve()
    here = path.parent if path.parent.is_dir() else Path()
    known = {p.name for folder in [*places, here] for p in folder.iterdir() if _is_model(p)}
    near = nearest(path.name, known)
    hint = f" Did you mean '{near}'?" if near else ""
    shipped_names = sorted(p.name for folder in places for p in folder.iterdir() if _is_model(p))
    listing = f" Shipped: {', '.join(shipped_names)}." if shipped_names else ""
    raise HarnessError(
        f"model file '{name}' does not exist.{hint}{listing}", "Give a path, absolute or from this folder."
    )


def _is_model(path: Path) -> bool:
    """Whether a file could be meant as a model: provenance, figures and parity data beside it are not."""
    return path.is_file() and path.suffix not in {".png", ".md", ".npz", ".py", ".txt", ".toml", ".yaml"}


def set_parameter(params: dict[str, Any], dotted: str, value: Any) -> None:
    """Set a nested parameter by its dotted key."""
    *parents, last = dotted.split(".")
    for parent in parents:
        params = params[parent]
    params[last] = value
