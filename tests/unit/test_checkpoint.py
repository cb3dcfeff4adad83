"""A checkpoint exists once it was saved whole, and not before."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from harness.execution.context import FileCheckpoint


def test_whether_there_is_one_is_known_without_reading_it(tmp_path: Path) -> None:
    checkpoint = FileCheckpoint(tmp_path)
    assert not checkpoint.exists() and checkpoint.load() is None
    checkpoint.save({"x": np.arange(1000.0)})
    loaded = checkpoint.load()
    assert checkpoint.exists() and loaded is not None and loaded["x"][-1] == 999.0
    whole = checkpoint.path.read_bytes()
    checkpoint.path.write_bytes(whole[: len(whole) // 2])  # the disk was full
    assert not checkpoint.exists() and checkpoint.load() is None
    checkpoint.remove()
    assert not checkpoint.exists()


def test_what_another_version_saved_is_not_gone_on_from(tmp_path: Path) -> None:
    FileCheckpoint(tmp_path, "1.0").save({"x": np.arange(3.0)})
    newer, same = FileCheckpoint(tmp_path, "1.1"), FileCheckpoint(tmp_path, "1.0")
    assert same.exists() and list(same.load() or {}) == ["x"]
    assert not newer.exists() and newer.load() is None
    newer.save({"y": 1.0})
    assert newer.exists() and list(newer.load() or {}) == ["y"]
