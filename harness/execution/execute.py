"""Make one record from one job, in this process.

The worker runs inside the environment of its plugins. It needs neither Hydra nor a terminal, and nothing
crosses its border but files.
"""

from __future__ import annotations

import contextlib
import datetime
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from harness import __version__
from harness.contracts.measurement import Measurement
from harness.contracts.observable import check_observables
from harness.contracts.potential import PolarizationModel, Potential, noise_of
from harness.contracts.record import FINISHED, Record, Status
from harness.engine.ase import make_engine
from harness.engine.extrapolation import grade_frames
from harness.engine.native import native_polarization
from harness.errors import HarnessError, UnsupportedError
from harness.execution.context import FileCheckpoint, WorkerContext
from harness.execution.figures import draw
from harness.execution.job import Job, check_elements, resolve_device
from harness.execution.progress import TqdmProgress, where
from harness.execution.stages import PERCENT, RunStages
from harness.materials.needs import check_needs
from harness.records.store import write_record
from harness.registry import lookup
from harness.registry.catalogue import catalogue
from harness.registry.parameters import build_params

#: Exit codes of the worker and of the command line.
EXIT: Mapping[str, int] = {"ok": 0, "unsupported": 0, "failed": 1, "timeout": 1, "interrupted": 130}
BAD_INPUT = 2


class RunTimeout(Exception):
    """The run took longer than its time-out; says how far it was."""


def execute(job: Job, timeout: float | None = None) -> Record:
    """Run `job` in this process and write its record, whatever happens.

    Returns
    -------
    Record
        With one of the five statuses; ``bad_input`` is set where the user can put the failure right.

    Raises
    ------
    KeyboardInterrupt
        After the record ``interrupted`` was written.
    HarnessError
        When the record itself cannot be written.
    """
    record = new_record(job)
    folder = Path(job.folder)
    write_record(folder, record)  # stands if this process is killed
    measurement: Measurement | None = None
    interrupt: BaseException | None = None
    try:
        with _alarm(timeout), threadpool_limits(int(job.config["device"].get("threads", 1))):
            measurement = _measure(job, record)
        _finish(record, "ok")
    except UnsupportedError as error:
        record.missing = error.missing
        _finish(record, "unsupported", str(error))
    except HarnessError as error:
        record.bad_input = True
        _finish(record, "failed", str(error))
    except RunTimeout as error:
        _finish(record, "timeout", out_of_time(timeout, str(error)))
    except KeyboardInterrupt as error:
        interrupt = error
        _finish(record, "interrupted", "stopped by Ctrl-C; the same command goes on from the last checkpoint")
    except Exception as error:  # whatever a backend throws becomes a record
        record.stderr = traceback.format_exc()[-8000:]
        _finish(record, "failed", f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
    write_record(folder, record, measurement)
    if record.status in FINISHED:
        FileCheckpoint(Path(job.work)).remove()
    for problem in draw(record)[1]:
        print(f"warning: {problem}", file=sys.stderr)
    if interrupt is not None:
        raise interrupt
    return record


def out_of_time(timeout: float | None, reached: str = "") -> str:
    """What a record says when its run took longer than `timeout` seconds."""
    at = f" at {reached}" if reached else ""
    more = "the same command with a longer timeout goes on from the last checkpoint"
    return f"stopped after {timeout:g} s (timeout={timeout:g}){at}; {more}"


def new_record(job: Job) -> Record:
    """The record of a run that has only begun: status ``interrupted``, which stands if it is killed."""
    config = job.config
    return Record(
        identity=job.identity,
        status="interrupted",
        task=config["task"]["name"],
        task_version=0,
        potential=config["potential"]["name"],
        polarization=None if config["polarization"]["name"] == "none" else config["polarization"]["name"],
        material=config["material"].get("name", "material"),
        profile=config["profile"]["name"],
        config=config,
        provenance={"harness": __version__, "files": dict(job.files), "command": job.command},
        started=_now(),
        error="begun, not finished: the process was killed; the same command goes on from the last checkpoint",
    )


def _measure(job: Job, record: Record) -> Measurement:
    config = job.config
    plugins = job.plugins
    task = lookup.build_task(config["task"].get("factory") or config["task"]["name"], plugins)
    record.task_version = task.version
    params = build_params(task.Params, config["task"].get("params") or {}, f"task '{task.name}'")
    potential = lookup.build_potential(
        config["potential"].get("factory") or config["potential"]["name"],
        config["potential"].get("params") or {},
        plugins,
    )
    polarization = None
    if config["polarization"]["name"] != "none":
        polarization = lookup.build_polarization(
            config["polarization"].get("factory") or config["polarization"]["name"],
            config["polarization"].get("params") or {},
            plugins,
        )
    record.provenance["potential"] = potential.provenance()
    record.provenance["polarization"] = polarization.provenance() if polarization is not None else None
    record.host = describe_host(plugins)
    material = lookup.build_material(config["material"], plugins)
    check_needs(task.name, task.needs, material)
    atoms = task.structure(material, params)
    symbols = set(atoms.get_chemical_symbols())
    device = resolve_device(potential, config["device"])
    # The record says what was computed in, not what was asked for.
    record.config = config = {**config, "device": device}
    check_elements(symbols, f"potential '{record.label}'", potential.elements)
    if polarization is not None:
        check_elements(symbols, f"polarization model '{polarization.name}'", polarization.elements)
    check_capabilities(task.name, task.requires, potential, polarization)
    calculator = potential.calculator(device=device["name"], dtype=device["dtype"])
    engine = make_engine(potential, calculator)
    if polarization is None:
        polarization = native_polarization(potential, calculator)
        record.provenance["native_polarization"] = polarization is not None
    work = Path(job.work)
    checkpoint = FileCheckpoint(work)
    resumed = checkpoint.exists()
    with TqdmProgress(task.name, PERCENT) as bar:
        stages = RunStages(checkpoint, bar)
        ctx = WorkerContext(
            atoms,
            potential,
            calculator,
            polarization,
            engine,
            params,
            material,
            int(config["seed"]),
            work,
            noise_of(potential),
            stages,
            device,
        )
        with ctx.clock("task"):
            measurement = task.measure(ctx)
        stages.show(1.0)
    if resumed:
        measurement.notes.append("went on from a checkpoint: times and force calls are those of the last part alone")
    check_observables(task.name, task.observables, measurement.observables)
    grade_frames(calculator, measurement)
    record.observables, record.checks = measurement.observables, measurement.checks
    record.notes, record.seconds = measurement.notes, ctx.seconds
    record.counts["atoms"] = len(atoms)
    record.counts["force_calls"] = engine.force_calls
    record.engine = engine.name
    return measurement


def check_capabilities(
    task: str, requires: frozenset[str], potential: Potential, polarization: PolarizationModel | None
) -> None:
    """Compare what a task requires with what there is.

    Parameters
    ----------
    task
        Name of the task.
    requires
        Property names that the task requires.
    potential, polarization
        The models; `polarization` may be None.

    Raises
    ------
    UnsupportedError
        Names the missing properties, and the polarization models that would supply them.
    """
    offered = set(potential.implemented_properties)
    if polarization is not None:
        offered |= set(polarization.implemented_properties)
    missing = sorted(requires - offered)
    if missing:
        stated = {name for plugin in catalogue().values() for name in plugin.static.get("polarization_models", [])}
        models = ", ".join(sorted(stated | set(lookup.polarization_models(None)))) or "none are known here"
        raise UnsupportedError(
            f"task '{task}' needs {', '.join(missing)}, which '{potential.name}' does not offer"
            f"{'' if polarization is None else f', nor does polarization={polarization.name}'}.",
            f"Polarization models: {models} (polarization=NAME).",
            missing,
        )


def describe_host(plugins: list[str]) -> dict[str, str]:
    """Facts about this machine, from the core and the named plugins."""
    host: dict[str, str] = {}
    for answer in lookup.call_hook("harness_describe_host", plugins, host=host):
        if answer.error:
            host[f"error of {answer.plugin}"] = answer.error
    return host


def _finish(record: Record, status: Status, error: str = "") -> None:
    record.status, record.error, record.finished = status, error, _now()


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


@contextlib.contextmanager
def _alarm(timeout: float | None) -> Iterator[None]:
    """Raise RunTimeout in the main thread after `timeout` seconds."""
    if not timeout or not hasattr(signal, "setitimer"):
        yield
        return

    def ring(signum: int, frame: object) -> None:
        raise RunTimeout(where())

    try:
        previous: Callable[..., Any] | int | None = signal.signal(signal.SIGALRM, ring)
    except ValueError:  # not the main thread: the parent's own time-out has to do
        yield
        return
    signal.setitimer(signal.ITIMER_REAL, timeout)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def die_with_parent() -> None:
    """On Linux, end with the process that started us, so that a killed sweep leaves no worker behind."""
    if sys.platform == "linux":
        import ctypes

        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
