"""The repository keeps its own rules: who imports whom, and what every plugin and task comes with."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: Packages of the core, from the ground up: each may import those before it. The modules beside them are the commands.
FLOORS = (
    "errors", "units", "contracts", "stats", "materials", "registry", "potentials", "records", "engine", "data",
    "execution", "fitting", "testing", "cli",
)  # fmt: skip
#: Packages by topic of the tasks, from the ground up.
TOPICS = ("plotting", "structures", "polarization", "mechanics", "sliding_path", "moire", "oracles")
TASKS = sorted(path.parent.name for path in (ROOT / "tasks/harness_tasks").glob("*/task.py"))
PLUGINS = sorted(path.parent.name for path in ROOT.glob("plugins/*/pyproject.toml"))
DISTRIBUTION = {
    "harness": "harness",
    "harness_tasks": "tasks/harness_tasks",
    "harness_reports": "reports/harness_reports",
}
#: Plugins whose tests do not ask for conformance, and why.
WITHOUT_CONFORMANCE = {
    "dft": "the level of theory itself; its tests compare it with stored labels",
    "chgnet": "it fails conformance, as its README says: energies jump where bonds enter its angles",
    "sevenn": "it fails conformance, as its README says: it knows no mirrors",
}


def modules() -> dict[str, Path]:
    """Dotted name -> file, of core, tasks and reports."""
    found = {}
    for name, folder in DISTRIBUTION.items():
        for path in (ROOT / folder).rglob("*.py"):
            if "templates" in path.parts:
                continue
            parts = [name, *path.relative_to(ROOT / folder).with_suffix("").parts]
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports(path: Path, *, typing_too: bool = True) -> Iterator[str]:
    """Modules of this project that a file imports, wherever in it; on request without those for type checkers."""
    tree = ast.parse(path.read_text())
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if not typing_too and id(node) in skipped:
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in MODULES else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def room(module: str) -> str:
    """The package or module directly below the distribution, e.g. ``contracts``."""
    return (module.split(".") + [""])[1]


def test_the_core_imports_downwards_only() -> None:
    wrong = []
    for module, path in MODULES.items():
        floor = room(module)
        if not module.startswith("harness.") or floor not in FLOORS:
            continue
        for other in imports(path):
            if other.startswith("harness.") and room(other) in FLOORS and room(other) != floor:
                if FLOORS.index(room(other)) > FLOORS.index(floor):
                    wrong.append(f"{module} imports {other}")
            elif other.startswith(("harness_tasks", "harness_reports")) or (
                other.startswith("harness.") and room(other) not in FLOORS
            ):
                wrong.append(f"{module} imports {other}")
    assert not wrong, "\n".join(wrong)


def test_every_package_of_the_core_has_a_floor() -> None:
    packages = {path.parent.name for path in (ROOT / "harness").glob("*/__init__.py")}
    assert packages == {name for name in FLOORS if (ROOT / "harness" / name).is_dir()}


def test_no_task_imports_another_and_topics_import_downwards() -> None:
    wrong = []
    for module, path in MODULES.items():
        if not module.startswith("harness_tasks.") or not room(module):
            continue
        here = room(module)
        for other in imports(path):
            there = room(other)
            if not other.startswith("harness_tasks.") or there == here:
                continue
            upwards = here in TOPICS and (there not in TOPICS or TOPICS.index(there) > TOPICS.index(here))
            if there in TASKS or upwards:
                wrong.append(f"{module} imports {other}")
    assert not wrong, "\n".join(wrong)


def test_every_folder_of_the_tasks_is_a_task_or_a_topic() -> None:
    folders = {path.parent.name for path in (ROOT / "tasks/harness_tasks").glob("*/__init__.py")}
    assert folders | {"plotting"} == {*TASKS, *TOPICS}


def test_no_import_goes_in_a_circle() -> None:
    graph = {module: {o for o in imports(path, typing_too=False) if o in MODULES} for module, path in MODULES.items()}
    done: set[str] = set()

    def walk(module: str, above: tuple[str, ...]) -> None:
        assert module not in above, " imports ".join([*above[above.index(module) :], module])
        if module not in done:
            for other in graph[module] - {module}:
                walk(other, (*above, module))
            done.add(module)

    for module in graph:
        walk(module, ())


def test_packages_say_what_lives_there_and_export_nothing() -> None:
    """One way in for each name: the module that defines it."""
    for module, path in MODULES.items():
        if path.name != "__init__.py":
            continue
        tree = ast.parse(path.read_text())
        assert ast.get_docstring(tree), f"{module} has no docstring"
        if module in DISTRIBUTION or module == "harness.testing":
            continue
        assert len(tree.body) == 1, f"{module}/__init__.py holds more than its docstring"


def test_no_module_exports_what_another_defines() -> None:
    for module, path in MODULES.items():
        tree = ast.parse(path.read_text())
        defined = {
            name.id if isinstance(name, ast.Name) else name
            for node in tree.body
            for name in (
                [node.name] if isinstance(node, ast.FunctionDef | ast.ClassDef) else getattr(node, "targets", [])
            )
            if isinstance(name, str | ast.Name)
        }
        defined |= {n.target.id for n in tree.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)}
        for node in tree.body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                extra = set(ast.literal_eval(node.value)) - defined - {"__version__"}
                assert not extra, f"{module} exports {sorted(extra)}, which it does not define"


def test_modules_stay_small() -> None:
    long = [f"{module}: {n}" for module, path in MODULES.items() if (n := len(path.read_text().splitlines())) > 300]
    assert not long, long


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_plugin_has_all_that_belongs_to_it(plugin: str) -> None:
    folder = ROOT / "plugins" / plugin
    static = tomllib.loads((folder / "pyproject.toml").read_text())["tool"]["harness"]
    package = folder / f"harness_{plugin}"
    readme = (ROOT / "README.md").read_text()
    for kind, group in (("potentials", "potential"), ("polarization_models", "polarization")):
        for name in static.get(kind, []):
            assert (package / "conf" / group / f"{name}.yaml").is_file(), f"{group}={name} has no YAML"
            assert f"`{name}`" in readme, f"{name} is not in the README"
    tests = "\n".join(path.read_text() for path in (folder / "tests").glob("*.py"))
    assert "def test_" in tests or "Conformance" in tests
    assert (package / "py.typed").is_file() or plugin == "dft"
    if plugin not in WITHOUT_CONFORMANCE:
        assert "Conformance" in tests, f"{plugin} is not tested by harness.testing"


@pytest.mark.parametrize("task", TASKS)
def test_a_task_has_all_that_belongs_to_it(task: str) -> None:
    folder = ROOT / "tasks/harness_tasks" / task
    assert {"task.py", "params.py", "observables.py"} <= {path.name for path in folder.iterdir()}
    if task != "single_point":
        assert (ROOT / f"docs/tasks/{task}.md").is_file()
        assert f"docs/tasks/{task}.md" in (ROOT / "README.md").read_text()


def test_the_distribution_lists_its_packages() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = {module for module, path in MODULES.items() if path.name == "__init__.py"} | {"harness.conf"}
    assert set(project["tool"]["setuptools"]["packages"]) == packages


def test_continuous_integration_runs_every_plugin_without_a_list_kept_by_hand() -> None:
    """`.ci/run` and the workflow ask the harness which plugins need an environment."""
    for path in (".ci/run", ".github/workflows/test.yml"):
        text = (ROOT / path).read_text()
        assert "harness.plugins --json" in text
        assert not [name for name in PLUGINS if f"- {name}\n" in text or f"[{name}," in text]


def test_the_core_needs_neither_torch_nor_hydra() -> None:
    code = (
        "import sys, harness.worker\n"
        "print([m for m in ('torch', 'hydra', 'omegaconf', 'matplotlib') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "[]"
