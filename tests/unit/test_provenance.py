"""Facts beside a model, and versions."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.registry.provenance import facts_beside, package_versions


def test_facts(tmp_path: Path) -> None:
    model = tmp_path / "mine.pt"
    assert facts_beside(model) == {}
    model.with_suffix(".json").write_text('{"level_of_theory": "PBE"}')
    assert facts_beside(model) == {"level_of_theory": "PBE"}
    model.with_suffix(".json").write_text("[1, 2]")
    assert facts_beside(model) == {}  # somebody's other file
    model.with_suffix(".json").write_text("{")
    with pytest.raises(HarnessError, match="facts beside the model.*cannot be read"):
        facts_beside(model)


def test_versions() -> None:
    found = package_versions("ase", "no-such-distribution")
    assert found == {"ase": version("ase"), "no-such-distribution": "source tree"}
