"""Stages: what is finished survives a kill, saving costs little, and progress adds up."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.contracts.potential import Noise, Noisy, noise_of
from harness.execution.context import FileCheckpoint
from harness.execution.stages import PERCENT, RunStages
from harness.testing.free_atoms import FreeAtoms
from harness.testing.trial import Bar, MemoryCheckpoint
from tests.support.checkpoints import FragileCheckpoint, Killed


class CountingCheckpoint(MemoryCheckpoint):
    """Counts saves, each of which takes a while."""

    def __init__(self, takes: float = 0.0) -> None:
        super().__init__()
        self.saves, self._takes = 0, takes

    def save(self, arrays: Any) -> None:
        super().save(arrays)
        time.sleep(self._takes)
        self.saves += 1


def stages(checkpoint: Any, lost_at_most: float = 0.0) -> tuple[RunStages, Bar]:
    bar = Bar(PERCENT)
    return RunStages(checkpoint, bar, lost_at_most), bar


ENTRY = {
    "energy": np.float64(0.1) + 0.2,
    "converged": np.True_,
    "steps": np.array(3),
    "reason": np.array("a bond broke"),
    "positions": np.arange(6.0).reshape(2, 3),
    "none": np.zeros((0, 3)),
    "answers": {"q": np.arange(3), "dipole": np.float64(2.0)},
    "nothing": {},
}


def same(entry: Any) -> None:
    assert entry.keys() == ENTRY.keys()
    assert entry["energy"] == 0.1 + 0.2 and type(entry["energy"]) is float
    assert entry["converged"] is True and entry["steps"] == 3 and entry["reason"] == "a bond broke"
    assert np.array_equal(entry["positions"], np.arange(6.0).reshape(2, 3)) and entry["none"].shape == (0, 3)
    assert np.array_equal(entry["answers"]["q"], np.arange(3)) and entry["answers"]["dipole"] == 2.0
    assert entry["nothing"] == {}


def test_entries_are_the_same_before_and_after_a_save(tmp_path: Any) -> None:
    checkpoint = FileCheckpoint(tmp_path)
    first, _ = stages(checkpoint)
    with first.stage("path") as stage, stage.stage("SP") as inner:
        inner.keep("0.5,0.5", ENTRY)
        same(inner["0.5,0.5"])
        inner.append("loads", ENTRY)
        inner.append("loads", {"energy": 1.0})
        inner.keep_partial("later", ENTRY)
    again, _ = stages(checkpoint)
    with again.stage("path") as stage, stage.stage("SP") as inner:
        assert "0.5,0.5" in inner and "0.5,0.5" not in stage
        same(inner["0.5,0.5"])
        same(inner.sequence("loads")[0])
        assert inner.sequence("loads")[1] == {"energy": 1.0} and len(inner.sequence("loads")) == 2
        assert "later" not in inner
        same(inner.partial("later"))


def test_a_stage_without_a_name_has_the_entries_of_the_one_around_it() -> None:
    run, _ = stages(MemoryCheckpoint())
    with run.stage("path") as stage:
        with stage.stage(weight=0.5) as part:
            part.keep("one", {"energy": 1.0})
        assert "one" in stage


def test_what_is_under_way_goes_when_it_is_finished_and_not_before() -> None:
    checkpoint = MemoryCheckpoint()
    run, _ = stages(checkpoint)
    with run.stage("bend") as stage:
        for name, finish in (("relaxation", stage.keep), ("loads", stage.append)):
            stage.keep_partial(name, {"step": 1})
            stage.keep_partial(name, {"step": 2})
            assert stage.partial(name) == {"step": 2}
            finish(name, {"energy": 1.0})
            assert stage.partial(name) is None
    assert sorted(checkpoint.stored or {}) == ["bend/loads#0000|energy", "bend/relaxation|energy"]


def test_an_entry_is_a_copy() -> None:
    run, _ = stages(MemoryCheckpoint())
    positions = np.zeros((2, 3))
    with run.stage("path") as stage:
        stage.keep("start", {"positions": positions})
        positions += 1.0
        assert not stage["start"]["positions"].any()


def test_names_do_not_break_the_grammar() -> None:
    run, _ = stages(MemoryCheckpoint())
    with run.stage("path") as stage, pytest.raises(ValueError, match="may not contain"):
        stage.keep("a|b", {"energy": 1.0})


def test_what_ends_a_stage_saves_it() -> None:
    for error in (None, KeyboardInterrupt, Killed):
        checkpoint = CountingCheckpoint()
        run, _ = stages(checkpoint, lost_at_most=1e6)
        try:
            with run.stage("path") as stage:
                stage.keep("one", {"energy": 1.0})
                assert checkpoint.saves == 0 and not stage.due
                if error is not None:
                    raise error
        except (KeyboardInterrupt, Killed):
            pass
        assert checkpoint.saves == 1 and list(checkpoint.stored or {}) == ["path/one|energy"]


def test_a_kill_loses_what_was_not_saved() -> None:
    checkpoint = FragileCheckpoint(2)
    run, _ = stages(checkpoint)
    with pytest.raises(Killed), run.stage("path") as stage:
        for name in "abc":
            stage.keep(name, {"energy": 1.0})
    again, _ = stages(checkpoint)
    with again.stage("path") as stage:
        assert "b" in stage and "c" not in stage


def test_saving_costs_a_small_share_of_the_time() -> None:
    checkpoint = CountingCheckpoint(takes=0.01)
    run, _ = stages(checkpoint, lost_at_most=1e-6)
    started = time.monotonic()
    with run.stage("path") as stage:
        while time.monotonic() - started < 0.5:
            stage.keep("now", {"energy": 1.0})
        during = checkpoint.saves
    assert 1 <= during <= 4  # 10 ms each in 500 ms: a share of 5 %, and perhaps one more


Tree = st.recursive(
    st.lists(st.floats(0, 3), max_size=4),
    lambda inner: st.lists(st.tuples(st.floats(0, 3), st.floats(0, 5), inner), max_size=3),
)


def walk(stage: Any, tree: Any) -> None:
    for part in tree:
        if isinstance(part, float):
            stage.advance(part)
        else:
            weight, total, inner = part
            with stage.stage("part", weight, total) as nested:
                walk(nested, inner)


@given(Tree)
def test_progress_never_passes_the_end_and_reaches_it(tree: Any) -> None:
    """Whatever is announced and whatever is done."""
    seen: list[float] = []

    class Watched(Bar):
        def update(self, n: float = 1, note: str = "") -> None:
            super().update(n, note)
            assert n >= 0
            seen.append(self.done)

    bar = Watched(PERCENT)
    run = RunStages(MemoryCheckpoint(), bar, 1e6)
    with run.stage("all", total=4.0) as stage:
        walk(stage, tree)
    assert bar.done == PERCENT and max(seen) <= PERCENT


def test_shares_follow_the_weights() -> None:
    run, bar = stages(MemoryCheckpoint())
    with run.stage("first", weight=0.25, total=4) as stage:
        stage.advance(1)
        assert bar.done == pytest.approx(6.25)
        with stage.stage("half of it", weight=2, total=10) as part:
            part.advance(5)
            assert bar.done == pytest.approx(12.5)
            part.advance(100)
            assert bar.done == pytest.approx(18.75)
        assert bar.done == pytest.approx(18.75)
    assert bar.done == pytest.approx(25)
    with run.stage("rest", weight=0.75):
        pass
    assert bar.done == PERCENT


def test_a_stage_that_fails_does_not_count_as_done() -> None:
    run, bar = stages(MemoryCheckpoint())
    with pytest.raises(Killed), run.stage("first") as stage:
        stage.advance(0.25)
        raise Killed
    assert bar.done == pytest.approx(25)


def test_noise_is_what_the_model_declares() -> None:
    class Iterating(FreeAtoms):
        noise = Noise(energy=1e-6, forces=1e-3)

    assert isinstance(Iterating(), Noisy) and noise_of(Iterating()).forces == 1e-3
    assert noise_of(FreeAtoms()) == noise_of(None) == Noise()
    assert noise_of(Iterating()).reachable(1e-4) == 2e-3 and Noise().reachable(1e-4) == 1e-4
