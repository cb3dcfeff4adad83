"""Every exit code and every error that the command lines promise: command, code, what is printed where.

A command runs in an empty folder with the files that `FILES` and `prepare` put there. Its output is stored in
``expected/commands/*.json``, with paths, times and hashes replaced.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from .console import REPOSITORY, Console, module_file
from .expectations import differences, load, store

RUN = "task=single_point potential=plate"
ASE = "task=single_point potential=ase"
MTP = "task=single_point potential=mtp material=bn_monolayer"

#: Calculators that a user might name: one that works, one that fails, one that is slow, one stopped by Ctrl-C.
CALCULATORS = """
import signal, time
from ase.calculators.calculator import Calculator
from ase.calculators.lj import LennardJones

class Broken(Calculator):
    implemented_properties = ["energy", "forces", "stress"]
    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        raise RuntimeError("the backend broke")

class Slow(Broken):
    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        time.sleep(60)

class Stopped(Broken):
    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        signal.raise_signal(signal.SIGINT)

class EnergyOnly(LennardJones):
    implemented_properties = ["energy"]

def lennard_jones(epsilon):
    return LennardJones(sigma=1.3, epsilon=epsilon, rc=6.0)

number = 3
"""

#: ``python -m harness ...``: mistakes, by group. The name of an entry is the command.
HARNESS: dict[str, list[str]] = {
    "names": [
        "task=bned potential=plate",
        "task=bend potential=mpt_cd",
        "task=bend",
        "",
        f"{RUN} sed=1",
        f"{RUN} +foo=1",
        f"{RUN} ~seed",
        f"{RUN} profile=quik",
        f"{RUN} device=gpu",
        f"{RUN} device=cuda",
        f"{RUN} device.dtype=float32",
        f"{RUN} polarization=charge_dipol",
        f"{RUN} material=bn_bilayr",
        f"{RUN} potential.params.strech=3",
        f"{RUN} +potential.params.strech=3",
        f"{RUN} +polarization.params.dipole=3 polarization.name=none",
        f"{RUN} polarization=plate +polarization.params.dipol=3",
        f"{RUN} +task.params.repat=[2,2]",
        f"{RUN} potential.plugins=[no_such_plugin]",
        f"{RUN} potential.name=no_such_potential",
        f"{RUN} task.name=no_such_task",
    ],
    "values": [
        f"{RUN} seed=one",
        f"{RUN} seed=[",
        f"{RUN} seed",
        f"{RUN} force=perhaps",
        f"{RUN} task.params.repeat=2",
        f"{RUN} task.params.repeat=[2,x]",
        f"{RUN} task.params.repeat=[0,1]",
        f"{RUN} potential.params=3",
        "task=bend potential=plate task.params.lenght=3",
        "task=bend potential=plate task.params.length=-3",
        "task=bend potential=plate task.params.method=dynamic",
    ],
    "material": [
        f"{RUN} material.stackin=AA",
        f"{RUN} +material.color=red",
        f"-m {RUN} material={{stacking:AC}},{{a:-2.5}},{{a:wide}},{{layers:0}},{{vacuum:-1}},{{distance:0}},"
        "{symbols:[B]}",
        f"{RUN} material.symbols=[Xx,N]",
        "-m task=sliding,interlayer,tc_sweep,moire_relax potential=plate material=bn_monolayer",
        "-m task=coercive_field,polarization_pattern potential=cosine polarization=cosine material=bn_monolayer",
        "task=coercive_field potential=cosine polarization=cosine material.stacking=AAp",
        f"{MTP} material.symbols=[Mo,S]",
    ],
    "files": [
        f"{MTP} potential.params.model=bn_bilayr.mtp",
        f"{MTP} potential.params.model=notes.mtp",
        f"{MTP} potential.params.model=half.mtp",
        f"{ASE}",
        f"{ASE} potential.params.calculator=ase.calculators.emt",
        f"{ASE} potential.params.calculator=no_such_module:X",
        f"{ASE} potential.params.calculator=ase.calculators.emt:ETM",
        f"{ASE} potential.params.calculator=calculators:number",
        f"{ASE} potential.params.calculator=calculators:lennard_jones",
        f"{ASE} potential.params.calculator=calculators:lennard_jones +potential.params.kwargs.epsilom=0.01",
        f"{RUN} runs=notes.mtp",
        f"{RUN} runs=/proc/nowhere",
    ],
    "outcomes": [
        f"{RUN} polarization=plate",
        f"{ASE} potential.params.calculator=calculators:lennard_jones +potential.params.kwargs.epsilon=0.01",
        f"{ASE} potential.params.calculator=calculators:Broken",
        f"{ASE} potential.params.calculator=calculators:Slow timeout=0.2",
        f"{ASE} potential.params.calculator=calculators:Stopped",
        f"{ASE} potential.params.calculator=calculators:EnergyOnly",
        "task=tc_sweep potential=plate",
        "task=coercive_field potential=plate polarization=plate",
        "-m task=piezo,polarization_pattern potential=plate",
        "-m task=single_point potential=plate material.stacking=AA,AC,AB",
        "-m task=single_point,bned potential=plate",
        f"-m {ASE} potential.params.calculator=calculators:Broken,calculators:Stopped seed=0,1",
        "--version",
        "--help",
    ],
}  # fmt: skip

#: Parameters that the tasks refuse, a sweep for each: there Hydra composes once for each mistake and not twice.
PARAMETERS = [
    "-m task=bend potential=plate task.params={length:long},{length:-3},{method:dynamic},{method:dynamics},"
    "{sample_every:20000},{relax_cell:3},{steps:2.5},{optimizer:bfgs}",
    "-m task=elastic potential=plate task.params={strains:[]},{strains:[0.005,0.005]},{fmax:0},{thickness:-1}",
    "-m task=piezo potential=plate polarization=plate task.params={vertical_strains:[0.5]},{method:fast}",
    "-m task=interlayer potential=plate task.params={distances:[3.0]},{stackings:[AC]},{fit_points:1}",
    "-m task=sliding potential=plate task.params={path_points:4},{grid:5},{paths:[bent]}",
    "-m task=coercive_field potential=cosine polarization=cosine task.params={path_points:4},{order:99},{grid:5},"
    "{dips:[100]},{ramp_parallels:[-1]},{seeds:0},{temperatures:[-1]},{ramp_start:2},{ensemble:langevine}",
    "-m task=tc_sweep potential=cosine task.params={cells:0},{time:0},{time:0.01},{highest:100},"
    "{highest:100,step:0},{highest:1,step:1},{ensemble:berendsen},{discard:1}",
    "-m task=moire_relax potential=plate task.params={twists:[]},{twists:[0]},{mismatch:[1]},{grid:5},{fmax:0},"
    "{max_grade:-1}",
    "-m task=polarization_pattern potential=plate polarization=plate task.params={n:1},{geometry:[]},{mismatch:[1]},"
    "{fields:[0]},{susceptibility:-1},{response:assumed},{grid:3}",
    "-m task=conformance potential=plate task.params={samples:0},{path_points:1}",
    "-m task=accuracy potential=plate task.params={dataset:hbm},{dispersion:d3}",
]

FIT = [
    "potential=mtp_cd dataset=hbm",
    "potential=mtp_cd dataset.dispersion=d3",
    "potential=mtp_cd n_train=0",
    "potential=mtp_cd n_train=100000",
    "potential=mtp_cd n_trian=5",
    "potential=plate",
    "",
    "potential=mtp_cd parts=[mpt]",
    "potential=mtp_cd +options.mpt.level=8",
    "potential=lj parts=[lj] n_train=5 +options.lj.nonsense=8",
    "potential=lj n_train=5 out=notes.mtp",
    "--help",
]

#: Other modules that a user calls: module, arguments.
OTHERS = [
    ("harness.report", ""),
    ("harness.report", "nowhere"),
    ("harness.report", "rnus"),
    ("harness.report", "notes.mtp"),
    ("harness.report", "empty"),
    ("harness.report", "corrupt"),
    ("harness.report", "runs"),
    ("harness.report", "runs --out elsewhere --format csv"),
    ("harness.report", "runs --format htlm"),
    ("harness.report", "runs --out notes.mtp"),
    ("harness.report", "runs empty corrupt --format csv"),
    ("harness.report", "--help"),
    ("harness.plugins", ""),
    ("harness.plugins", "--json"),
    ("harness.plugins", "--make lamps"),
    ("harness.plugins", "--make"),
    ("harness.plugins", "--nonsense"),
    ("harness.plugins", "--help"),
    ("harness.learning", "empty"),
    ("harness.learning", "nowhere"),
    ("harness.worker", ""),
]


def prepare(folder: Path) -> None:
    """What a command may find in the current folder."""
    (folder / "notes.mtp").write_text("not a potential\n")
    (shipped,) = REPOSITORY.glob("plugins/mtp/**/models/bn_bilayer.mtp")
    text = shipped.read_text()
    (folder / "half.mtp").write_text(text[: len(text) // 2])
    module_file(folder, "calculators", CALCULATORS.splitlines())
    (folder / "empty").mkdir()
    (folder / "corrupt" / "one").mkdir(parents=True)
    (folder / "corrupt" / "one" / "record.json").write_text("{")


def check(
    console: Console, update: bool, monkeypatch: pytest.MonkeyPatch, name: str, module: str, commands: list[str]
) -> None:
    """Run each command in the prepared folder and compare code and output with what is stored."""
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)  # nothing is drawn
    folder = Path.cwd()
    found: dict[str, dict[str, object]] = {}
    for line in commands:
        for path in folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        prepare(folder)
        if module == "harness.report" and "runs" in line.split():
            shutil.copytree(Path(__file__).parent / "old_records", folder / "runs")
        result = console(*line.split(), module=module)
        entry: dict[str, object] = {"code": result.code}
        for stream in ("stdout", "stderr"):
            lines = console.normalised(getattr(result, stream))
            if lines:
                entry[stream] = lines
        found[f"{module} {line}".strip()] = entry
    if update:
        store(f"commands/{name}", found)
        return
    stored = load(f"commands/{name}")
    assert set(stored) == set(found), "the table of commands and its expectation differ"
    problems = [
        line for command, entry in stored.items() for line in differences(entry, found[command], f"commands/{command}")
    ]
    problems += [
        f"{command}: also wrote to {sorted(set(found[command]) - set(entry))}"
        for command, entry in stored.items()
        if set(found[command]) - set(entry)
    ]
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("group", HARNESS)
def test_harness(group: str, console: Console, update: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    check(console, update, monkeypatch, group, "harness", HARNESS[group])


@pytest.mark.slow
def test_parameters_that_tasks_refuse(console: Console, update: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    check(console, update, monkeypatch, "parameters", "harness", PARAMETERS)


def test_fit(console: Console, update: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    check(console, update, monkeypatch, "fit", "harness.fit", FIT)


@pytest.mark.parametrize("module", sorted({module for module, _ in OTHERS}))
def test_other_modules(module: str, console: Console, update: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    check(console, update, monkeypatch, module, module, [line for other, line in OTHERS if other == module])


def test_a_finished_record_is_reused_and_a_corrupt_one_left_alone(console: Console) -> None:
    assert console(*RUN.split()).code == 0
    (path,) = Path("runs").rglob("record.json")
    whole = path.read_text()
    again = console(*RUN.split())
    assert again.code == 0
    assert again.stdout.startswith("reused the finished record (force=true measures anew)\n")
    assert path.read_text() == whole
    path.write_text(whole[:100])
    corrupt = console(*RUN.split())
    assert corrupt.code == 2
    assert corrupt.stderr.count("\n") == 1
    assert "corrupt" in corrupt.stderr
    assert "force=true" in corrupt.stderr
    assert path.read_text() == whole[:100]
    assert console(*RUN.split(), "force=true").code == 0
    assert json.loads(path.read_text())["status"] == "ok"


@pytest.mark.parametrize(
    ("calculator", "status", "code"),
    [
        ("Broken", "failed", 1),
        ("Slow", "timeout", 1),
        ("Stopped", "interrupted", 130),
        ("EnergyOnly", "unsupported", 0),
    ],
)
def test_every_end_of_a_run_leaves_a_record(calculator: str, status: str, code: int, console: Console) -> None:
    prepare(Path.cwd())
    task = "elastic" if status == "unsupported" else "single_point"
    arguments = [f"task={task}", "potential=ase", f"potential.params.calculator=calculators:{calculator}"]
    result = console(*arguments, *(["timeout=0.2"] if status == "timeout" else []))
    assert result.code == code
    (path,) = Path("runs").glob("*/[!.]*/record.json")
    record = json.loads(path.read_text())
    assert record["status"] == status
    assert record["error"]
    assert bool(record["missing"]) == (status == "unsupported")
