"""What plugins bring, by name: potentials, polarization models, materials, tasks, reports."""

from __future__ import annotations

import importlib
import traceback
from collections import ChainMap
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import pluggy

from harness.contracts.hookspecs import HarnessSpec
from harness.errors import HarnessError, unknown_choice
from harness.registry.catalogue import catalogue
from harness.registry.parameters import check_parameters

if TYPE_CHECKING:
    from harness.contracts.material import Material, MaterialFactory
    from harness.contracts.potential import PolarizationModel, Potential
    from harness.contracts.report import Report
    from harness.contracts.task import Task

BUILT_IN = ("harness.registry.builtin", "harness_tasks", "harness_reports")

#: The prototype of a material that names none.
PROTOTYPE = "honeycomb"
T = TypeVar("T")

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


@dataclass(frozen=True, slots=True)
class Answer:
    """What one plugin returned for a hook, or in `error` the one line that says how it failed."""

    plugin: str
    value: Any = None
    error: str = ""


def call_hook(
    hook: str, plugins: Iterable[str] | None = (), *, only: Collection[str] | None = None, **arguments: Any
) -> Iterator[Answer]:
    """Call a hook of each loaded plugin in turn; one that raises does not stop the others.

    Parameters
    ----------
    hook
        Its name in `harness.contracts.hookspecs`.
    plugins
        To load before, as for `manager`.
    only
        Names of those that are called; None for all.
    arguments
        Of the hook, by name; an implementation may take fewer.
    """
    for implementation in getattr(manager(plugins).hook, hook).get_hookimpls():
        name = implementation.plugin_name
        if only is not None and name not in only:
            continue
        try:
            value = implementation.function(*(arguments[key] for key in implementation.argnames))
        except Exception as error:  # anything at all may go wrong in somebody else's module
            yield Answer(name, error=_reason(error))
        else:
            yield Answer(name, value)


def offers(
    hook: str, plugins: Iterable[str] | None = (), only: Collection[str] | None = None
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What each plugin brings by name; parameters as for `call_hook`.

    A plugin that imports but cannot say what it has is noted in `broken`.
    """
    for answer in call_hook(hook, plugins, only=only):
        if answer.error:
            broken[answer.plugin] = answer.error
        elif not isinstance(answer.value, Mapping):
            broken[answer.plugin] = f"{hook} returns {type(answer.value).__name__} instead of a mapping of names"
        else:
            yield answer.plugin, answer.value


def _collect(hook: str, plugins: Iterable[str] | None) -> Mapping[str, Any]:
    """What the plugins return for a hook, in one mapping; an item is taken from a plugin's mapping when asked for."""
    collected: list[Mapping[str, Any]] = []
    owners: dict[str, str] = {}
    for plugin, offer in offers(hook, plugins):
        complete = hook != "harness_tasks" or plugin in BUILT_IN
        items = offer if complete else _complete(offer, plugin)
        for name in items:
            if name in owners:
                raise HarnessError(
                    f"two plugins bring '{name}': {owners[name]} and {plugin}.",
                    "Uninstall one of them.",
                )
            owners[name] = plugin
        collected.append(items)
    return ChainMap(*reversed(collected))


def _complete(tasks: Mapping[str, Any], plugin: str) -> dict[str, Any]:
    """The tasks of a plugin that state all that the contract asks for; the others are noted in `broken`."""
    from harness.contracts.task import Task

    complete = {}
    for name, task in tasks.items():
        lacking = [word for word in Task.__annotations__ if not hasattr(task, word)]
        if lacking:
            broken[plugin] = f"task '{name}' does not state {', '.join(lacking)}"
        else:
            complete[name] = task
    return complete


def potentials(plugins: Iterable[str] | None = None) -> Mapping[str, Callable[..., Potential]]:
    """Name -> factory of every potential of the named plugins (None: of all installed here)."""
    return _collect("harness_potentials", plugins)


def polarization_models(plugins: Iterable[str] | None = None) -> Mapping[str, Callable[..., PolarizationModel]]:
    """Name -> factory of every polarization model."""
    return _collect("harness_polarization_models", plugins)


def materials(plugins: Iterable[str] | None = None) -> Mapping[str, MaterialFactory]:
    """Name of a prototype -> factory."""
    return _collect("harness_materials", plugins)


def tasks(plugins: Iterable[str] | None = None) -> Mapping[str, type[Task]]:
    """Name -> class of every task."""
    return _collect("harness_tasks", plugins)


def reports(plugins: Iterable[str] | None = None) -> Mapping[str, type[Report]]:
    """Name -> class of every report."""
    return _collect("harness_reports", plugins)


def fitters(plugins: Iterable[str] | None = None) -> Mapping[str, str]:
    """Name of a potential or polarization model -> ``"module:function"``."""
    return _collect("harness_fitters", plugins)


def _pick(kind: str, name: str, items: Mapping[str, T]) -> T:
    if name not in items:
        reasons = "; ".join(f"plugin '{plugin}' is broken: {why}" for plugin, why in broken.items())
        raise unknown_choice(kind, name, items, reasons or "`python -m harness.plugins` lists what is there.")
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
