"""Parameters of the task `single_point`."""

from __future__ import annotations

from dataclasses import dataclass

from harness.errors import HarnessError


@dataclass(frozen=True, slots=True)
class SinglePointParams:
    """Parameters of `single_point`.

    Attributes
    ----------
    repeat
        Copies of the primitive cell along its two vectors.
    """

    repeat: tuple[int, int] = (1, 1)

    def __post_init__(self) -> None:
        if min(self.repeat) < 1:
            raise HarnessError(f"task.params.repeat is {list(self.repeat)}.", "Give two numbers of at least 1.")
