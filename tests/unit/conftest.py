"""Records as runs leave them, for tests of reports and references."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness.contracts.measurement import Check
from harness.contracts.quantity import Quantity
from harness.contracts.record import Record


def _record(
    identity: str = "a1",
    potential: str = "mtp_cd",
    *,
    stacking: str = "AB",
    level: str | None = "PBE-D3(BJ)",
    observables: dict[str, Quantity] | None = None,
    seed: int = 0,
    **fields: Any,
) -> Record:
    """A finished record of a task ``bend``; `fields` replace those of the record."""
    if observables is None:
        observables = {
            "D_b": Quantity(
                4.9, "eV", (4.6, 5.2), "confidence", n=9, method="slope of energy against curvature squared"
            ),
            "mu_curvature": Quantity(0.031, "e", (0.028, 0.034), "numerical"),
        }
    config = {
        "task": {"name": "bend", "factory": None, "params": {"steps": 12}},
        "potential": {"name": potential, "factory": None, "params": {}},
        "polarization": {"name": "charge_dipole", "params": {}},
        "material": {"name": "bn_bilayer", "stacking": stacking},
        "profile": {"name": "quick"},
        "device": {"name": "cpu", "dtype": "float64", "threads": 2},
        "seed": seed,
    }
    defaults: dict[str, Any] = {
        "identity": identity,
        "status": "ok",
        "task": "bend",
        "task_version": 1,
        "potential": potential,
        "polarization": "charge_dipole",
        "material": "bn_bilayer",
        "profile": "quick",
        "config": config,
        "observables": observables,
        "checks": [Check("polarization is odd under mirror", 1e-9, 1e-6, "e/A", "rounding")],
        "seconds": {"task": [61.5]},
        "counts": {"atoms": 384, "force_calls": 1000},
        "provenance": {
            "potential": {"level_of_theory": level, "model": {"file": "bn.mtp", "sha256": "ab" * 32}},
            "command": f"python -m harness task=bend potential={potential}",
        },
        "host": {"processor": "CPU A", "cores": "2", "numpy": "2.0"},
        "started": "2026-01-02T03:04:05.000+00:00",
        "finished": "2026-01-02T03:05:06.000+00:00",
    }
    return Record(**(defaults | fields))


def _failed(identity: str, potential: str, status: str = "failed", **fields: Any) -> Record:
    """A record without results."""
    return _record(
        identity, potential, status=status, observables={}, checks=[], seconds={}, counts={}, host={}, **fields
    )


@pytest.fixture(scope="session")
def make_record() -> Callable[..., Record]:
    """Makes a finished record; see `_record`."""
    return _record


@pytest.fixture(scope="session")
def failed_record() -> Callable[..., Record]:
    """Makes a record without results; see `_failed`."""
    return _failed
