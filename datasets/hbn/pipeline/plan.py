"""What is to be labelled, the most useful first."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from .hot import HELD
from .structures import stored

#: Those of some thirty candidates of a family on which moment tensor potentials disagreed most (`choose`). They are
#: harder than their families, so they are for training alone: the test stays a fair sample.
CHOSEN = {
    "ripple-mono8": (46, 23, 29, 34, 35, 30, 43, 36),
    "shaken-mono8": (34, 37, 21, 29, 22, 35, 27, 25),
    "rand-mono8": (45, 48, 52, 53, 40, 36, 54, 46),
}


def _names(family: str, first: int, last: int) -> list[str]:
    return [f"{family}-{i:03d}" for i in range(first, last + 1)]


def _mixed(*lists: list[str]) -> list[str]:
    """One from each list in turn."""
    return [name for row in zip_longest(*lists) for name in row if name is not None]


def chosen() -> list[str]:
    """Names that a committee of potentials chose."""
    return _mixed(*([f"{family}-{i:03d}" for i in numbers] for family, numbers in CHOSEN.items()))


def responses() -> list[str]:
    """Names that get Born charges and Wannier centres, besides energy, forces and stress."""
    return [
        *_mixed(
            _names("rand-mono2", 24, 33),
            _names("rand-bilayer4", 18, 29),
            ["path-bilayer4-003", "path-bilayer4-011"],
        ),
        *_mixed(
            _names("ripple-mono8", 6, 6), _names("rand-bilayer4", 6, 17), ["path-bilayer4-001", "path-bilayer4-015"]
        ),
        *_mixed(_names("rand-mono2", 42, 89), _names("rand-bilayer4", 46, 60)),
    ]


def energies() -> list[str]:
    """Names that get energy, forces and stress only.

    Hot bilayers of 16 and 28 atoms come first, a family in turn; then eight small frames, which take a minute or two,
    to a large one.
    """
    large_hot = _mixed(*([name for name in sorted(stored()) if name.startswith(family)] for family in HELD))
    hot = [name for name in sorted(stored()) if not name.startswith(("hot-bilayer16", *HELD))]
    small = _mixed(
        hot,
        _names("shaken-bilayer4", 0, 9) + _names("shaken-bilayer4", 11, 24),  # 010 and 025 hold clashes
        _names("bent-mono8", 0, 5),
        _names("rand-mono2", 34, 41),
        _names("shaken-mono8", 0, 14),
        _names("rand-bilayer4", 30, 45),
        _mixed(_names("line-flipped4", 0, 18), _names("flat-bilayer4", 0, 39), _names("rand-flipped4", 0, 11)),
        _names("rand-mono8", 6, 27),
        _names("ripple-mono8", 8, 19),
        chosen(),
    )
    large = _mixed(
        _names("bent-mono16", 0, 17),
        _names("bent-mono12", 0, 5),
        _names("rand-bilayer16", 5, 10),
        sorted(set(stored()) - set(hot) - set(large_hot)),
        _names("twist-bilayer28", 0, 3),
        _names("bent-bilayer32", 0, 3),
    )
    return large_hot + _mixed(*(small[i::8] for i in range(8)), large)


def queue(kinds: list[str]) -> Iterator[tuple[str, str]]:
    """``(kind, name)`` in order; two kinds take turns."""
    lists = {"responses": responses, "energies": energies}
    for row in zip_longest(*([(kind, name) for name in lists[kind]()] for kind in kinds)):
        yield from (item for item in row if item is not None)
