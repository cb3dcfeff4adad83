"""Where the time went, compared only within one host."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.contracts.quantity import Quantity
from harness.contracts.record import Record

#: Facts about a host that decide its speed; versions of libraries belong to an environment, not to a host.
_HARDWARE = ("name", "system", "processor", "cores", "gpu", "driver")


@dataclass(frozen=True, slots=True)
class Speed:
    """One record's line in a table of times."""

    record: Record
    device: str
    wall: float
    atoms: int | None
    force_calls: int | None
    per_call: float | None
    """Time per atom and force call, µs: of the clock ``forces`` where the task has one, else of the whole task."""
    whole: bool
    relative: float | None
    """`per_call` against the fastest record of the same question, host and device; None when there is no other."""
    clocks: tuple[tuple[str, int, Quantity, float], ...]
    """Name, samples, median with interval, and sum of every clock."""


def host(record: Record) -> str:
    """The machine that a record was made on, as far as it decides speed; empty when unknown."""
    return ", ".join(
        f"{record.host[key]} cores" if key == "cores" else str(record.host[key])
        for key in _HARDWARE
        if record.host.get(key)
    )


def median(samples: Sequence[float]) -> Quantity:
    """Median with its distribution-free 95 % interval from order statistics; no interval below six samples."""
    ordered = np.sort(np.asarray(samples, dtype=float))
    n = len(ordered)
    interval = None
    if n >= 6:
        from scipy.stats import binom

        rank = int(binom.ppf(0.025, n, 0.5))
        interval = (float(ordered[rank - 1]), float(ordered[n - rank]))
    return Quantity(float(np.median(ordered)), "s", interval, "confidence", n=n, method="median, order statistics")


def speeds(groups: Sequence[Sequence[Record]]) -> dict[str, list[Speed]]:
    """Host -> lines; `groups` are the records of each question."""
    by_host: dict[str, list[Speed]] = defaultdict(list)
    for records in groups:
        lines = [(host(record), _speed(record)) for record in records if record.status == "ok"]
        for where, line in lines:
            rivals = [
                other.per_call
                for other_host, other in lines
                if other_host == where and other.device == line.device and other.whole == line.whole and other.per_call
            ]
            relative = line.per_call / min(rivals) if line.per_call and len(rivals) > 1 and where else None
            by_host[where].append(_with_relative(line, relative))
    return dict(sorted(by_host.items()))


def _speed(record: Record) -> Speed:
    device = record.config.get("device", {})
    wall = math.fsum(record.seconds.get("task") or [s for samples in record.seconds.values() for s in samples])
    atoms, calls = record.counts.get("atoms"), record.counts.get("force_calls")
    whole = not record.seconds.get("forces")
    spent = wall if whole else math.fsum(record.seconds["forces"])
    return Speed(
        record=record,
        device=f"{device.get('name', 'cpu')}, {device.get('dtype', 'float64')}, threads {device.get('threads', '?')}",
        wall=wall,
        atoms=atoms,
        force_calls=calls,
        per_call=1e6 * spent / (atoms * calls) if atoms and calls and spent else None,
        whole=whole,
        relative=None,
        clocks=tuple(
            (name, len(samples), median(samples), math.fsum(samples))
            for name, samples in sorted(record.seconds.items())
            if samples
        ),
    )


def _with_relative(line: Speed, relative: float | None) -> Speed:
    from dataclasses import replace

    return replace(line, relative=relative)
