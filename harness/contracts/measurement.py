"""What a task returns: observables, arrays, structures and checks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from harness.contracts.quantity import Quantity

if TYPE_CHECKING:
    from ase import Atoms


Arrays = dict[str, np.ndarray]
About = Literal["potential", "polarization"]


@dataclass(frozen=True, slots=True)
class Check:
    """One line of a task's own consistency checks.

    `value` passes when ``abs(value) <= tolerance``; `reason` says where the tolerance comes from; `about` says which
    of the two models a failure speaks against.
    """

    name: str
    value: float
    tolerance: float
    unit: str = "1"
    reason: str = ""
    about: About = "potential"

    @property
    def passed(self) -> bool:
        """False also for a value that is not a number."""
        return abs(self.value) <= self.tolerance


@dataclass(slots=True)
class Measurement:
    """What a task returns: observables with units, arrays, structures, checks and remarks."""

    observables: dict[str, Quantity] = field(default_factory=dict)
    arrays: Arrays = field(default_factory=dict)
    frames: dict[str, list[Atoms]] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
