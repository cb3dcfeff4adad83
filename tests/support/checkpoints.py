"""A kill that a test can survive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.testing.trial import MemoryCheckpoint


class Killed(Exception):
    """In place of a kill."""


class FragileCheckpoint(MemoryCheckpoint):
    """Stops the run with `Killed` after a number of saves; what is saved later, on the way out, is lost."""

    def __init__(self, stop_after: int) -> None:
        super().__init__()
        self.left = stop_after
        self.killed = False

    def load(self) -> dict[str, Any] | None:
        """The last save before the kill; from now on saves are kept, since another run goes on."""
        self.killed = False
        return super().load()

    def save(self, arrays: Mapping[str, Any]) -> None:
        """Keep a copy of `arrays`, and perhaps stop."""
        if self.killed:
            return
        super().save(arrays)
        self.left -= 1
        if self.left == 0:
            self.killed = True
            raise Killed
