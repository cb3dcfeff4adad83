"""Training, validation and test frames: stratified by family, no near-duplicates across, stable as frames come in."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import numpy as np

from harness.data.dataset import SPLITS, family

from .likeness import clusters
from .plan import chosen

SHARES = {"train": 0.70, "validation": 0.15, "test": 0.15}
NEARER_THAN = 0.02
"""Å. Structures nearer than this are near-duplicates; neighbouring points of the equibiaxial scan are 0.017 apart."""
SERIES = (("curve-bilayer4", "path-bilayer4"), ("line-flipped4",), ("scan-mono2",))
"""Families that walk along a line through other frames of the same line: each stays on one side, in training."""
PICKED = frozenset(chosen())
LEFT_OUT = "left_out"


def assign(
    prints: Mapping[str, np.ndarray], responses: set[str], before: Mapping[str, list[str]]
) -> dict[str, list[str]]:
    """Names by split.

    Parameters
    ----------
    prints
        Fingerprint of every frame, by name.
    responses
        Names that have response labels; they are stratified apart, so that every side gets some.
    before
        The split so far. Its frames keep their sides; a new frame joins the side of its near-duplicates. A new frame
        that is near to frames on two sides goes to ``left_out``.

    Lines of structures and frames that a committee chose go to training.
    """
    side = {name: where for where, names in before.items() for name in names}
    series = [sorted(n for n in prints if family(n) in line) for line in SERIES]
    groups = clusters(dict(prints), NEARER_THAN, [line for line in series if line])
    groups.sort(key=lambda group: (zlib.crc32(group[0].encode()), group))
    for group in groups:
        sides = {side[name] for name in group if name in side} - {LEFT_OUT}
        if any(name in line for line in series for name in group) or PICKED.intersection(group):
            sides = sides or {"train"}
        if len(sides) > 1:
            where = LEFT_OUT
        elif sides:
            where = sides.pop()
        else:
            where = _neediest(_stratum(group[0], responses), side, responses, len(group))
        for name in group:
            side.setdefault(name, where)
    found = {where: sorted(n for n, s in side.items() if s == where) for where in (*SPLITS, LEFT_OUT)}
    return {where: names for where, names in found.items() if names or where in SPLITS}


def _stratum(name: str, responses: set[str]) -> tuple[str, bool, bool]:
    return family(name), name in responses, name in PICKED


def _neediest(stratum: tuple[str, bool, bool], side: Mapping[str, str], responses: set[str], number: int) -> str:
    """The split that lacks most of its share of a stratum when `number` frames are added to it.

    A family of three frames has one to be tested by, one of four also one for validation.
    """
    there = [s for name, s in side.items() if _stratum(name, responses) == stratum]
    total = len(there) + number
    for least, where in ((3, "test"), (4, "validation")):
        if total >= least and where not in there:
            return where
    return max(SPLITS, key=lambda where: SHARES[where] * total - there.count(where))
