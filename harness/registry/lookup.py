"""What plugins bring, by name: potentials, polarization models, tasks, reports."""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pluggy

from harness.contracts.hookspecs import HarnessSpec
from harness.contracts.material import Material, MaterialFactory
from harness.contracts.potential import PolarizationModel, Potential
from harness.contracts.report import Report
from harness.contracts.task import Task
from harness.errors import HarnessError, unknown
from harness.registry.catalogue import catalogue
from harness.registry.parameters import check_parameters

BUILT_IN = ("harness.registry.builtin", "harness_tasks", "harness_reports")

#: The prototype of a material that names none.
PROTOTYPE = "honeycomb"

#: Plugins that could not be imported, by name, with the reason in one line.
broken: dict[str, str] = {}

_manager: pluggy.PluginManager | None = None
_loaded: set[str] = set()


def manager(plugins: Iterable[str] | None = ()) -> pluggy.PluginManager:
    """The plugin manager, with the built-in modules and the named plugins loaded.

    A plugin that cannot be imported is noted in `broken`; the others go on.

    Parameters
    ----------
    plugins
        Names to load; None for every plugin that can be loaded here.
    """
    global _manager
    if _manager is None:
        _manager = pluggy.PluginManager("harness")
        _manager.add_hookspecs(HarnessSpec)
        for module in BUILT_IN:
            try:
                _register(_manager, module, importlib.import_module(module))
            except ImportError as error:
                if error.name not in {"matplotlib", "jinja2"}:  # a worker's environment draws nothing
                    raise
    known = catalogue()
    for name in known if plugins is None else plugins:
        plugin = known.get(name)
        if name in _loaded or plugin is None or not plugin.runs_here:
            continue
        _loaded.add(name)
        try:
            _register(_manager, name, plugin.load())
        except Exception as error:  # anything at all may go wrong in somebody else's module
            broken[name] = _reason(error)
    return _manager


def _reason(error: Exception) -> str:
    """One line that names the error and the place."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text} ({where.filename}:{where.lineno})"


def _register(pm: pluggy.PluginManager, name: str, module: Any) -> None:
    pm.register(module, name=name)
    try:
        pm.check_pending()
    except pluggy.PluginValidationError as error:
        pm.unregister(name=name)
        raise HarnessError(f"{error}".strip().splitlines()[-1]) from error


def _collect(hook: str, plugins: Iterable[str] | None) -> dict[str, Any]:
    pm = manager(plugins)
    collected: dict[str, Any] = {}
    owners: dict[str, str] = {}
    for implementation in getattr(pm.hook, hook).get_hookimpls():
        try:
            items = implementation.function()
        except Exception as error:  # a plugin that imports but cannot say what it has
            broken[implementation.plugin_name] = _reason(error)
            continue
        for name, item in items.items():
            lacking = [word for word in Task.__annotations__ if not hasattr(item, word)]
            if hook == "harness_tasks" and lacking:
                broken[implementation.plugin_name] = f"task '{name}' does not state {', '.join(lacking)}"
                continue
            if name in collected:
                raise HarnessError(
                    f"two plugins bring '{name}': {owners[name]} and {implementation.plugin_name}.",
                    "Uninstall one of them.",
                )
            collected[name], owners[name] = item, implementation.plugin_name
    return collected


def potentials(plugins: Iterable[str] | None = None) -> dict[str, Callable[..., Potential]]:
    """Name -> factory of every potential of the named plugins (None: of all installed here)."""
    return _collect("harness_potentials", plugins)


def polarization_models(plugins: Iterable[str] | None = None) -> dict[str, Callable[..., PolarizationModel]]:
    """Name -> factory of every polarization model."""
    return _collect("harness_polarization_models", plugins)


def materials(plugins: Iterable[str] | None = None) -> dict[str, MaterialFactory]:
    """Name of a prototype -> factory."""
    return _collect("harness_materials", plugins)


def tasks(plugins: Iterable[str] | None = None) -> dict[str, type[Task]]:
    """Name -> class of every task."""
    return _collect("harness_tasks", plugins)


def reports(plugins: Iterable[str] | None = None) -> dict[str, type[Report]]:
    """Name -> class of every report."""
    return _collect("harness_reports", plugins)


def fitters(plugins: Iterable[str] | None = None) -> dict[str, str]:
    """Name of a potential or polarization model -> ``"module:function"``."""
    return _collect("harness_fitters", plugins)


def _pick(kind: str, name: str, items: Mapping[str, Any]) -> Any:
    if name not in items:
        reasons = "; ".join(f"plugin '{plugin}' is broken: {why}" for plugin, why in broken.items())
        raise unknown(kind, name, items, reasons or "`python -m harness.plugins` lists what is there.")
    return items[name]


def build_potential(name: str, params: Mapping[str, Any], plugins: Iterable[str] | None = None) -> Potential:
    """Make the potential registered as `name`.

    Raises
    ------
    HarnessError
        For an unknown name or parameter.
    """
    factory = _pick("potential", name, potentials(plugins))
    check_parameters(factory, params, f"potential '{name}'", "potential.params")
    return factory(**params)


def build_polarization(name: str, params: Mapping[str, Any], plugins: Iterable[str] | None = None) -> PolarizationModel:
    """Make the polarization model registered as `name`; raises as `build_potential`."""
    factory = _pick("polarization model", name, polarization_models(plugins))
    check_parameters(factory, params, f"polarization model '{name}'", "polarization.params")
    return factory(**params)


def build_material(values: Mapping[str, Any], plugins: Iterable[str] | None = ()) -> Material:
    """Make the material that the section ``material`` of a configuration describes.

    Parameters
    ----------
    values
        ``file`` for a structure file, else ``prototype`` (default ``honeycomb``) with its parameters; ``plugins`` are
        the distributions that bring the prototype.

    Raises
    ------
    HarnessError
        For an unknown prototype, key or value, and for a file that holds no sheet.
    """
    keys = {key: value for key, value in values.items() if key not in ("prototype", "plugins")}
    factory: MaterialFactory
    if values.get("file") is not None:
        from harness.materials.structure_file import material_from_file

        factory, owner = material_from_file, "a material from a file"
    else:
        name = str(values.get("prototype") or PROTOTYPE)
        factory, owner = _pick("material prototype", name, materials(plugins)), f"material prototype '{name}'"
    check_parameters(factory, keys, owner, "material")
    return factory(**keys)


def build_task(name: str, plugins: Iterable[str] | None = ()) -> Task:
    """Make the task registered as `name`; raises HarnessError for an unknown one."""
    return _pick("task", name, tasks(plugins))()
