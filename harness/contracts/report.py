"""What a report has to offer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from harness.contracts.record import Record


class Report(Protocol):
    """A view of records; no physics, no models."""

    name: str

    def render(self, records: Sequence[Record], folder: Path) -> list[Path]:
        """Write the report into `folder`; returns the files written."""
        ...
