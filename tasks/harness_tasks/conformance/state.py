"""Whether answers depend on anything but the structure: the calculator's past, or what another backend left behind.

Backends meet in one process: a polarization model beside a potential, or a user's script. Some set the default number
type of torch, threads or seeds when they are loaded, and some rely on the ones they found.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from ase import Atoms
from threadpoolctl import threadpool_info

from harness_tasks.conformance.probe import Probe, Values

#: What another backend may have set as torch's default while this one computes.
OTHER = {"float64": "float32", "float32": "float64"}
SEED = 987654
#: Largest displacement of a coordinate in the structure that is evaluated in between, Å: more than the skin of most
#: neighbour lists, and no bond breaks.
MOVE = 0.12


def state_lines(probe: Probe, atoms: Atoms, values: Values) -> None:
    """Repeatability, memory of the past, independence of the global state, and what was left of it.

    `values` are those that the calculator gave for `atoms` before anything else.
    """
    moved = other(probe, atoms)
    probe.evaluate(moved)
    again = probe.evaluate(atoms)
    probe.evaluate(moved)
    probe.same("repeatability", probe.evaluate(atoms), again, "the same structure twice, another one between")
    probe.same("history", again, values, "the first answer of all, asked for again at the end")

    changed: set[str] = set()
    with foreign_state(probe.precision.name):
        before = snapshot()
        probe.evaluate(moved)
        answer = probe.evaluate(atoms)
        changed |= differing(before, snapshot())
        what = "another backend set number type, threads and seeds"
        probe.same("foreign_state", answer, values, what)
        names = [f"loaded_in_foreign_state_{part}" for part in ("energy", "forces")]
        probe.attempt(names, lambda: _fresh(probe, moved, changed))
    which = f"; altered: {', '.join(sorted(changed))}" if changed else ""
    probe.add(
        "state_left_behind",
        len(changed),
        0.0,
        "1",
        f"settings of the process (number type, threads, seeds, error handling) that a call leaves altered{which}",
    )


def other(probe: Probe, atoms: Atoms) -> Atoms:
    """Another structure of the same atoms, not far away."""
    moved = atoms.copy()
    moved.positions += probe.rng.uniform(-MOVE, MOVE, size=moved.positions.shape)
    return moved


def _fresh(probe: Probe, atoms: Atoms, changed: set[str]) -> None:
    """A calculator that is made after another backend, against the one that has seen much by now."""
    device = probe.ctx.device
    before = snapshot()
    calculator = probe.ctx.potential.calculator(
        device=str(device.get("name", "cpu")), dtype=str(device.get("dtype", "float64"))
    )
    answer = probe.evaluate(atoms, calculator)
    changed |= differing(before, snapshot())
    what = "a calculator that was made after another backend, against the one that has seen all other structures"
    probe.same("loaded_in_foreign_state", answer, probe.evaluate(atoms), what)


@contextmanager
def foreign_state(dtype: str) -> Iterator[None]:
    """Seeds, torch's default number type and threads as another backend may leave them; put back afterwards."""
    python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002 (it is the global state that matters)
    torch = _torch()
    kept: tuple[Any, ...] = ()
    if torch is not None:
        kept = torch.get_default_dtype(), torch.get_num_threads(), torch.get_rng_state()
    try:
        random.seed(SEED)
        np.random.seed(SEED)  # noqa: NPY002
        if torch is not None:
            torch.set_default_dtype(getattr(torch, OTHER[dtype]))
            torch.set_num_threads(2 if kept[1] == 1 else 1)
            torch.manual_seed(SEED)
        yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)  # noqa: NPY002
        if torch is not None:
            torch.set_default_dtype(kept[0])
            torch.set_num_threads(kept[1])
            torch.set_rng_state(kept[2])


def snapshot() -> dict[str, Any]:
    """What is global in this process, by name, in a form that can be compared."""
    state: dict[str, Any] = {
        "seed of random": random.getstate(),
        "seed of numpy": repr([np.asarray(part).tolist() for part in np.random.get_state()]),  # noqa: NPY002
        "error handling of numpy": np.geterr(),
    }
    for library in threadpool_info():
        state[f"threads of {library['prefix']}"] = library["num_threads"]
    torch = _torch()
    if torch is not None:
        state |= {
            "number type of torch": str(torch.get_default_dtype()),
            "threads of torch": torch.get_num_threads(),
            "seed of torch": torch.get_rng_state().numpy().tobytes(),
            "gradients of torch": torch.is_grad_enabled(),
            "deterministic algorithms of torch": torch.are_deterministic_algorithms_enabled(),
            "matrix precision of torch": torch.get_float32_matmul_precision(),
        }
    return state


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    """Names of what changed; a library that was loaded in between is no change."""
    return {name for name, value in before.items() if name in after and after[name] != value}


def _torch() -> Any:
    """Torch where it is installed."""
    if find_spec("torch") is None:
        return None
    try:
        return import_module("torch")
    except (ImportError, OSError, RuntimeError):
        return None
