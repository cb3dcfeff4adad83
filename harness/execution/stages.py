"""Stages of a run: what is finished survives a kill, and the progress bar knows how far the run is.

One flat grammar of keys in the checkpoint: ``stage/stage/entry|field``, and ``…|field|part`` of a field that is a
mapping. The entries of a sequence are ``name#0000``, ``name#0001``, …; the state of something under way is ``name~``.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from harness.contracts.task import Checkpoint, Entry, Progress

#: Work that a kill costs at most, s; longer where saving takes long.
LOST_AT_MOST = 2.0
#: Share of the time that saving may cost.
SAVING_COSTS = 0.05
#: Units of the progress bar of a run.
PERCENT = 100.0
#: Endings of names: the state of something under way, and the number of an entry of a sequence.
PARTIAL, NUMBER = "~", "#"


class Entries:
    """Named dictionaries of numbers and arrays, saved together.

    Parameters
    ----------
    checkpoint
        Read when the first entry is asked for.
    lost_at_most
        Least time between two saves, s; 0 saves every entry, whatever that costs.
    """

    def __init__(self, checkpoint: Checkpoint, lost_at_most: float = LOST_AT_MOST) -> None:
        self.lost_at_most = lost_at_most
        self._checkpoint = checkpoint
        self._entries: dict[str, Entry] | None = None
        self._unsaved = False
        self._next = time.monotonic() + lost_at_most

    @property
    def known(self) -> dict[str, Entry]:
        """All entries by full name."""
        if self._entries is None:
            self._entries = _nested(self._checkpoint.load() or {})
        return self._entries

    @property
    def due(self) -> bool:
        """Whether the next change will be saved at once."""
        return time.monotonic() >= self._next

    def put(self, name: str, entry: Mapping[str, Any], replaced: str = "") -> None:
        """Add or replace the entry `name`, drop the entry `replaced`, and save when it is time."""
        if "|" in name:
            raise ValueError(f"the name of an entry may not contain '|': {name!r}")
        self.known[name] = {field: _plain(value) for field, value in entry.items()}
        self.known.pop(replaced, None)
        self._unsaved = True
        if self.due:
            self.save()

    def save(self) -> None:
        """Write the checkpoint if there is anything new."""
        if not self._unsaved:
            return
        started = time.monotonic()
        self._unsaved = False
        self._checkpoint.save(_flat(self.known))
        ended = time.monotonic()
        pause = max(self.lost_at_most, (ended - started) / SAVING_COSTS) if self.lost_at_most else 0.0
        self._next = ended + pause


class RunStage:
    """One part of a run; made by `RunStages`. See `harness.contracts.task.Stage`.

    Parameters
    ----------
    run
        The stages of the run.
    prefix
        Before the names of its entries.
    begin, size
        Where its share of the progress bar begins, and how large it is; the whole bar is 1.
    total
        Units in which it advances.
    """

    def __init__(self, run: RunStages, prefix: str, begin: float, size: float, total: float) -> None:
        self.total, self.done = total, 0.0
        self._run, self._prefix, self._begin, self._size = run, prefix, begin, size

    @property
    def lost_at_most(self) -> float:
        """Work that a kill may cost, s."""
        return self._run.entries.lost_at_most

    @property
    def due(self) -> bool:
        """Whether an entry that is kept now is saved at once; ask before making a partial state that is expensive."""
        return self._run.entries.due

    @contextmanager
    def stage(self, name: str = "", weight: float = 1.0, total: float = 1.0) -> Iterator[RunStage]:
        """A part of this stage."""
        end = min(self.done + weight, self.total)
        begin, size = self._position(self.done), self._position(end) - self._position(self.done)
        self._run.show(begin, name)
        yield RunStage(self._run, f"{self._prefix}{name}/" if name else self._prefix, begin, size, total)
        self.advance(end - self.done, name)

    def advance(self, n: float = 1.0, note: str = "") -> None:
        """Move the progress bar by `n` units of `total`, never beyond the end of the stage."""
        self.done = min(self.done + max(n, 0.0), self.total)
        self._run.show(self._position(self.done), note)

    def __contains__(self, name: str) -> bool:
        return self._prefix + name in self._run.entries.known

    def __getitem__(self, name: str) -> Entry:
        return self._run.entries.known[self._prefix + name]

    def keep(self, name: str, entry: Mapping[str, Any]) -> None:
        """Add the finished entry `name`; what was `keep_partial` of it is dropped."""
        self._run.entries.put(self._prefix + name, entry, replaced=self._prefix + name + PARTIAL)

    def keep_partial(self, name: str, state: Mapping[str, Any]) -> None:
        """Keep the state of `name`, which is under way, in place of its last one."""
        self._run.entries.put(self._prefix + name + PARTIAL, state)

    def partial(self, name: str) -> Entry | None:
        """The last state of `name`, or None when it is not under way."""
        return self._run.entries.known.get(self._prefix + name + PARTIAL)

    def append(self, name: str, entry: Mapping[str, Any]) -> None:
        """Add `entry` to the sequence `name`; what was `keep_partial` of it is dropped."""
        number = len(self.sequence(name))
        self._run.entries.put(f"{self._prefix}{name}{NUMBER}{number:04d}", entry, self._prefix + name + PARTIAL)

    def sequence(self, name: str) -> list[Entry]:
        """What was appended under `name`, in order."""
        known, found = self._run.entries.known, list[Entry]()
        while (key := f"{self._prefix}{name}{NUMBER}{len(found):04d}") in known:
            found.append(known[key])
        return found

    def _position(self, done: float) -> float:
        """Of this many units, in the whole run: from 0 to 1."""
        return self._begin + self._size * (done / self.total if self.total > 0 else 1.0)


class RunStages:
    """All stages of one run.

    Parameters
    ----------
    checkpoint
        Where entries are saved.
    bar
        Of 100 units.
    lost_at_most
        Work that a kill may cost, s; see `Entries`.
    """

    def __init__(self, checkpoint: Checkpoint, bar: Progress, lost_at_most: float = LOST_AT_MOST) -> None:
        self.entries = Entries(checkpoint, lost_at_most)
        self._bar, self._shown = bar, 0.0
        self._root = RunStage(self, "", 0.0, 1.0, 1.0)

    @contextmanager
    def stage(self, name: str = "", weight: float = 1.0, total: float = 1.0) -> Iterator[RunStage]:
        """A part of the run; whatever ends it, all its entries are saved."""
        try:
            with self._root.stage(name, weight, total) as stage:
                yield stage
        finally:
            self.entries.save()

    def show(self, position: float, note: str = "") -> None:
        """Move the bar to `position`, 0 to 1; it never moves back."""
        step = max(PERCENT * min(position, 1.0) - self._shown, 0.0)
        self._shown += step
        if step or note:
            self._bar.update(step, note)


def _plain(value: Any) -> Any:
    """Numbers and words as Python has them, mappings of arrays, copies of arrays: the same before and after a save."""
    if isinstance(value, Mapping):
        return {part: np.array(array) for part, array in value.items()}
    array = np.array(value)
    return array if array.ndim else array.item()


def _flat(entries: Mapping[str, Entry]) -> dict[str, np.ndarray]:
    arrays = {}
    for name, entry in entries.items():
        for field, value in entry.items():
            if isinstance(value, dict):
                arrays[f"{name}|{field}|"] = np.zeros(0)  # says that it is a mapping, which may be empty
                arrays |= {f"{name}|{field}|{part}": array for part, array in value.items()}
            else:
                arrays[f"{name}|{field}"] = np.asarray(value)
    return arrays


def _nested(arrays: Mapping[str, np.ndarray]) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for key, array in arrays.items():
        name, field, *part = key.split("|")
        entry = entries.setdefault(name, {})
        if not part:
            entry[field] = _plain(array)
        elif part[0]:
            entry.setdefault(field, {})[part[0]] = array
        else:
            entry.setdefault(field, {})
    return entries
