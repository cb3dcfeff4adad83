"""What a potential or polarization model says of itself: facts beside its model file, versions of packages."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from harness.errors import HarnessError

__all__ = ["facts_beside", "package_versions", "sidecar"]


def sidecar(model: Path) -> Path:
    """The file of facts beside a model, with the same stem: level of theory, errors, settings of its fit."""
    return model.with_suffix(".json")


def facts_beside(model: Path) -> dict[str, Any]:
    """The facts beside a model; empty when there are none, as for most models of users.

    Raises
    ------
    HarnessError
        When the file is there and cannot be read.
    """
    path = sidecar(model)
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise HarnessError(
            f"the facts beside the model, '{path}', cannot be read: {error}.", "Restore or remove the file."
        ) from error
    return content if isinstance(content, dict) else {}


def package_versions(*names: str) -> dict[str, str]:
    """Version of each distribution; one that is used without being installed is ``source tree``."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "source tree"
    return found
