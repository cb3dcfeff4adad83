"""Parameters of the task `single_point`."""

from __future__ import annotations

from dataclasses import dataclass

from harness.contracts.parameters import Count


@dataclass(frozen=True, slots=True)
class SinglePointParams:
    """Parameters of `single_point`.

    Attributes
    ----------
    repeat
        Copies of the primitive cell along its two vectors.
    """

    repeat: tuple[Count, Count] = (1, 1)
