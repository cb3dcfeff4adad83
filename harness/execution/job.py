"""A job: everything that a worker needs to make one record, in one JSON file."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harness.data.dataset import dataset_folder
from harness.data.labels import verify
from harness.errors import HarnessError, UnsupportedError
from harness.materials.needs import check_needs
from harness.registry import lookup
from harness.registry.catalogue import catalogue, find_plugin
from harness.registry.files import resolve_model, set_parameter, sha256
from harness.registry.model_files import file_parameters, marked
from harness.registry.parameters import build_params

COMPONENTS = ("potential", "polarization")
#: Dotted key of a structure file.
MATERIAL_FILE = "material.file"


@dataclass(frozen=True, slots=True)
class Job:
    """One run before it is run.

    Attributes
    ----------
    identity
        Content hash of everything that decides the numbers.
    config
        The resolved configuration; file parameters are absolute paths.
    files
        sha256 of every file parameter, by dotted key.
    plugins
        Plugin distributions that the worker loads; no others.
    folder, work
        Where the record goes, and where checkpoints lie until then.
    """

    identity: str
    config: dict[str, Any]
    folder: str
    work: str
    files: dict[str, str] = field(default_factory=dict)
    plugins: list[str] = field(default_factory=list)
    command: str = ""

    def write(self, path: Path) -> None:
        """As JSON."""
        path.write_text(json.dumps(asdict(self), indent=1))

    @classmethod
    def read(cls, path: Path) -> Job:
        """The inverse of `write`."""
        return cls(**json.loads(path.read_text()))


def make_job(config: Mapping[str, Any], command: str = "") -> Job:
    """Resolve files, check what can be checked without a backend, and name the run by its content.

    Parameters
    ----------
    config
        Plain nested mapping with the keys of `harness.cli.config.Config`.

    Raises
    ------
    HarnessError
        For a missing file, an unknown plugin, or a parameter or material that the task refuses.
    """
    values: dict[str, Any] = json.loads(json.dumps(config))
    plugins = _plugins(values)
    files: dict[str, str] = {}
    folders = tuple(
        plugin.package_folder / "models"
        for name in plugins
        if (plugin := find_plugin(name)).package_folder is not None and (plugin.package_folder / "models").is_dir()
    )
    for component in COMPONENTS:
        params = values[component].get("params") or {}
        for key, value in list(file_parameters(values[component])):
            path = resolve_model(value, folders=folders)
            set_parameter(params, key, str(path))
            files[f"{component}.params.{key}"] = sha256(path)
    given = values["task"].get("params") or {}
    for name in _datasets(values["task"], plugins):
        if isinstance(given.get(name), str):
            given[name] = str(dataset_folder(given[name], f"task.params.{name}"))
            files[f"task.params.{name}"] = verify(Path(given[name]))
    if values["material"].get("file") is not None:
        path = Path(str(values["material"]["file"])).expanduser().absolute()
        values["material"]["file"] = str(path)
        if path.is_file():
            files[MATERIAL_FILE] = sha256(path)
    task, structure = _task(values, plugins)
    identity = _identity(values, files, task, structure)
    runs = Path(values["runs"]).expanduser().absolute()
    folder = runs / values["task"]["name"] / _folder_name(values, identity)
    return Job(identity, values, str(folder), str(runs / ".work" / identity), files, plugins, command)


def _plugins(config: Mapping[str, Any]) -> list[str]:
    """Names of the plugins that the run needs; each has to be known."""
    wanted: list[str] = []
    for part in ("task", *COMPONENTS, "material"):
        wanted += config[part].get("plugins") or []
    for name in wanted:
        find_plugin(name)
    return sorted(set(wanted))


def _datasets(task: Mapping[str, Any], plugins: list[str]) -> list[str]:
    """Parameters of the task that are data sets; none where it cannot be imported here."""
    if not all(find_plugin(name).runs_here for name in task.get("plugins") or []):
        return []
    return marked(lookup.build_task(task.get("factory") or task["name"], plugins).Params, "dataset")


def _task(config: dict[str, Any], plugins: list[str]) -> tuple[list[Any], str]:
    """Name and version of the task, and the hash of the structure that it starts from.

    The hash is empty where the structure cannot be made here, and where the material lacks what the task needs. The
    worker checks the rest.
    """
    known = catalogue()
    name = config["task"].get("factory") or config["task"]["name"]
    params = config["task"].get("params") or {}
    absent = [p for part in ("task", "material") for p in config[part].get("plugins") or [] if not known[p].runs_here]
    if absent:  # a task or a material that only its own environment can import
        return [name, absent, params], ""
    task = lookup.build_task(name, plugins)
    checked = build_params(task.Params, params, f"task '{name}'")
    material = lookup.build_material(config["material"], plugins)
    if material.source.file:
        config["material"]["name"] = material.name
    try:
        check_needs(name, task.needs, material)
    except UnsupportedError:
        return [name, task.version], ""
    atoms = task.structure(material, checked)
    digest = hashlib.sha256()
    for array in (atoms.numbers, atoms.positions.round(9) + 0.0, atoms.cell.array.round(9) + 0.0, atoms.pbc):
        digest.update(array.tobytes())
    return [name, task.version], digest.hexdigest()


def _identity(config: Mapping[str, Any], files: Mapping[str, str], task: list[Any], structure: str) -> str:
    parts = {part: json.loads(json.dumps(config[part].get("params"))) for part in ("task", *COMPONENTS)}
    for dotted, digest in files.items():
        part, _, key = dotted.partition(".params.")
        if part in parts:
            set_parameter(parts[part], key, digest)
    content: dict[str, Any] = {"task": task, "structure": structure, "task_params": parts["task"]}
    for component in COMPONENTS:
        entry = config[component]
        content[component] = [entry["name"], entry.get("factory") or entry["name"], parts[component] or {}]
    for key in ("material", "profile", "device", "seed"):
        content[key] = config[key]
    if MATERIAL_FILE in files:
        content["material"] = {"file": files[MATERIAL_FILE]}
    text = json.dumps(_canonical(content), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical(value: Any) -> Any:
    """The same for 30 and 30.0, which YAML and the command line tell apart and no model does."""
    if isinstance(value, dict):
        return {key: _canonical(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _folder_name(config: Mapping[str, Any], identity: str) -> str:
    material = config["material"]
    words = [config["potential"]["name"], material.get("name", "material"), material.get("stacking", "")]
    words += [config["profile"]["name"], identity[:10]]
    return "-".join(re.sub(r"[^A-Za-z0-9_.+]", "_", str(word)) for word in words if word)


def resolve_device(potential: Any, device: Mapping[str, Any]) -> dict[str, Any]:
    """The device as the potential will be asked for it: ``dtype: auto`` is float64 where offered, else its own first.

    Raises
    ------
    HarnessError
        Names what it offers.
    """
    resolved = dict(device)
    for key, attribute, default in (("name", "devices", ("cpu",)), ("dtype", "dtypes", ("float64",))):
        offered = getattr(potential, attribute, default)
        if device[key] == "auto" and key == "dtype":
            resolved[key] = "float64" if "float64" in offered else offered[0]
        elif device[key] not in offered:
            setting = f"device={offered[0]}" if key == "name" else f"device.dtype={offered[0]}"
            how = "on" if key == "name" else "in"
            raise HarnessError(
                f"potential '{potential.name}' computes {how} {', '.join(offered)}, not {device[key]}.",
                f"Give {setting}.",
            )
    return resolved


def check_elements(symbols: set[str], owner: str, known: frozenset[str] | None) -> None:
    """Refuse a structure with elements that a model does not know.

    Raises
    ------
    HarnessError
        Names the elements on both sides.
    """
    if known is None:
        return
    foreign = sorted(symbols - known)
    if foreign:
        raise HarnessError(
            f"{owner} does not know {', '.join(foreign)}; it knows {', '.join(sorted(known))}.",
            "Choose another material=NAME, or a model that was fitted to these elements.",
        )
