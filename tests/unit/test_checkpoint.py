"""A checkpoint exists once it was saved whole, and not before."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from harness.context import FileCheckpoint


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
