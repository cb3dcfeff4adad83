"""Which plugin distributions there are, installed here or not; found without importing any of them."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, requires, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from harness.errors import unknown_choice

GROUP = "harness"
CORE = "mlip-harness"


@dataclass(frozen=True, slots=True)
class Plugin:
    """One plugin distribution.

    Attributes
    ----------
    name
        Its entry-point name in the group ``harness``; configurations use it under ``plugins``.
    module
        The import package that holds its hooks.
    distribution
        The name that pip knows.
    folder
        Source folder with its ``pyproject.toml``; None when only the installed files are there.
    entry_point
        What is loaded: its module of hooks.
    installed
        Whether it is installed in this interpreter.
    requirements
        Its dependencies as its ``pyproject.toml`` states them; empty without a source folder.
    static
        What it says of itself in ``[tool.harness]``: potentials, polarization_models, tasks, programs,
        ``model_files`` (see `harness.registry.model_files`), and ``needs``: plugins that it builds on and that have to
        be in its environment.
    """

    name: str
    module: str
    distribution: str
    entry_point: EntryPoint
    installed: bool = False
    folder: Path | None = None
    requirements: tuple[str, ...] = ()
    static: dict[str, Any] = field(default_factory=dict)

    @property
    def runs_here(self) -> bool:
        """Whether this interpreter can load it.

        It is installed, or its folder is known and it needs nothing but what the harness itself needs.
        """
        if self.installed:
            return True
        if self.folder is None or not any((self.folder / name).exists() for name in (self.module, f"{self.module}.py")):
            return False
        needs = self.static.get("needs", [])
        return _part_of_the_harness(self.requirements) and all(find_plugin(name).runs_here for name in needs)

    def load(self) -> Any:
        """Import its module of hooks; from its folder where it is not installed. Raises what the import raises."""
        if not self.installed and self.folder is not None and str(self.folder) not in sys.path:
            sys.path.append(str(self.folder))
        return self.entry_point.load()

    @property
    def package_folder(self) -> Path | None:
        """Folder of its import package, for configuration and models; found without importing it."""
        if self.folder is not None and (self.folder / self.module).is_dir():
            return self.folder / self.module
        try:
            spec = find_spec(self.module)
        except (ImportError, ValueError):
            return None
        if spec is None or not spec.submodule_search_locations:
            return None
        return Path(spec.submodule_search_locations[0])


def source_root() -> Path | None:
    """Root of the source tree that this package runs from; None for an installed wheel."""
    root = Path(__file__).resolve().parents[2]
    return root if (root / "pyproject.toml").is_file() and (root / "conf").is_dir() else None


def plugin_folders() -> list[Path]:
    """Folders whose subfolders are plugins: ``$HARNESS_PLUGIN_PATH``, this folder, the source tree's ``plugins``."""
    folders = [Path(p) for p in os.environ.get("HARNESS_PLUGIN_PATH", "").split(os.pathsep) if p]
    folders.append(Path.cwd())
    root = source_root()
    if root is not None:
        folders.append(root / "plugins")
    return [folder for folder in folders if folder.is_dir()]


def catalogue() -> dict[str, Plugin]:
    """All plugins by name: those installed here, and those whose source folder is known."""
    installed = {entry.name: entry for entry in entry_points(group=GROUP)}
    found: dict[str, Plugin] = {}
    for parent in plugin_folders():
        for path in sorted(parent.glob("*/pyproject.toml")):
            for plugin in _read_project(path, installed):
                found.setdefault(plugin.name, plugin)
    for name, entry in installed.items():
        if name not in found:
            module = entry.value.partition(":")[0].partition(".")[0]
            distribution = entry.dist.name if entry.dist is not None else module
            found[name] = Plugin(name, module, distribution, entry, installed=True)
    return dict(sorted(found.items()))


def _read_project(path: Path, installed: dict[str, EntryPoint]) -> list[Plugin]:
    try:
        project = tomllib.loads(path.read_text())
        entries = project["project"]["entry-points"][GROUP]
        name = project["project"]["name"]
    except (OSError, tomllib.TOMLDecodeError, KeyError):
        return []  # some other project's folder
    static = project.get("tool", {}).get("harness", {})
    requirements = tuple(project["project"].get("dependencies", ()))
    return [
        Plugin(
            key,
            value.partition(":")[0].partition(".")[0],
            name,
            installed.get(key) or EntryPoint(key, value, GROUP),
            installed=key in installed,
            folder=path.parent,
            requirements=requirements,
            static=static,
        )
        for key, value in entries.items()
    ]


def _part_of_the_harness(requirements: Iterable[str]) -> bool:
    """Whether each of them is the harness, or one of its own dependencies in a version that is installed here."""
    try:
        from packaging.requirements import InvalidRequirement, Requirement
        from packaging.utils import canonicalize_name
    except ImportError:  # the environment of a backend: what runs there is installed there
        return False
    try:
        own = {canonicalize_name(Requirement(text).name) for text in requires(CORE) or ()}
        wanted = [Requirement(text) for text in requirements]
        return all(
            canonicalize_name(r.name) == CORE
            or (canonicalize_name(r.name) in own and not r.extras and version(r.name) in r.specifier)
            for r in wanted
            if r.marker is None or r.marker.evaluate()
        )
    except (InvalidRequirement, PackageNotFoundError):
        return False


def find_plugin(name: str) -> Plugin:
    """The plugin called `name`.

    Raises
    ------
    HarnessError
        When there is none; names the nearest.
    """
    plugins = catalogue()
    if name not in plugins:
        raise unknown_choice(
            "plugin",
            name,
            plugins,
            f"Install the distribution that brings it (pip install harness-{name.replace('_', '-')}), "
            "or name its parent folder in HARNESS_PLUGIN_PATH.",
        )
    return plugins[name]
