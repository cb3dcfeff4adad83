"""The schema of a run's configuration, and how its mistakes are told."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Annotated, Any

from annotated_types import Ge, Le
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra.errors import ConfigCompositionException, HydraException, MissingConfigException
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from harness.contracts.parameters import Positive, Seed
from harness.errors import HarnessError, unknown_choice
from harness.registry.catalogue import catalogue
from harness.registry.parameters import build_params

#: Groups that a command line chooses from.
GROUPS = ("task", "potential", "polarization", "material", "profile", "device", "experiment")


@dataclass
class ComponentConfig:
    """A potential, a polarization model or a task.

    `name` is what reports show; `factory` is the registry name (default: `name`); `plugins` are the
    distributions that have to be importable where it runs.
    """

    name: str = MISSING
    factory: str | None = None
    plugins: list[str] = field(default_factory=list)
    params: dict[str, Any] = field(default_factory=dict)


@dataclass
class ProfileConfig:
    """How thorough a task is."""

    name: str = MISSING


@dataclass
class DeviceConfig:
    """Where and how exactly a potential computes."""

    name: str = "cpu"
    dtype: str = "auto"
    threads: Annotated[int, Ge(1), Le(1024)] = 1


@dataclass
class Config:
    """The composed configuration of one run."""

    task: ComponentConfig = MISSING
    potential: ComponentConfig = MISSING
    polarization: ComponentConfig = MISSING
    material: dict[str, Any] = MISSING
    profile: ProfileConfig = MISSING
    device: DeviceConfig = MISSING
    seed: Seed = 0
    runs: str = "runs"
    force: bool = False
    timeout: Positive | None = None


class PluginSearchPath(SearchPathPlugin):
    """Every plugin's own ``conf`` folder joins the configuration, whether the plugin is installed or not."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Append the folders; importing no plugin."""
        for plugin in catalogue().values():
            folder = plugin.package_folder
            if folder is not None and (folder / "conf").is_dir():
                search_path.append(provider=f"harness-{plugin.name}", path=f"file://{folder / 'conf'}")


def register() -> None:
    """Make the schema and the plugins' folders known to Hydra; may be called again."""
    ConfigStore.instance().store(name="schema", node=Config, provider="harness")
    Plugins.instance().register(PluginSearchPath)


def plain(config: DictConfig, schema: type = Config) -> dict[str, Any]:
    """The configuration as plain nested values, everything resolved, checked against the schema.

    Raises
    ------
    HarnessError
        When a value that only the user can give is missing, for a key that ``+key=value`` forced past the schema, and
        for a value outside its bounds.
    """
    missing = sorted(OmegaConf.missing_keys(config))
    if missing:
        raise HarnessError(f"{missing[0]} has no value.", f"Give {missing[0]}=VALUE.")
    resolved = OmegaConf.to_container(config, resolve=True)
    assert isinstance(resolved, dict)
    values = {str(key): value for key, value in resolved.items()}
    build_params(schema, values, owner="", key="")
    return values


def explain(error: Exception, overrides: Iterable[str], config_name: str = "config") -> HarnessError:
    """One line for what Hydra or OmegaConf found wrong in the command line."""
    text = str(error)
    if isinstance(error, MissingConfigException):
        found = re.search(r"Could not find '([^']+)/([^'/]+)'", text)
        if found and error.options is not None:
            return unknown_choice(found[1], found[2], list(error.options), _mend(found[1]))
    if isinstance(error, (ConfigCompositionException, OmegaConfBaseException)):
        must = re.search(r"You must specify '([^']+)'", text)
        if must:
            options = re.findall(r"^\t(\S+)$", text, re.M)
            return HarnessError(
                f"no {must[1]} was chosen. Choices: {', '.join(sorted(options))}.", f"Give {must[1]}=NAME."
            )
        in_struct = re.search(r"Key '([^']+)' (?:is )?not in '?(?:struct|\w+)'?", text)
        key = re.search(r"full_key: (\S+)", text)
        if in_struct:
            full = key[1] if key else in_struct[1]
            return _unknown_key(full, overrides, config_name)
        override = re.search(
            r"Could not (?:override|append to config) '([^']+)'|Could not append to config. An item is "
            r"already at '([^']+)'",
            text,
        )
        if override and override[1]:
            return _unknown_key(override[1], overrides, config_name)
    return HarnessError(_first_line(error), "`python -m harness --help` shows what can be set.")


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    chain = error.__cause__ or error.__context__
    if chain is not None and len(lines) < 2:
        lines += [line.strip() for line in str(chain).splitlines()[:1] if line.strip()]
    text = " ".join(lines[:2]) or type(error).__name__
    return text if text.endswith((".", "?")) else f"{text}."


def _mend(group: str) -> str:
    return "`python -m harness.plugins` lists what is there." if group in ("potential", "task") else ""


def _unknown_key(full: str, overrides: Iterable[str], config_name: str) -> HarnessError:
    """An unknown key, with the nearest key at the same place of the composed configuration."""
    parent, _, last = full.rpartition(".")
    siblings = sorted(_keys_at(parent, overrides, config_name))
    where = f"key of {parent}" if parent else "setting"
    return unknown_choice(where, last, siblings, "`python -m harness --help` shows what can be set.")


def _keys_at(parent: str, overrides: Iterable[str], config_name: str) -> list[str]:
    """Keys that the configuration has at `parent` when the faulty overrides are left out."""
    from hydra import compose
    from hydra.core.global_hydra import GlobalHydra

    if not parent:
        settings = OmegaConf.load(files("harness.conf") / f"{config_name}.yaml")  # type: ignore[arg-type]
        return [*GROUPS, *(str(key) for key in settings if key not in ("defaults", "hydra"))]
    choices = [o for o in overrides if re.match(rf"^({'|'.join(GROUPS)})=[^,]*$", o)]
    try:
        if not GlobalHydra.instance().is_initialized():
            from hydra import initialize_config_module

            initialize_config_module("harness.conf", version_base="1.3")
        node = OmegaConf.select(compose(config_name, overrides=choices), parent)
        return [str(key) for key in node]
    except (HydraException, OmegaConfBaseException, TypeError, ValueError):
        return []
