"""The checkpoint of the task `bend`: named sequences of loads, flattened into one file of arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from harness.contracts.task import Checkpoint


class Store:
    """Sequences of dictionaries of numbers and arrays that survive a kill.

    Keys are ``name/0003/field`` and ``name/0003/field/subfield``.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        self._arrays: dict[str, Any] = dict(checkpoint.load() or {})

    def sequence(self, name: str) -> list[dict[str, Any]]:
        """The entries appended under `name`."""
        entries: dict[int, dict[str, Any]] = {}
        for key in sorted(self._arrays):
            owner, _, rest = key.partition("/")
            if owner != name:
                continue
            number, _, slot = rest.partition("/")
            entry = entries.setdefault(int(number), {})
            slot, _, inner = slot.partition("/")
            value = self._arrays[key]
            value = value if value.ndim else value.item()
            if inner:
                entry.setdefault(slot, {})
                if inner != "-":
                    entry[slot][inner] = np.asarray(value)
            else:
                entry[slot] = value
        return [entries[number] for number in sorted(entries)]

    def append(self, name: str, entry: Mapping[str, Any]) -> None:
        """Add `entry` to the sequence `name` and write the checkpoint."""
        prefix = f"{name}/{len(self.sequence(name)):04d}"
        for slot, value in entry.items():
            if isinstance(value, Mapping):
                self._arrays[f"{prefix}/{slot}/-"] = np.zeros(1)  # an empty mapping is one, too
                for inner, array in value.items():
                    self._arrays[f"{prefix}/{slot}/{inner}"] = np.asarray(array)
            else:
                self._arrays[f"{prefix}/{slot}"] = np.asarray(value)
        self._checkpoint.save(self._arrays)

    def get(self, name: str) -> dict[str, Any] | None:
        """The single entry `name` that was `put`."""
        found = self.sequence(name)
        return found[0] if found else None

    def put(self, name: str, entry: Mapping[str, Any] | None) -> None:
        """Replace the single entry `name`; None drops it, on disk with the next save."""
        for key in [k for k in self._arrays if k.startswith(f"{name}/")]:
            del self._arrays[key]
        if entry is not None:
            self.append(name, entry)
