"""The split of the shipped frames, and the rule that made it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pipeline.layers import bilayer, layer, rattle
from pipeline.likeness import apart, clusters, fingerprint
from pipeline.split import LEFT_OUT, NEARER_THAN, SERIES, assign

from harness.data.dataset import SPLITS, Dataset, family

FOLDER = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def data() -> Dataset:
    return Dataset.load(FOLDER)


@pytest.fixture(scope="module")
def prints(data) -> dict[str, dict[str, np.ndarray]]:
    """Fingerprints of all frames by split and name."""
    found: dict[str, dict[str, np.ndarray]] = {}
    for where in SPLITS:
        frames = data.frames(where, "energies") + data.frames(where, "responses")
        found[where] = {frame.info["name"]: fingerprint(frame) for frame in frames}
    return found


def test_no_two_frames_on_different_sides_are_near_duplicates(prints):
    nearest = {}
    for here, there in (("train", "validation"), ("train", "test"), ("validation", "test")):
        pairs = {(apart(a, b), m, n) for m, a in prints[here].items() for n, b in prints[there].items()}
        nearest[here, there] = min(pairs)
    assert all(distance >= NEARER_THAN for distance, *_ in nearest.values()), nearest


def test_every_frame_has_one_side_and_keeps_it_for_both_kinds(data):
    names = [name for where in SPLITS for name in data.split[where]]
    assert len(names) == len(set(names))
    stored = {frame.info["name"] for kind in ("energies", "responses") for frame in data.frames("all", kind)}
    assert set(names) <= stored
    for where in SPLITS:
        energies, responses = ({f.info["name"] for f in data.frames(where, kind)} for kind in ("energies", "responses"))
        others = {name for side in SPLITS if side != where for name in data.split[side]}
        assert not (energies | responses) & others


def test_lines_of_structures_stay_together(data):
    for line in SERIES:
        sides = {where for where in SPLITS for name in data.split[where] if family(name) in line}
        assert sides == {"train"}


def test_random_families_are_on_every_side(data):
    """Stratified: about 70, 15 and 15 of a hundred; families of fewer than six frames may lack a side."""
    for kind in data.families():
        names = {where: [n for n in data.split[where] if family(n) == kind] for where in SPLITS}
        total = sum(map(len, names.values()))
        if total < 6 or any(kind in line for line in SERIES):
            continue
        assert all(names.values()), kind
        assert 0.5 < len(names["train"]) / total < 0.9, kind


def test_distance_knows_neither_order_nor_cell_nor_origin():
    atoms = rattle(bilayer((0.2, 0.5), 3.4), np.random.default_rng(0), 0.05)
    moved = atoms.repeat((2, 1, 1))[::-1]
    moved.rotate(37.0, "z", rotate_cell=True)
    moved.positions += [3.0, -1.0, 4.0]
    assert apart(fingerprint(atoms), fingerprint(moved)) < 1e-9
    slid = bilayer((0.2, 0.5), 3.5)
    assert apart(fingerprint(bilayer((0.2, 0.5), 3.4)), fingerprint(slid)) > NEARER_THAN
    assert apart(fingerprint(layer()), fingerprint(layer(flip=True))) < 1e-9
    boron, nitrogen = layer()[[0]], layer()[[1]]
    assert apart(fingerprint(boron), fingerprint(nitrogen)) > 1.0


def flat(*values: float) -> dict[str, np.ndarray]:
    """Frames of a made-up family whose fingerprints are single numbers."""
    return {f"rand-x-{i:03d}": np.array([[v]]) for i, v in enumerate(values)}


def test_chains_of_near_duplicates_are_one_group():
    step = 0.9 * NEARER_THAN
    groups = clusters(flat(0, step, 2 * step, 1.0), NEARER_THAN, [])
    assert sorted(map(len, groups)) == [1, 3]


def test_old_frames_keep_their_side_and_twins_join_them():
    frames = flat(*np.arange(20.0))
    before = assign(frames, set(), {})
    assert {where: len(names) for where, names in before.items()} == {"train": 14, "validation": 3, "test": 3}
    more = frames | {f"rand-x-{100 + i}": f + 1e-3 for i, f in enumerate(frames.values())}
    after = assign(more, set(), before)
    for where in SPLITS:
        assert set(before[where]) <= set(after[where])
        assert {f"rand-x-{100 + int(n[-3:])}" for n in before[where]} <= set(after[where])


def test_a_frame_between_two_sides_is_left_out():
    gap = 1.5 * NEARER_THAN
    before = {"train": ["rand-x-000"], "validation": [], "test": ["rand-x-001"]}
    after = assign(flat(0, gap, gap / 2), set(), before)
    assert after == {**before, LEFT_OUT: ["rand-x-002"]}
